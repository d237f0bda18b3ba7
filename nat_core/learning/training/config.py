"""The configuration of a training, the same for command line and page, and the recipes that fill it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from nat_core.architecture.spaces import SPACES, Space
from nat_core.architecture.transitions import RULES
from nat_core.learning.nasbench201.table import DEVICES, SELECTION_SETS, check_selection_set
from nat_core.learning.policies.costs import check_cost
from nat_core.learning.policies.policy import POLICY_CONFIGS, PolicyConfig
from nat_core.learning.support.checks import check_fields
from nat_core.learning.support.values import dataclass_of

ESTIMATORS = ("group", "moving_average")
REWARD_SCALES = ("normal_scores", "points")
COSTS = ("macs", *DEVICES)
# Rewards from a model of really trained cells (see `trainings_model`), for spaces without a benchmark's table.
TRAININGS = "trainings"


@dataclass(frozen=True)
class TrainingConfig:
    """How to train a policy.

    Attributes:
        space: whose architectures are transformed.
        rule: "nat" or "nat++".
        policy: shape of the policy.
        data_set: what rewards, unless another accuracy source is given: a validation column of NAS-Bench-201, or
            "trainings".
        trainings: files of trained cells that the model of "trainings" is fitted on; without any, the shipped model.
        steps: gradient steps.
        batch: input architectures per step.
        samples: transformations drawn per input.
        learning_rate: Adam's, after warm-up.
        warmup_steps: over which the rate rises linearly.
        decay: whether the rate then falls to 0 along a cosine.
        betas, weight_decay: Adam's.
        estimator: "group" compares an input's samples with each other (see `reinforce`); "moving_average" is
            the authors' baseline over all rewards.
        reward_scale: in which the group estimator compares: "normal_scores" weighs rewards by their ranks among the
            inputs' own, so that differences between good architectures count beside catastrophes, where the
            accuracy source is stable; "points" takes them as they are.
        advantage_weight: factor of the policy term; 0.01 turns points into fractions for the moving average.
        best_weight: factor of the bonus for an input's best sample, per sample.
        baseline_decay: of the moving average.
        entropy_start, entropy_end: weight of the entropy in nats, linear from first to last step.
        inputs, held_out: how many architectures are trained on, and how many only measured.
        thinned_share: of the random inputs trained on, how many lose operations to null first, a quarter of these all
            but one in a row: cells made by hand are sparse or chains, drawn ones are neither.
        split_seed: decides which; independent of `seed` so that trainings compare on the same ones.
        seed: of weights, batches and draws.
        cost: what `cost_weight` weighs: "macs", or a device whose latencies NAS-Bench-201 has.
        cost_weight: λ; points of accuracy ÷ 100 given up for the cost of the heaviest architecture.
        change_weight: points of accuracy that changing an edge must be worth.
        searched_share: of the inputs trained on, for how many the policy imitates what steepest ascent finds where its
            samples find nothing as good, rare gains above all; for rewards that cost nothing and stay the same. With
            budgets, where all cells of the space can be enumerated, it imitates the best that fits.
        imitation_weight: of what the imitated is ahead of the best sample, in the scale of rewards.
        imitation_until: share of the steps over which imitation fades to nothing; 0: it does not fade.
        caution: standard errors of what is gained over the input that are deducted from a modelled gain.
        budget: what the budget limits that the policy is told, one of `policies.costs.COSTS`; empty: it is told none.
            Budgets are drawn anew whenever an input is, and transformations from what fits them.
        smallest_budget: the smallest budget that is drawn, as a share of the input's cost; all up to 1 are as likely.
        whole_budgets: share of the budgets that are the input's whole cost.

    Raises:
        ValueError: a value out of bounds; says which and what is accepted.
    """

    space: str = "nasbench201"
    rule: str = "nat++"
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    data_set: str = "cifar10_valid"
    trainings: tuple[str, ...] = ()
    steps: int = 1500
    batch: int = 256
    samples: int = 10
    learning_rate: float = 2e-3
    warmup_steps: int = 50
    decay: bool = True
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    estimator: str = "group"
    reward_scale: str = "normal_scores"
    advantage_weight: float = 0.05
    best_weight: float = 0.25
    baseline_decay: float = 0.99
    entropy_start: float = 0.03
    entropy_end: float = 0.001
    inputs: int = 12_500
    held_out: int = 3_125
    thinned_share: float = 0.0
    split_seed: int = 0
    seed: int = 0
    cost: str = "macs"
    cost_weight: float = 0.0
    change_weight: float = 0.0
    caution: float = 0.0
    searched_share: float = 0.0
    imitation_weight: float = 3.0
    imitation_until: float = 0.0
    budget: str = ""
    smallest_budget: float = 0.05
    whole_budgets: float = 0.2

    def __post_init__(self) -> None:
        check_fields(self, _BOUNDS, _CHOICES)
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}; two numbers are needed, at least 0 and below 1")
        if self.estimator == "group" and self.samples < 2:
            raise ValueError("the group estimator compares samples of an input; samples must be 2 or more")
        self._check_data_set()
        if self.trainings and self.data_set != TRAININGS:
            raise ValueError(f"trainings reward where data_set is {TRAININGS}, not {self.data_set}")
        if self.cost_weight and self.cost != "macs" and self.space != "nasbench201":
            raise ValueError(
                f"latencies on {self.cost} are known for nasbench201 only; accepted for {self.space}: macs"
            )

        self._check_budget()

    def _check_budget(self) -> None:
        if self.budget:
            check_cost(self.budget)
        if self.budget in DEVICES and self.space != "nasbench201":
            raise ValueError(
                f"latencies on {self.budget} are known for nasbench201 only; accepted for {self.space}: "
                "macs, parameters"
            )
        if self.budget and self.estimator != "group":
            raise ValueError(f"budgets need the group estimator; accepted for {self.estimator}: none")
        if self.policy.budget not in ("", self.budget):
            raise ValueError(f"policy.budget is {self.policy.budget!r}; it must be empty, or budget ({self.budget!r})")

    def _check_data_set(self) -> None:
        if self.data_set != TRAININGS:
            check_selection_set(self.data_set)
        elif self.space == "nasbench201":
            raise ValueError(f"nasbench201 has a table; accepted for data_set: {', '.join(SELECTION_SETS)}")

    @property
    def shape(self) -> PolicyConfig:
        """Of the policy, which is told what `budget` says."""
        return replace(self.policy, budget=self.budget)

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    def learning_rate_at(self, step: int) -> float:
        """Adam's rate in step 0…steps-1: linear warm-up, then a cosine to 0 if `decay`."""
        warm = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if not self.decay:
            return self.learning_rate * warm
        done = max(0, step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * done))

    def entropy_weight_at(self, step: int) -> float:
        """Weight of the entropy in step 0…steps-1."""
        return self.entropy_start + (self.entropy_end - self.entropy_start) * step / max(1, self.steps - 1)

    def imitation_weight_at(self, step: int) -> float:
        """Weight of what is imitated in step 0…steps-1; 0 where nothing is."""
        if not self.searched_share:
            return 0.0
        if not self.imitation_until:
            return self.imitation_weight
        return self.imitation_weight * max(0.0, 1 - step / (self.imitation_until * self.steps))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "TrainingConfig":
        """The inverse of `to_dict`, also after JSON. Raises ValueError for unknown or ill-typed fields."""
        return dataclass_of(cls, value)


