"""Accuracies measured here by training from scratch: one table, and an accuracy source that reads it.

The table is a file of JSON lines, one per (architecture, budget, seed); a training done again replaces its line. It
lives in the folder of runs; what the project ships lies among its assets.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from pydantic import Field

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracyKind
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture
from nat_core.learning.support.device import device_title, machine
from nat_core.learning.support.files import write_text
from nat_core.network.costs import cost_model
from nat_core.paths import ASSETS
from nat_core.sentences import brief
from nat_core.specification import from_json, read, specified

if TYPE_CHECKING:
    from nat_core.learning.images.images import ImageData

SHIPPED = ASSETS / "measured.jsonl"
TOP = 5
# Of a budget, what came later than the first results: where it is as it was then, identifiers stay what they are.
_LATER = ("first_classes", "pieces", "decay", "crop", "jitter")
# Of a budget, what changes no result.
_MEANS = ("data", "images", "most_broken")


@dataclass(frozen=True)
class Verdict:
    """How often a network is right, in percent.

    Attributes:
        accuracy: share of images for which the first guess is right.
        top5_accuracy: share for which one of the first five guesses is right; None for five classes or fewer.
    """

    accuracy: float
    top5_accuracy: float | None

    def metrics(self) -> dict[str, float]:
        """Return the metrics by name, as a run records them."""
        found = {"accuracy": self.accuracy, "top5_accuracy": self.top5_accuracy}
        return {name: value for name, value in found.items() if value is not None}


@specified
class MeasuredResult:
    """One network trained and evaluated.

    Attributes:
        architecture: name of the architecture, or "".
        genotype: the architecture in the shortest notation.
        accuracy: accuracy in percent of the network's first guess on the images `judged_on`.
        judged_on: "test" or "selection"; see `Budget`.
        budget: identifier of everything about the training but architecture and seed.
        seed: seed of weights, order, augmentation and drop path.
        parameters, macs: counts for the network without auxiliary head, dead edges included, one multiply-add = 1.
        network: size of the network in words.
        data: the images in words.
        preset: preset on which the budget is based.
        epochs: number of epochs of the training.
        elapsed_seconds: seconds of training and evaluation.
        date: end of the training, UTC, ISO 8601.
        settings: the budget in full.
        machine: facts about the machine on which the time depends.
        top5_accuracy: top-5 accuracy in percent; None for five classes or fewer.
        accuracy_kind: always "measured".
    """

    architecture: str
    genotype: str
    accuracy: Annotated[float, Field(ge=0, le=100)]
    judged_on: str
    budget: str
    seed: int
    parameters: int
    macs: int
    network: str
    data: str
    preset: str
    epochs: int
    elapsed_seconds: float
    date: str
    settings: Mapping[str, Any] = field(hash=False)
    machine: Mapping[str, Any] = field(hash=False)
    top5_accuracy: Annotated[float, Field(ge=0, le=100)] | None = None
    accuracy_kind: AccuracyKind = "measured"

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what identifies the measurement."""
        return self.genotype, self.budget, self.seed

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.accuracy, self.top5_accuracy)

    @cached_property
    def value(self) -> Architecture:
        """Return the architecture itself. Raises ValueError if the genotype cannot be read."""
        return notation.parse(self.genotype)

    def to_dict(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "MeasuredResult":
        """Invert `to_dict`, also after JSON. Raises ValueError if a field is missing or unknown."""
        return read(cls, value)


def measured_result(
    item: NamedArchitecture,
    seed: int,
    verdict: Verdict,
    elapsed_seconds: float,
    config: EvaluationConfig,
    data: "ImageData",
    device: torch.device | str = "cpu",
) -> MeasuredResult:
    """The result of one training of a queue, finished now."""
    budget = config.budget
    network = budget.network(len(data.classes))
    cost = cost_model(network).cost(item.architecture)
    return MeasuredResult(
        architecture=item.name,
        genotype=notation.shortest(item.architecture),
        accuracy=verdict.accuracy,
        judged_on=budget.judged_on,
        budget=budget_id(config, data),
        seed=seed,
        parameters=cost.parameters,
        macs=cost.macs,
        network=network.description,
        data=data.description,
        preset=config.preset,
        epochs=budget.epochs,
        elapsed_seconds=elapsed_seconds,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=budget.to_dict(),
        machine={"device": device_title(str(device)), **machine()},
        top5_accuracy=verdict.top5_accuracy,
    )


def budget_id(config: EvaluationConfig, data: "ImageData") -> str:
    """12 hexadecimal digits that stand for a budget on these images, wherever they were read from."""
    usual = Budget()
    settings = {
        name: value
        for name, value in config.budget.to_dict().items()
        if name not in _MEANS and not (name in _LATER and value == getattr(usual, name))
    }
    parts = (data.weights, data.rewards, data.selection, data.test)
    images = [[len(part) for part in parts], len(data.classes), data.mean, data.deviation]
    text = json.dumps([settings, images], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_measured(*paths: Path) -> tuple[MeasuredResult, ...]:
    """Read the results in those of the files that exist; a later line replaces an earlier one of the same key.

    Raises:
        ValueError: a line is damaged.
    """
    found: dict[tuple[str, str, int], MeasuredResult] = {}
    for path in paths:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number, line in enumerate(lines, start=1):
            result = _read_line(line, f"{path}, line {number}")
            found[result.key] = result
    return tuple(found.values())


def _read_line(line: str, place: str) -> MeasuredResult:
    try:
        return MeasuredResult.from_dict(from_json(line))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{place}: {brief(error)}; accepted: a result written by `evaluate`") from error


def add_measured(path: Path, *results: MeasuredResult) -> None:
    """Add results to a file, atomically and under a lock; results of the same key are replaced. The file may be new.

    Raises:
        ValueError: the file is damaged; it is left as it is.
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        known = {result.key: result for result in (*read_measured(path), *results)}
        lines = (json.dumps(result.to_dict(), ensure_ascii=False) for result in known.values())
        write_text(path, "".join(f"{line}\n" for line in lines))


def budgets(results: Iterable[MeasuredResult]) -> dict[str, list[MeasuredResult]]:
    """Results by their budget's identifier, the budget with most results first."""
    groups: dict[str, list[MeasuredResult]] = {}
    for result in results:
        groups.setdefault(result.budget, []).append(result)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def of_main_budget(
    results: Iterable[MeasuredResult], judged_on: str, epochs: int | None = None
) -> list[MeasuredResult]:
    """Those of the most frequent budget (of `epochs`) evaluated on "selection", to learn and choose by, or "test"."""
    groups = budgets(result for result in results if result.judged_on == judged_on and epochs in (None, result.epochs))
    return next(iter(groups.values()), [])


class MeasuredAccuracy:
    """Results of one budget as an `AccuracySource`: the mean over seeds.

    Architectures that differ in dead edges only are the same here. Accuracies on test images are for reports; what
    learns or chooses needs a budget that evaluates on `selection`.

    Args:
        results: results of one budget.

    Raises:
        ValueError: there are no results, they have several budgets, or a genotype cannot be read.
    """

    kind: AccuracyKind = "measured"
    stable = True

    def __init__(self, results: Sequence[MeasuredResult]) -> None:
        found = sorted({result.budget for result in results})
        if len(found) != 1:
            raise ValueError(f"results of {len(found)} budgets ({', '.join(found) or 'none'}); accepted: one")
        values: dict[Architecture, list[float]] = {}
        top5: dict[Architecture, list[float]] = {}
        for result in {result.key: result for result in results}.values():
            values.setdefault(result.value.effective, []).append(result.accuracy)
            if result.top5_accuracy is not None:
                top5.setdefault(result.value.effective, []).append(result.top5_accuracy)
        self.budget = found[0]
        self.judged_on = results[0].judged_on
        self._means, self._top5 = (
            {architecture: sum(each) / len(each) for architecture, each in found.items()} for found in (values, top5)
        )
        self._example = results[0]
        self._seeds = sorted({result.seed for result in results})

    @property
    def is_demonstration(self) -> bool:
        """Whether the trainings were too short to say anything but that they work."""
        return self._example.preset == "smoke"

    @property
    def architectures(self) -> tuple[Architecture, ...]:
        """Return the measured architectures, without dead edges."""
        return tuple(self._means)

    @property
    def title(self) -> str:
        """Return a short distinctive title: number of cells, epochs and evaluation images."""
        return f"{len(self._means):,} cells, {self._example.epochs} epochs, {self._example.judged_on} images"

    @property
    def description(self) -> str:
        example, seeds = self._example, ", ".join(map(str, self._seeds[:5]))
        more = ", …" if len(self._seeds) > 5 else ""
        return (
            f"trained from scratch, epochs {example.epochs}, {example.judged_on} images of {example.data}; "
            f"{example.network}; seed {seeds}{more}"
        )

    def top5_percent(self, architecture: Architecture) -> float | None:
        """Mean top-5 accuracy in percent; None where it is not known."""
        return self._top5.get(architecture.effective)

    def mismatch(self, architecture: Architecture) -> str | None:
        """Why there is no accuracy of `architecture`, or None."""
        if architecture.effective in self._means:
            return None
        return f"it was not trained within this budget, as {len(self._means):,} others were; `evaluate` does"

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return mean accuracies in percent, shape [n]. Raises ValueError if an architecture was not measured."""
        for position, architecture in enumerate(architectures):
            if reason := self.mismatch(architecture):
                raise ValueError(f"architecture {position} is not in the table: {reason}")
        return np.array([self._means[item.effective] for item in architectures], dtype=np.float64)
