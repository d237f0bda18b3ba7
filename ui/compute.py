"""The pages' calls of `nat_core`, each computed once per value and shared by all visitors."""

import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core import attribution
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space
from nat_core.demo import is_public
from nat_core.evaluation_queue import EvaluationQueue, Progress
from nat_core.learning.accuracy import AccuracySource, StagedSource
from nat_core.learning.comparison import published_outputs
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import reachable_front
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.policy import Policy
from nat_core.learning.scratch.measured import SHIPPED, MeasuredAccuracy, budgets, read_measured
from nat_core.network.config import NetworkConfig, usual_network
from nat_core.network.costs import Cost, cost_model
from nat_core.paths import PRETRAINED
from nat_core.ranking import Candidate, evaluated
from nat_core.runs.folders import default_folders
from nat_core.transformation import Options, Transformation, propose
from nat_core.transformation import transform as run_transform
from ui import processors

processors.one()  # torch is imported by now

# As long as Chromium takes to draw the first page on two processors; see `benchmarks.startup`.
_DRAWING_SECONDS = 0.5
# The pretrained policies, then those of this machine's runs.
POLICIES = (PRETRAINED, *default_folders().policy_roots)


def default_network(architecture: Architecture) -> NetworkConfig | None:
    """Return the network that the architecture's costs are usually quoted on; None if it fits none."""
    with suppress(ValueError):
        return usual_network(architecture)
    return None


@lru_cache(maxsize=512)
def costs(architecture: Architecture, network: NetworkConfig) -> tuple[Cost, Cost]:
    """Return the raw and the effective cost."""
    model = cost_model(network)
    return model.cost(architecture), model.cost(architecture.effective)


@dataclass(frozen=True)
class Answer:
    """A transformation, perhaps with some accuracies still unknown.

    Attributes:
        progress: the outcome so far, and whether more is coming.
        again: returns the current answer.
        key: the work's key for `stop` and `go_on` of the evaluation queue; None if everything is known at once.
        is_short: whether the policy's training was only a short demonstration.
    """

    progress: Progress
    again: Callable[[], "Answer"] = field(repr=False, compare=False)
    key: Hashable | None = None
    is_short: bool = False


def transform(architecture: Architecture, policy: str, space: Space, options: Options, device: str) -> Answer:
    """Transform `architecture` by the named policy: proposals are returned at once, accuracies as they are evaluated.

    Raises ValueError with one sentence.
    """
    again = partial(transform, architecture, policy, space, options, device)
    loaded, card = catalogue.load_for(POLICIES, architecture, policy, device)
    source = catalogue.accuracy_source(card, architecture, download=False)
    if isinstance(source, StagedSource) and is_public():
        source = None  # its evaluation would take minutes
    if isinstance(source, StagedSource):
        key = (architecture, loaded, space, source, options)
        progress = evaluation_queue().ask(key, _proposal(architecture, loaded, space, options), source)
        return Answer(progress, again, key, card.is_demonstration)
    progress = Progress(_transform(architecture, loaded, space, source, options), "finished")
    return Answer(progress, again, is_short=card.is_demonstration)


def told_budget(outcome: Transformation, shown: Candidate, policy: str, device: str) -> Transformation:
    """Return `outcome` with the policy's probabilities for the shown cost as budget; unchanged for policies without
    budgets.
    """
    given = outcome.input
    loaded, card = catalogue.load_for(POLICIES, given.architecture, policy, device)
    if not loaded.config.budget or not given.cost.macs:
        return outcome
    share = min(1.0, shown.cost.macs / given.cost.macs)
    return replace(outcome, distribution=_rows(given.architecture, loaded, card.target_space, share))


@lru_cache(maxsize=512)
def _rows(architecture: Architecture, policy: Policy, space: Space, share: float) -> NDArray[np.float64]:
    with torch.inference_mode():
        distribution = policy.distribution([architecture], space, budgets=[share])
    return distribution.rows().double().cpu().numpy()


@dataclass(frozen=True)
class Published:
    """A paper's transformation of an input, costed and evaluated like the policy's.

    Attributes:
        name: name in the library.
        method: method of the transformation.
        candidate: its costs and accuracy; the probability is unknown.
    """

    name: str
    method: str
    candidate: Candidate


