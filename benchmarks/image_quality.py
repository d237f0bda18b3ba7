"""How good a policy of an image space is: `python -m benchmarks.image_quality --space fully_concat`.

Inputs are random architectures that trained nothing, and every published original of the space. Everything is chosen by
the model that rewarded the policy (*evaluations* are its predictions), the input always being a candidate where it fits
the budget. Gains are means over inputs with standard errors over inputs; what is left of them by models that chose
nothing, `benchmarks.rewards` says. *Reward* is what the policy was trained for, of outputs minus of inputs: accuracy by
the model less the price of MACs, of changes and of doubt. Costs are of C 36, L 20 without auxiliary head, over those of
the input.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.documents import QUALITY, add_write_option, write_figures
from benchmarks.rows import machine
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.nasbench201.comparators import local_search
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.policy import Policy
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.data import objective_of
from nat_core.learning.training.rewards import Objective
from nat_core.learning.training.rules import Rule, Worth, applied, best_rule
from nat_core.learning.training.search import gained
from nat_core.network.config import NETWORKS
from nat_core.network.costs import Cost, cost_model
from nat_core.paths import PRETRAINED
from nat_core.transformation import Options, Transformation, transform

FITTED_ON = 100
# Random inputs: with 200, standard errors over inputs are as large as some differences.
INPUTS = 1000
# Draws among which those that fit the budget are sought, per candidate.
_DRAWS = 20


@dataclass(frozen=True)
class Setting:
    """A policy, what judges its outputs, and a budget.

    Attributes:
        space: of inputs and outputs.
        policy: of that space.
        objective: what the policy was trained for, with the model of accuracies that chooses outputs.
        share: of the input's MACs that an output may cost.
    """

    space: Space
    policy: Policy
    objective: Objective
    share: float

    @property
    def model(self) -> AccuracySource:
        """Of accuracies."""
        return self.objective.source

    def cost(self, architecture: Architecture) -> Cost:
        """On the space's usual network."""
        return cost_model(NETWORKS[self.space.network]).cost(architecture)

    def limit(self, given: Architecture) -> int:
        """MACs that an output may cost."""
        return int(self.share * self.cost(given).macs)

    def best(self, given: Architecture, candidates: Sequence[Architecture]) -> Architecture:
        """By the model, of those within the budget and the input if it is; the input if nothing is."""
        limit = self.limit(given)
        fitting = [item for item in [given, *candidates] if self.cost(item).macs <= limit]
        return fitting[int(self.model.accuracy_percent(fitting).argmax())] if fitting else given

    def reward(self, inputs: Sequence[Architecture], outputs: Sequence[Architecture]) -> NDArray[np.float64]:
        """[n] points, of outputs minus of inputs, as in training."""
        return gained(self.objective, inputs, outputs) - gained(self.objective, inputs, inputs)

    @cached_property
    def accurate_rule(self) -> Rule:
        """The best mapping by the model alone."""
        return self._fitted(lambda _, outputs: float(self.model.accuracy_percent(outputs).mean()))

    @cached_property
    def rewarded_rule(self) -> Rule:
        """The best mapping by what the policy was trained for."""
        return self._fitted(lambda inputs, outputs: float(self.reward(inputs, outputs).mean()))

    def _fitted(self, worth: Worth) -> Rule:
        rng = random.Random(seed_of("fixed rule"))
        return best_rule(self.space, [self.space.sample(rng) for _ in range(FITTED_ON)], worth)


Method = Callable[[Setting, Architecture], Architecture]


def greedy(setting: Setting, given: Architecture) -> Architecture:
    """The policy's most probable output; not compared with the input."""
    outcome = _transformed(setting, given, 1, None)
    if outcome is None:
        return given
    return next(item.architecture for item in outcome.candidates if item.number > 0 or len(outcome.candidates) == 1)


def probable(count: int) -> Method:
    """The best by the model of the policy's most probable outputs."""

    def choose(setting: Setting, given: Architecture) -> Architecture:
        outcome = _transformed(setting, given, count, None)
        return setting.best(given, [item.architecture for item in outcome.candidates]) if outcome else given

    return choose


