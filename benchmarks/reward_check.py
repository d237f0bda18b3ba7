"""The reward, checked on test images: `python -m benchmarks.reward_check --data SOURCE`.

Policies are rewarded by a model of trainings judged on selection images, most of them of three epochs. Here the same
trainings of three epochs, with another seed, are judged on test images, which chose nothing. First inputs and outputs
of `benchmarks.promise`, where the output differs. Then, of all inputs and outputs that `benchmarks.image_quality`
compares, those that tell most about its differences for their time: each next one is the one that lowers the sum of
these differences' variances most per second, each relative to what it is now, in a regression of the model's form,
beside those that are trained already. Only counts decide that, no accuracy does. With `--budget judge` it is whole
trainings that are chosen so.

Results go into the table that ships; what it has is not trained again, several processes share the work. Printed is, in
the end or with `--print` at once, how well two such trainings of the same architecture agree, and the model with those
of architectures that it has not seen.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import image_quality, promise
from benchmarks.design import Known, seconds_of, standardised, telling
from benchmarks.proxies import interval
from benchmarks.trainings import JUDGE_EPOCHS, PURPOSES, REWARD_EPOCHS, options_of, train
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.structure_model import StructureModel, fit_structure_model, of_main_budget
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.images.images import load_images
from nat_core.learning.scratch.config import Budget, NamedArchitecture
from nat_core.learning.scratch.measured import MeasuredAccuracy, MeasuredResult, read_measured
from nat_core.learning.support.ranks import rank_correlation
from nat_core.runs.processes import stop_signals

SEED = 1

_Numbers = NDArray[np.float64]


def budget(architecture: Architecture) -> Budget:
    """That of rewards, judged on test images."""
    return replace(PURPOSES["rewards"].budget(architecture), judged_on="test")


@dataclass(frozen=True)
class Check:
    """Trainings judged on test images.

    Attributes:
        budget: of an architecture.
        epochs, seed: of them all.
        promise: whether the promise's inputs and outputs come first, which the judge has anyhow.
    """

    budget: Callable[[Architecture], Budget]
    epochs: int
    seed: int
    promise: bool


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "rewards": Check(budget, REWARD_EPOCHS, SEED, promise=True),
        "judge": Check(PURPOSES["judge"].budget, JUDGE_EPOCHS, 0, promise=False),
    }
)


def made_otherwise(policies: Path) -> list[NamedArchitecture]:
    """Inputs of the promise from which the output differs, each followed by its output; loose-end ones first."""
    pairs = [
        promise.pair(item, SPACES[name], policies)
        for name in reversed(IMAGE_SPACES)
        for item in promise.inputs(SPACES[name])
    ]
    return [
        NamedArchitecture.of(architecture, name)
        for item in pairs
        if item.made["ours"] != item.given
        for architecture, name in ((item.given, item.name), (item.made["ours"], f"{item.name}, ours"))
    ]


@dataclass(frozen=True)
class Compared:
    """What methods made of the same inputs.

    Attributes:
        space: its name.
        inputs: architectures.
        outputs: by method, in the order of the inputs.
    """

    space: str
    inputs: Sequence[Architecture]
    outputs: Mapping[str, Sequence[Architecture]]

    def named(self) -> Iterator[NamedArchitecture]:
        """Inputs and outputs, each called what it is."""
        for title, architectures in {"input": self.inputs, **self.outputs}.items():
            for number, item in enumerate(architectures):
                yield NamedArchitecture.of(item, f"{self.space}, quality {number}, {title}")

    def differences(self, model: StructureModel) -> _Numbers:
        """[comparisons, counts] mean differences of standardised counts between methods that are compared."""
        counts = {title: standardised(outputs, model).mean(axis=0) for title, outputs in self.outputs.items()}
        return np.array([counts[ours] - counts[other] for ours, other in image_quality.COMPARED])


def compared(setting: image_quality.Setting, inputs: Sequence[Architecture]) -> Compared:
    """What the compared methods make of `inputs`."""
    titles = dict.fromkeys(title for both in image_quality.COMPARED for title in both)
    outputs = {
        title: image_quality.outputs_of(setting, inputs, image_quality.METHODS[title]).architectures for title in titles
    }
    return Compared(setting.space.name, inputs, outputs)


def jobs(check: Check, policies: Path, inputs: int, count: int, table: Path) -> list[NamedArchitecture]:
    """All that is trained: the promise's if they are wanted, then `count` others."""
    first = made_otherwise(policies) if check.promise else []
    results = of_main_budget(read_measured(table), "test", check.epochs)
    known = dict.fromkeys(result.value.effective for result in results)
    settings = [image_quality.setting_of(name, policies) for name in IMAGE_SPACES]
    model = settings[0].model
    assert isinstance(model, StructureModel)
    both = [compared(setting, image_quality.inputs_of(setting.space, inputs)) for setting in settings]
    named: dict[Architecture, NamedArchitecture] = {}
    for item in (item for each in both for item in each.named()):
        named.setdefault(item.architecture.effective, item)
    candidates = [item for architecture, item in named.items() if architecture not in known]
    architectures = [item.architecture for item in candidates]
    trained = Known([*known, *(item.architecture for item in first if item.architecture.effective not in known)])
    differences = np.vstack([each.differences(model) for each in both])
    seconds = seconds_of(architectures, model, table)
    chosen = telling(architectures, trained, differences, seconds, model, count)
    return [*first, *(candidates[number] for number in chosen)]


