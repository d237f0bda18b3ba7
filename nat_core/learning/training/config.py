"""The configuration of a training, the same for command line and page, and the recipes that fill it."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from nat_core.architecture.spaces import SPACES, Space
from nat_core.architecture.transitions import RULES
from nat_core.learning.nasbench201.columns import DEVICES, SelectionSet
from nat_core.learning.policies.config import BUDGETS, POLICY_CONFIGS, PolicyConfig
from nat_core.learning.support.earlier import in_parts
from nat_core.options import Asked
from nat_core.specification import OneOf, read, specified

# Rewards from a benchmark's table, or from a model of really trained cells (see `trainings_model`).
TABLE, TRAININGS = "table", "trainings"
SOURCES = {TABLE: "A benchmark's table", TRAININGS: "A model of really trained cells"}
COSTS = {"macs": "MACs", **DEVICES}

Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Steps = Annotated[int, Field(ge=1, le=10_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, le=1000)]
Beta = Annotated[float, Field(ge=0, lt=1)]
_MODELLED = (TRAININGS,)


@specified
class AdamConfig:
    """Settings of the policy's optimiser.

    Attributes:
        learning_rate: peak learning rate, reached after warm-up.
        warmup_steps: number of steps over which the learning rate rises linearly.
        decay: whether the learning rate falls to 0 along a cosine after warm-up.
        betas, weight_decay: settings of Adam.
    """

    learning_rate: Share = 2e-3
    warmup_steps: Annotated[int, Field(ge=0, le=10_000_000)] = 50
    decay: bool = True
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    weight_decay: Share = 0.0

    def rate_at(self, step: int, steps: int) -> float:
        """Return the learning rate in step 0…steps-1: linear warm-up, then a cosine to 0 if `decay`."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if not self.decay:
            return self.learning_rate * warm
        done = max(0, step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))


@specified
class ReinforceConfig:
    """Settings of the policy gradient.

    Attributes:
        estimator: "group" compares an input's samples with each other (see `reinforce`); "moving_average" compares
            gains with the authors' baseline, a moving average of all gains.
        reward_scale: scale in which the group estimator compares rewards: "normal_scores" of their ranks among the
            inputs' rewards, so that a few very bad architectures do not outweigh all differences between good ones
            (only if the accuracy source is stable); "points" leaves rewards as they are.
        advantage_weight: factor of the policy term; 0.01 turns points into fractions for the moving average.
        best_weight: factor of the bonus for an input's best sample, per sample.
        baseline_decay: decay of the moving average of gains.
        entropy_start, entropy_end: weight of the entropy in nats at the first and last step, linear in between.
        searched_share: share of training inputs for which the policy imitates the output of a search if it is better
            than all of the policy's samples. The search is exact if the space can be enumerated, else steepest ascent.
            Meant for cheap, stable rewards.
        imitation_weight: weight of imitation per unit of reward by which the search beats the best sample.
        imitation_until: share of the steps over which imitation fades to nothing; 0: it does not fade.
    """

    estimator: Annotated[str, OneOf({"group": "Among an input's samples", "moving_average": "Moving average"})] = (
        "group"
    )
    reward_scale: Annotated[str, OneOf({"normal_scores": "Normal scores", "points": "Points"})] = "normal_scores"
    advantage_weight: Weight = 0.05
    best_weight: Weight = 0.25
    baseline_decay: Share = 0.99
    entropy_start: Weight = 0.03
    entropy_end: Weight = 0.001
    searched_share: Annotated[
        float,
        Field(ge=0, le=1),
        Asked("Searched share", "Share of inputs for which search shows the policy an output.", only=_MODELLED),
    ] = 0.0
    imitation_weight: Weight = 3.0
    imitation_until: Share = 0.0

    def entropy_weight_at(self, step: int, steps: int) -> float:
        """Return the weight of the entropy in step 0…steps-1."""
        return self.entropy_start + (self.entropy_end - self.entropy_start) * step / max(1, steps - 1)

    def imitation_weight_at(self, step: int, steps: int) -> float:
        """Return the weight of imitation in step 0…steps-1; 0 without imitation."""
        if not self.searched_share:
            return 0.0
        if not self.imitation_until:
            return self.imitation_weight
        return self.imitation_weight * max(0.0, 1 - step / (self.imitation_until * steps))