def shown(count: int) -> Method:
    """What the app shows: of the most probable outputs, some of them cheap, the one that is worth most."""

    def choose(setting: Setting, given: Architecture) -> Architecture:
        outcome = _transformed(setting, given, count, setting.model)
        return outcome.output.architecture if outcome else given

    return choose


def _transformed(
    setting: Setting, given: Architecture, count: int, source: AccuracySource | None
) -> Transformation | None:
    """None if nothing legal is as cheap as the setting asks for."""
    try:
        options = Options(samples=count, max_macs=setting.limit(given))
        return transform(given, setting.policy, setting.space, source, options)
    except ValueError:
        return None


def random_best(count: int) -> Method:
    """The best by the model of `count` random legal transformations within the budget."""

    def choose(setting: Setting, given: Architecture) -> Architecture:
        rng, limit = random.Random(seed_of("random", notation.shortest(given))), setting.limit(given)
        drawn = (
            given.with_operations([rng.choice(setting.space.targets(name)) for name in given.operations])
            for _ in range(_DRAWS * count)
        )
        fitting = (item for item in drawn if setting.cost(item).macs <= limit)
        return setting.best(given, [item for item, _ in zip(fitting, range(count), strict=False)])

    return choose


def local(count: int) -> Method:
    """Local search by the model, `count` evaluations; what is over the budget counts as worse the more it is."""

    def choose(setting: Setting, given: Architecture) -> Architecture:
        limit = setting.limit(given)

        def score(operations: tuple[str, ...]) -> float:
            item = given.with_operations(list(operations))
            over = max(0, setting.cost(item).macs - limit)
            return float(setting.model.accuracy_percent([item])[0]) - 1000 * over / limit

        choices = [setting.space.targets(name) for name in given.operations]
        rng = random.Random(seed_of("local", notation.shortest(given)))
        return given.with_operations(list(local_search(given.operations, choices, score, count, rng)))

    return choose


def accurate_rule(setting: Setting, given: Architecture) -> Architecture:
    """Each operation always becomes the same one, as is most accurate on average."""
    return applied(setting.accurate_rule, given)


def rewarded_rule(setting: Setting, given: Architecture) -> Architecture:
    """Each operation always becomes the same one, as is best for what the policy was trained for."""
    return applied(setting.rewarded_rule, given)


GREEDY, PROBABLE = "policy, greedy (0 evaluations)", "policy, best of the 10 most probable"
SHOWN = "policy, as the app shows it (10)"
REWARDED, ACCURATE = "best fixed rule by the policy's reward (0)", "best fixed rule by accuracy (0)"
RANDOM_10, RANDOM_100 = "random legal, best of 10", "random legal, best of 100"
LOCAL_10, LOCAL_100 = "local search, 10", "local search, 100"
METHODS: Mapping[str, Method] = {
    GREEDY: greedy,
    PROBABLE: probable(10),
    SHOWN: shown(10),
    REWARDED: rewarded_rule,
    ACCURATE: accurate_rule,
    RANDOM_10: random_best(10),
    RANDOM_100: random_best(100),
    LOCAL_10: local(10),
    LOCAL_100: local(100),
}
# What is compared input by input: the policy, and what it has to beat.
COMPARED = (
    (GREEDY, REWARDED),
    (GREEDY, ACCURATE),
    (GREEDY, RANDOM_10),
    (PROBABLE, RANDOM_100),
    (PROBABLE, LOCAL_10),
)
# They know no budget.
RULES = (rewarded_rule, accurate_rule)


def inputs_of(space: Space, count: int) -> list[Architecture]:
    """`count` random ones, then the published, without what the papers made of them."""
    rng = random.Random(seed_of("quality", space.name))
    originals = [item.architecture for item in library().values() if not item.method]
    fitting = [item for item in originals if space.mismatch(item) is None]
    return [*(space.sample(rng) for _ in range(count)), *fitting]