def report(fitted: Sequence[MeasuredResult], checks: Sequence[MeasuredResult]) -> Iterator[str]:
    """What trainings of other seeds and images say about those that a model was fitted on, and about the model.

    Args:
        fitted: the model's trainings.
        checks: others of the same length.
    """
    model, known = fit_structure_model(fitted, IMAGE_SPACES[0]), MeasuredAccuracy(fitted)
    topologies = {item.topology for item in known.architectures}
    pairs = [(item.value, item.accuracy) for item in checks]
    twice = [(item, accuracy) for item, accuracy in pairs if known.mismatch(item) is None]
    new = [(item, accuracy) for item, accuracy in pairs if item.effective.topology not in topologies]
    yield f"{len(checks)} trainings, seed {SEED}, {checks[0].epochs} epochs, test images"
    if len(twice) > 2:
        first, second = known.accuracy_percent([item for item, _ in twice]), np.array([a for _, a in twice])
        yield (
            f"the same architecture trained twice ({len(twice)}): Spearman {rank_correlation(first, second):.2f}, "
            f"standard deviation of one training {(second - first).std(ddof=1) / 2**0.5:.2f} points"
        )
    if len(new) > 2:
        predicted = np.array([_predicted(model, item) for item, _ in new])
        true = np.array([accuracy for _, accuracy in new])
        low, high = interval(predicted, true)
        yield (
            f"the model on topologies that it has not seen ({len(new)}): Spearman "
            f"{rank_correlation(predicted, true):.2f} ({low:.2f} to {high:.2f})"
        )


def _predicted(model: StructureModel, item: Architecture) -> float:
    """By the same fit as a model of whichever image space `item` is of."""
    space = next(name for name in IMAGE_SPACES if SPACES[name].mismatch(item) is None)
    return float(replace(model, space=space).accuracy_percent([item])[0])


def main() -> None:
    parser = options_of("reward_check", __doc__)
    parser.add_argument("--inputs", type=int, default=image_quality.INPUTS, help="random ones, as of image_quality")
    parser.add_argument("--count", type=int, default=60, help="trainings besides those of the promise's architectures")
    parser.add_argument("--budget", choices=CHECKS, default="rewards", help="how they are trained")
    parser.add_argument("--print", action="store_true", help="train nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if not options.print:
        options.state.mkdir(parents=True, exist_ok=True)
        check = CHECKS[options.budget]
        wanted = jobs(check, options.policies, options.inputs, options.count, options.table)
        data = load_images(options.data)
        with stop_signals() as stopped:
            for item in wanted:
                how = check.budget(item.architecture)
                if not train(item, check.seed, how, data, options.table, options.state, stopped):
                    sys.exit(130)
    results = read_measured(options.table)
    fitted, checks = (of_main_budget(results, judged_on, REWARD_EPOCHS) for judged_on in ("selection", "test"))
    print("\n".join(report(fitted, checks)) if checks else "no check is trained yet")


if __name__ == "__main__":
    main()