@specified
class RewardConfig:
    """Settings of the rewards.

    Attributes:
        source: default accuracy source, a key of `SOURCES`.
        data_set: validation column of NAS-Bench-201 that gives the rewards of source "table".
        trainings: files of trained cells on which the model of source "trainings" is fitted; empty: the shipped model.
        cost: the cost that `cost_weight` penalises: "macs", or a device whose latencies NAS-Bench-201 has.
        cost_weight: λ: 100 · λ points of accuracy are deducted for the cost of the heaviest architecture.
        change_weight: points of accuracy deducted for each changed edge.
        caution: number of standard errors deducted from a modelled gain over the input.
    """

    source: Annotated[str, OneOf(SOURCES)] = TABLE
    data_set: Annotated[SelectionSet, Asked("Rewards from", "Column of the benchmark that rewards.", only=(TABLE,))] = (
        "cifar10_valid"
    )
    trainings: Annotated[
        tuple[str, ...],
        Asked(
            help="A file of your trained cells: CSV, parquet or LaNAS' trace; repeatable.", only=_MODELLED, files=True
        ),
    ] = ()
    cost_weight: Annotated[
        float,
        Field(ge=0, le=10),
        Asked("Cost weight λ", "100 · λ points of accuracy are deducted for the heaviest cell's cost."),
    ] = 0.0
    change_weight: Annotated[
        float,
        Field(ge=0, le=100),
        Asked("Change weight", "Points of accuracy deducted for each changed edge.", only=_MODELLED),
    ] = 0.0
    caution: Annotated[
        float,
        Field(ge=0, le=100),
        Asked("Caution", "Number of standard errors deducted from a gain.", only=_MODELLED),
    ] = 0.0
    cost: Annotated[
        str,
        OneOf(COSTS),
        Asked("Cost", "The cost that λ weighs: macs, or a device of the benchmark.", only=(TABLE,)),
    ] = "macs"


@specified
class InputsConfig:
    """Settings of the input architectures of a training.

    Attributes:
        training, held_out: number of architectures for training, and for measurements only.
        thinned_share: share of random training inputs that are made similar to cells designed by hand: a quarter of
            these become chains, the rest lose a random part of their operations to null.
        split_seed: seed of the choice of inputs, not the training's seed, so that several trainings can share inputs.
    """

    training: Annotated[int, Field(ge=1, le=1_000_000)] = 12_500
    held_out: Annotated[int, Field(ge=0, le=1_000_000)] = 3_125
    thinned_share: Share = 0.0
    split_seed: Seed = 0


@specified
class BudgetsConfig:
    """The budgets that the policy is told: each drawn input gets one, and only transformations within it are drawn.

    Attributes:
        cost: the cost that budgets limit; empty: the policy is told no budget.
        smallest: lower end of the uniform distribution of budgets, as a share of the input's cost; the upper end is 1.
        whole: share of the budgets that are the input's whole cost instead.
    """

    cost: Annotated[
        str,
        OneOf(BUDGETS),
        Asked(
            "Budget of",
            "The cost that the policy's budgets limit: macs, parameters or a device.",
            "budget",
            only=(TABLE, TRAININGS),
        ),
    ] = ""
    smallest: Annotated[
        float,
        Field(ge=0, le=1),
        Asked(
            "Smallest budget",
            "Smallest budget drawn, as a share of the input's cost; all up to 1 are equally likely.",
            "smallest_budget",
            only=(TABLE, TRAININGS),
        ),
    ] = 0.05
    whole: Share = 0.2