def worth_of_changes(outcome: Transformation, shown: Candidate, policy: str) -> NDArray[np.float64] | None:
    """Return the points lost if one change alone is undone, shape [edges]; None without immediate accuracies."""
    architecture = outcome.input.architecture
    _, card = catalogue.load_for(POLICIES, architecture, policy)
    source = catalogue.accuracy_source(card, architecture, download=False)
    if source is None or isinstance(source, StagedSource):
        return None
    return _worth_of_changes(architecture, shown.architecture, source)


_worth_of_changes = lru_cache(maxsize=512)(attribution.worth_of_changes)


def published(outcome: Transformation, policy: str) -> tuple[Published, ...]:
    """Return the papers' transformations of the input, evaluated by the policy's accuracy source; none if that is
    slow.
    """
    architecture = outcome.input.architecture
    _, card = catalogue.load_for(POLICIES, architecture, policy)
    source = catalogue.accuracy_source(card, architecture, download=False)
    if source is None or isinstance(source, StagedSource):
        return ()
    return _published(architecture, source, outcome.network)


@lru_cache(maxsize=64)
def _published(architecture: Architecture, source: AccuracySource, network: NetworkConfig) -> tuple[Published, ...]:
    known = [
        item
        for item in published_outputs(architecture)
        if source.mismatch(item.architecture) is None and network.mismatch(item.architecture) is None
    ]
    if not known:
        return ()
    outputs = [item.architecture for item in known]
    candidates = [Candidate(item, network, cost_model(network).cost(item), float("nan")) for item in outputs]
    rated = evaluated(candidates, [architecture] * len(known), source, source.accuracy_percent(outputs))
    return tuple(
        Published(item.name, item.method or "", candidate) for item, candidate in zip(known, rated, strict=True)
    )


@lru_cache(maxsize=256)
def oracle_front(architecture: Architecture, data_set: str, rule: str) -> tuple[tuple[float, float], ...]:
    """Return MACs (millions) and accuracies of the best legal transformations; empty outside NAS-Bench-201."""
    if table.mismatch(architecture) is not None:
        return ()
    macs, accuracies = QUANTITIES["macs"].values, table.accuracies_percent(data_set)
    codes = reachable_front(int(table.codes([architecture])[0]), macs, data_set, rule)
    return tuple((float(macs[code]), float(accuracies[code])) for code in codes)


def measured() -> tuple[MeasuredAccuracy, ...]:
    """Return the shipped and local trainings from scratch: a source per budget, the longest trainings first.

    Without a folder of runs, only shipped ones. Raises ValueError with one sentence for a damaged table.
    """
    paths: tuple[Path, ...] = (SHIPPED,)
    with suppress(OSError):
        paths = (SHIPPED, default_folders().measured)
    return _measured(paths, tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths))


@cache
def wait_while_the_first_page_is_drawn() -> None:
    """Wait, once per server, while its first visitor's browser draws what it has got.

    Imports and Chromium keep two processors busy, so that whatever the server does now would delay the drawing.
    """
    time.sleep(_DRAWING_SECONDS)


def load_measured() -> bool:
    """Load the trainings if this server has not yet; return whether it had to.

    That takes a tenth of a second, so the first page appears without them.
    """
    had_to = not has_measured()
    with suppress(ValueError):  # Compare shows the table's error
        measured()
    return had_to and has_measured()


def has_measured() -> bool:
    """Return whether trainings have been loaded."""
    return _measured.cache_info().currsize > 0


@lru_cache(maxsize=2)
def _measured(paths: tuple[Path, ...], stamps: tuple[int, ...]) -> tuple[MeasuredAccuracy, ...]:
    groups = sorted(budgets(read_measured(*paths)).values(), key=lambda results: -results[0].epochs)
    return tuple(map(MeasuredAccuracy, groups))


@cache
def evaluation_queue() -> EvaluationQueue:
    """Return this server's evaluation queue."""
    return EvaluationQueue(threads=processors.usual())


@lru_cache(maxsize=256)
def _proposal(architecture: Architecture, policy: Policy, space: Space, options: Options) -> Transformation:
    return propose(architecture, policy, space, options)


@lru_cache(maxsize=256)
def _transform(
    architecture: Architecture, policy: Policy, space: Space, source: AccuracySource | None, options: Options
) -> Transformation:
    return run_transform(architecture, policy, space, source, options)