def setting_of(space: str, policies: Path) -> Setting:
    """The policy of a space in a folder, with the model that rewarded it, and all of the input's MACs.

    Raises:
        ValueError: it has no model of accuracies.
    """
    inputs = inputs_of(SPACES[space], 1)
    policy, card = catalogue.load_for(policies, inputs[0], space)
    model = catalogue.model_of(card)
    if model is None:
        raise ValueError(f"the policy {space} has no model of accuracies")
    training = {name: value for name, value in card.training.items() if name != "steps_done"}
    return Setting(SPACES[space], policy, objective_of(TrainingConfig.from_dict(training), model), 1.0)


@dataclass(frozen=True)
class Outputs:
    """What a method made of the inputs.

    Attributes:
        architectures: in the order of the inputs.
        gains, rewards: [n] points, by the model.
    """

    architectures: Sequence[Architecture]
    gains: NDArray[np.float64]
    rewards: NDArray[np.float64]


def outputs_of(setting: Setting, inputs: Sequence[Architecture], method: Method) -> Outputs:
    """All inputs transformed."""
    made = [method(setting, item) for item in inputs]
    gains = setting.model.accuracy_percent(made) - setting.model.accuracy_percent(inputs)
    return Outputs(made, gains, setting.reward(inputs, made))


def table(setting: Setting, inputs: Sequence[Architecture]) -> Iterator[str]:
    """A line per method, then one per comparison of two of them."""
    found: dict[str, Outputs] = {}
    yield "| method | reward | gain by the model | worse | MACs | parameters |"
    yield "|---|" + "---:|" * 5
    for title, method in METHODS.items():
        if setting.share == 1 or method not in RULES:
            found[title] = outputs_of(setting, inputs, method)
            yield _line(setting, inputs, title, found[title])
    yield "\n| compared | reward | gain by the model |"
    yield "|---|" + "---:|" * 2
    for ours, other in COMPARED:
        if other in found:
            yield _comparison(ours, other, found)


def _line(setting: Setting, inputs: Sequence[Architecture], title: str, outputs: Outputs) -> str:
    costs = [(setting.cost(old), setting.cost(new)) for old, new in zip(inputs, outputs.architectures, strict=True)]
    macs = np.mean([new.macs / old.macs for old, new in costs])
    parameters = np.mean([new.parameters / old.parameters for old, new in costs])
    worse = f"{(outputs.gains < 0).mean():.1%}"
    points = f"{with_error(outputs.rewards)} | {with_error(outputs.gains)}"
    return f"| {' | '.join((title, points, worse, f'{macs:.2f}', f'{parameters:.2f}'))} |"


def _comparison(ours: str, other: str, found: Mapping[str, Outputs]) -> str:
    """Differences, ours minus the other's, input by input."""
    one, two = found[ours], found[other]
    return f"| {ours} − {other} | {with_error(one.rewards - two.rewards)} | {with_error(one.gains - two.gains)} |"


def with_error(gains: NDArray[np.float64]) -> str:
    """Their mean, and its standard error."""
    return f"{gains.mean():+.3f} ± {gains.std(ddof=1) / len(gains) ** 0.5:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.image_quality", description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=IMAGE_SPACES, default=IMAGE_SPACES[0])
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="folder of policies")
    parser.add_argument("--inputs", type=int, default=INPUTS, help="random ones")
    add_write_option(parser, QUALITY)
    options = parser.parse_args()
    torch.set_num_threads(1)
    setting = setting_of(options.space, options.policies)
    inputs = inputs_of(setting.space, options.inputs)
    lines = []
    for share in (1.0, 0.75):
        lines += [f"\n{len(inputs)} inputs, at most {share:.0%} of their MACs; {machine()}\n"]
        print(lines[-1], flush=True)
        for line in table(replace(setting, share=share), inputs):
            lines.append(line)
            print(line, flush=True)
    if options.write:
        write_figures(QUALITY, f"benchmarks.image_quality --space {options.space}", "\n".join(lines))


if __name__ == "__main__":
    main()