_CHOICES = {
    "space": SPACES,
    "rule": RULES,
    "estimator": ESTIMATORS,
    "reward_scale": REWARD_SCALES,
    "cost": COSTS,
}
_BOUNDS: dict[str, tuple[float, float]] = {
    "steps": (1, 10_000_000),
    "batch": (1, 100_000),
    "samples": (1, 10_000),
    "learning_rate": (0.0, 1.0),
    "warmup_steps": (0, 10_000_000),
    "weight_decay": (0.0, 1.0),
    "advantage_weight": (0.0, 1000.0),
    "best_weight": (0.0, 1000.0),
    "baseline_decay": (0.0, 1.0),
    "entropy_start": (0.0, 1000.0),
    "entropy_end": (0.0, 1000.0),
    "inputs": (1, 1_000_000),
    "held_out": (0, 1_000_000),
    "thinned_share": (0.0, 1.0),
    "searched_share": (0.0, 1.0),
    "imitation_weight": (0.0, 1000.0),
    "imitation_until": (0.0, 1.0),
    "smallest_budget": (0.0, 1.0),
    "whole_budgets": (0.0, 1.0),
    "split_seed": (0, 2**63 - 1),
    "seed": (0, 2**63 - 1),
    "cost_weight": (0.0, 10.0),
    "change_weight": (0.0, 100.0),
    "caution": (0.0, 100.0),
}


def authors_recipe(**changes: Any) -> TrainingConfig:
    """The recipe of the papers' code on its own network, for comparison: one sample, a moving baseline."""
    recipe = {
        "policy": POLICY_CONFIGS["gcn"],
        "steps": 8000,
        "samples": 1,
        "learning_rate": 3e-4,
        "warmup_steps": 0,
        "decay": False,
        "betas": (0.5, 0.999),
        "weight_decay": 5e-4,
        "estimator": "moving_average",
        "reward_scale": "points",
        "advantage_weight": 0.01,
        "entropy_start": 0.003,
        "entropy_end": 0.003,
        "batch": 64,
    }
    return TrainingConfig(**{**recipe, **changes})


def trainings_recipe(**changes: Any) -> TrainingConfig:
    """Modelled rewards, which are free but often wrong: of a gain counts what is sure, and the budget sets the price.

    Steepest ascent for every input and budget shows the way.
    """
    recipe = {
        "space": "fully_concat",
        "data_set": TRAININGS,
        "budget": "macs",
        "smallest_budget": 0.15,
        "steps": 800,
        "batch": 32,
        "samples": 8,
        "learning_rate": 2e-3,
        "entropy_end": 0.003,
        "inputs": 600,
        "held_out": 100,
        "thinned_share": 0.3,
        "caution": 0.7,
        "searched_share": 1.0,
    }
    return TrainingConfig(**{**recipe, **changes})


def budgets_recipe(**changes: Any) -> TrainingConfig:
    """One policy for all budgets; what exact search finds shows it the way, and then its own samples do.

    While it imitates it spreads over what is nearly as good; what it does most probably becomes best after that.
    """
    recipe = {
        "budget": "macs",
        "steps": 4000,
        "searched_share": 1.0,
        "imitation_weight": 0.15,
        "imitation_until": 0.5,
    }
    return TrainingConfig(**{**recipe, **changes})


RECIPES: Mapping[str, Callable[..., TrainingConfig]] = {
    "group": TrainingConfig,
    "budgets": budgets_recipe,
    "authors": authors_recipe,
    "trainings": trainings_recipe,
}