@specified
class TrainingConfig:
    """Settings of a policy's training.

    Attributes:
        space: name of the space whose architectures are transformed.
        rule: transition rule: "nat" or "nat++".
        policy: shape of the policy.
        steps: number of gradient steps.
        batch: input architectures per step.
        samples: transformations drawn per input.
        seed: seed of weights, batches and draws.
        optimizer, reinforce, reward, inputs, budgets: settings of the optimiser, the policy gradient, the rewards, the
            input architectures and the budgets.

    Raises:
        ValueError: a value is out of bounds, or values do not fit each other.
    """

    space: Annotated[str, OneOf(SPACES)] = "nasbench201"
    rule: Annotated[str, OneOf(RULES)] = "nat++"
    policy: Annotated[
        PolicyConfig,
        Asked("Policy network", "edge is ours, gcn the papers'.", "policy_network", named=POLICY_CONFIGS),
    ] = PolicyConfig()
    steps: Annotated[
        Steps,
        Asked("Policy steps", "Gradient steps of the policy; from images, per epoch or round.", main=True),
    ] = 1500
    batch: Annotated[int, Field(ge=1, le=100_000)] = 256
    samples: Annotated[int, Field(ge=1, le=10_000)] = 10
    seed: Annotated[Seed, Asked("Seed", "Seed of weights, batches and draws.", main=True)] = 0
    optimizer: AdamConfig = AdamConfig()
    reinforce: ReinforceConfig = ReinforceConfig()
    reward: RewardConfig = RewardConfig()
    inputs: InputsConfig = InputsConfig()
    budgets: BudgetsConfig = BudgetsConfig()

    def __post_init__(self) -> None:
        reward, is_table = self.reward, self.space == "nasbench201"
        if self.reinforce.estimator == "group" and self.samples < 2:
            raise ValueError("the group estimator compares samples of an input; samples must be 2 or more")
        if reward.source == TRAININGS and is_table:
            raise ValueError(f"reward.source is {TRAININGS!r}; accepted for nasbench201, which has a table: {TABLE}")
        if reward.trainings and reward.source != TRAININGS:
            raise ValueError(f"trainings reward where reward.source is {TRAININGS!r}, not {reward.source!r}")
        if reward.cost_weight and reward.cost != "macs" and not is_table:
            raise ValueError(
                f"latencies on {reward.cost} are known for nasbench201 only; accepted for {self.space}: macs"
            )
        self._check_budgets()

    def _check_budgets(self) -> None:
        cost = self.budgets.cost
        if cost in DEVICES and self.space != "nasbench201":
            raise ValueError(
                f"latencies on {cost} are known for nasbench201 only; accepted for {self.space}: macs, parameters"
            )
        if cost and self.reinforce.estimator != "group":
            raise ValueError(f"budgets need the group estimator; accepted for {self.reinforce.estimator}: none")
        if self.policy.budget not in ("", cost):
            raise ValueError(f"policy.budget is {self.policy.budget!r}; it must be empty, or budgets.cost ({cost!r})")

    @property
    def shape(self) -> PolicyConfig:
        """The configuration of the policy, which is conditioned on what `budgets` limit."""
        return replace(self.policy, budget=self.budgets.cost)

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "TrainingConfig":
        """Invert `to_dict`, also after JSON. Raises ValueError if a field is unknown or ill-typed."""
        return read(cls, in_parts(value))


# The recipe of the papers' code: one sample, a moving baseline.
AUTHORS_OPTIMIZER = AdamConfig(
    learning_rate=3e-4, warmup_steps=0, decay=False, betas=(0.5, 0.999), weight_decay=5e-4
)  # fmt: skip
AUTHORS_REINFORCE = ReinforceConfig(
    estimator="moving_average", reward_scale="points", advantage_weight=0.01, entropy_start=0.003, entropy_end=0.003
)
_SHOWN_FIRST = ReinforceConfig(searched_share=1.0, imitation_weight=0.15, imitation_until=0.5)
RECIPES: Mapping[str, TrainingConfig] = MappingProxyType(
    {
        "group": TrainingConfig(),
        # One policy for all budgets: what exact search finds shows it the way, and then its own samples do. While it
        # imitates it spreads over what is nearly as good; what it does most probably becomes best after that.
        "budgets": TrainingConfig(steps=2500, budgets=BudgetsConfig("macs"), reinforce=_SHOWN_FIRST),
        # Latencies are harder to learn: they are no sums over edges, and some cells are fast by chance.
        "latency": TrainingConfig(
            steps=3200, budgets=BudgetsConfig("1080ti_1"), reinforce=replace(_SHOWN_FIRST, imitation_weight=0.3),
        ),
        # On its own network, for comparison.
        "authors": TrainingConfig(
            policy=POLICY_CONFIGS["gcn"], steps=8000, batch=64, samples=1, optimizer=AUTHORS_OPTIMIZER,
            reinforce=AUTHORS_REINFORCE,
        ),
        # Modelled rewards are free but often wrong: of a gain counts what is sure, and the budget sets the price.
        # Steepest ascent for every input and budget shows the way.
        TRAININGS: TrainingConfig(
            space="fully_concat", steps=800, batch=32, samples=8,
            reinforce=ReinforceConfig(entropy_end=0.003, searched_share=1.0),
            reward=RewardConfig(source=TRAININGS, caution=0.7),
            inputs=InputsConfig(training=600, held_out=100, thinned_share=0.3),
            budgets=BudgetsConfig("macs", smallest=0.15),
        ),
    }
)  # fmt: skip
