"""Shared weights on ImageNet's network, with images that are streamed."""

from dataclasses import replace
from itertools import count

import pytest
import torch

from nat_core.learning.forms import form_for, with_options
from nat_core.learning.image_training.loop import train_on_images
from nat_core.learning.image_training.presets import preset
from nat_core.learning.images.images import load_images
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from nat_core.runs.kinds.training import image_arguments
from tests.support.image_folder import make_image_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_image_folder(tmp_path_factory.mktemp("imagenet"), images=60, classes=3, sides=(70, 120))


@pytest.mark.parametrize(("name", "resolution"), [("smoke", 128), ("cpu", 128), ("paper", 224)])
def test_its_cells_see_as_many_pixels_as_on_cifar(name, resolution):
    config = with_options(preset(name, "fully_concat"), {"network": "imagenet"})
    assert config.network(1000).description.startswith("ImageNet, C ") and config.resolution == resolution
    assert with_options(config, {"resolution": 96}).resolution == 96
    words = image_arguments(config, name)
    assert words == ["train", "--space", "fully_concat", "--preset", name, "--network", "imagenet"]


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="network is 'nasbench201'; accepted: cifar, imagenet"):
        form_for("fully_concat").config("fully_concat", {"network": "nasbench201"})


def small(folder, schedule):
    config = with_options(
        preset("smoke", "fully_concat"),
        {
            "network": "imagenet", "resolution": 32, "images": "streamed", "data": str(folder), "schedule": schedule,
            "epochs": 2, "steps": 3, "batch": 8, "reward_images": 8, "channels": 2, "rounds": 1,
        },
    )  # fmt: skip
    rewards = replace(config.rewards, measured_images=8, evaluated=24, chunk=12, checked=2, anchors=2, batch=4)
    weights = replace(config.weights, steps=4)
    model = replace(config.model, steps=3, members=1, batch=8)
    inputs = replace(config.policy.inputs, held_out=2, training=8)
    policy = replace(config.policy, inputs=inputs, batch=2, samples=2)
    return replace(config, rewards=rewards, weights=weights, model=model, policy=policy)


@pytest.mark.parametrize("schedule", ["two-stage", "alternate"])
def test_streamed_and_held_images_train_the_same(folder, tmp_path, schedule):
    config = small(folder, schedule)
    streamed, held = (
        replace(load_images(str(folder), resolution=32, way=way), mean=(100.0,) * 3, deviation=(60.0,) * 3)
        for way in ("streamed", "held")
    )
    paths = [tmp_path / name for name in ("streamed.safetensors", "held.safetensors")]
    asked = count()
    hooks = Hooks(should_stop=lambda: next(asked) >= 6, checkpoint=paths[0])
    assert not train_on_images(config, streamed, hooks=hooks).finished  # stopped in the middle of an epoch
    assert train_on_images(config, streamed, hooks=Hooks(checkpoint=paths[0])).finished
    trained = train_on_images(config, held, hooks=Hooks(checkpoint=paths[1]))
    assert trained.finished and trained.state.supernet.config.family == "imagenet"
    one, other = (load_tensors(path)[0] for path in paths)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_it_tells_what_is_left_out_and_what_cannot_be_read(tmp_path):
    root = make_image_folder(tmp_path / "pictures", images=60, classes=3, sides=(70, 120))
    (root / "train" / "n00000000" / "notes.txt").write_text("mine")
    for file in (root / "train" / "n00000001").iterdir():
        file.write_bytes(file.read_bytes()[:-200])
    told, asked = [], count()
    config = replace(small(root, "alternate"), most_broken=16)
    train_on_images(config, hooks=Hooks(should_stop=lambda: next(asked) >= 2, tell=told.append))
    assert told[0] == f"{root}/train: 1 file left out, not called as an image (n00000000/notes.txt)"
    assert told[1].startswith("skipped, 1 of at most 16: ") and "is not a readable image" in told[1]
