"""What configurations say of images, without the images."""

from typing import Annotated

from pydantic import Field

HUB_DEFAULT = "uoft-cs/cifar10"
SAMPLE = "sample"

# What `load_images` accepts, and sizes of an augmentation.
Source = Annotated[str, Field(min_length=1, max_length=1000)]
Pixels = Annotated[int, Field(ge=0, le=256)]
