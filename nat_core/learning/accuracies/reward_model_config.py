"""The configuration of a reward model."""

from typing import Annotated

from pydantic import Field

from nat_core.specification import OneOf, specified

FOLDS = 10
# The largest sizes that any model needs, so that a file cannot ask for more memory.
_Width = Annotated[int, Field(ge=1, le=1024)]


@specified
class RewardModelConfig:
    """Configuration of a reward model's fit.

    Attributes:
        members: size of the ensemble; each member leaves out another tenth of the data, on which it is evaluated.
        combine: how the members' predictions are combined; "min" is cautious, "mean" unbiased.
        rank_share: share of normal scores in the regression's target; the rest are standardised accuracies.
        width, layers, embedding: sizes of the graph network.
        steps: gradient steps per member.
        batch: architectures per step.
        learning_rate: peak learning rate of a one-cycle schedule.
        weight_decay: weight decay of AdamW.
        tolerance: error above which the loss is absolute instead of squared, in standard deviations of the target.
        seed: seed of the initial weights, the batches and the folds of cross-validation.

    Raises:
        ValueError: a value is out of bounds.
    """

    members: Annotated[int, Field(ge=1, le=FOLDS)] = 2
    combine: Annotated[str, OneOf({"mean": "Mean", "min": "Minimum"})] = "min"
    rank_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    width: _Width = 64
    layers: Annotated[int, Field(ge=1, le=16)] = 3
    embedding: _Width = 32
    steps: Annotated[int, Field(ge=1, le=10_000_000)] = 600
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = 256
    learning_rate: Annotated[float, Field(ge=0, le=100)] = 3e-3
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 1e-4
    tolerance: Annotated[float, Field(ge=0, le=1000)] = 0.2
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
