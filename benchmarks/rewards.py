"""Quality of the shipped reward models: `python -m benchmarks.rewards --data FOLDER [--surrogate FOLDER]`.

All figures are for held-out cells: folds are by topology, and judges are not fitted on the cells that they judge.
*levels* and *loose*: rank correlation with held-out trainings, beside every single source (Spearman, 95 % by bootstrap
over cells), and the share within one and two standard errors. *papers*: predicted gains of NAT's and NAT++'s published
outputs. *darts*: the shipped policy's transformation of DARTS, and the convolutions in the policy's outputs. *guard*:
the outputs of steepest ascent without a price or lower bound, judged by trainings that the model was not fitted on. The
tables are described in `benchmarks.reward_sources`; gains under held-out judges are in `benchmarks.fronts`.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import reward_sources
from benchmarks.reward_sources import Evidence
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.rows import ArchitectureRows
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.line import folds_of
from nat_core.learning.accuracies.nasbench301 import MODELS, OPERATIONS, NasBench301, random_cells
from nat_core.learning.accuracies.trained_cells import TrainedCells
from nat_core.learning.accuracies.trainings_fit import Predicted, fit_student, fit_trainings_model
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.image_training.draws import seed_of
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import load_card
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.ranks import rank_correlation
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.paths import PRETRAINED
from nat_core.transformation import Options, propose, transform

_Numbers = NDArray[np.float64]
SEEDS = range(5)
INPUTS = 1000
_SAMPLES = 1000
EVALUATIONS = 10_000
FEWEST = 0.25


def levels(found: Evidence, surrogate: Path | None) -> Iterator[str]:
    """Yield rank correlations and errors on held-out trainings."""
    full = [found.tables[name] for name in ("full_214", "full_100")]
    judged = [reward_sources.fully_concat(found, seed)[1] for seed in SEEDS]
    yield "| cells | what ranks | correlation |"
    yield "|---|---|---:|"
    for number, table in enumerate(full):
        seeds = [item.rank_correlations()[number] for item in judged]
        own = judged[0].tables == number
        interval = _interval(judged[0].predicted[own], judged[0].measured[own])
        spread = f"{np.mean(seeds):.3f} ± {np.std(seeds):.3f} over {len(seeds)} seeds of folds ({interval})"
        yield f"| {table.name} | the model, folds by topology | **{spread}** |"
        (other,) = [name for name in ("full_214", "full_100") if found.tables[name] is not table]
        alone, _ = reward_sources.fully_concat(found, only=[other])
        yield f"| {table.name} | the model, fitted on {found.tables[other].name} alone | {_ranked(alone, table)} |"
        for title, values in _single_sources(found, table, surrogate):
            yield f"| {table.name} | {title} | {_correlation(values, table.accuracies_percent)} |"
    yield f"\nWithin one and two standard errors: {_within(judged)}; 68 and 95 % are aimed at."
    for name in ("dense", "small"):
        model, table = reward_sources.fully_concat(found)[0], found.tables[name]
        yield f"{table.name}, which trained otherwise, it ranks by {_ranked(model, table)}."


def _single_sources(found: Evidence, table: TrainedCells, surrogate: Path | None) -> Iterator[tuple[str, _Numbers]]:
    cells = table.architectures
    cost = cost_model(NETWORKS["cifar"]).cost
    yield "MACs alone", np.array([cost(item).macs for item in cells], dtype=np.float64)
    for student in (found.surrogate, found.dense):
        yield (
            f"the student of {student.name} (ranks it by {student.rank_correlation:.2f})",
            student(counts.detailed(ArchitectureRows.of(cells))),
        )
    if surrogate:
        for name in MODELS:
            yield f"the surrogate {name}", NasBench301(surrogate, name).accuracy_percent(cells)
    full = [found.tables[name] for name in ("full_214", "full_100")]
    model, judged = fit_trainings_model(full, "fully_concat", beside=found.beside)
    yield "plain counts alone, folds by topology", judged.predicted[judged.tables == [*map(id, full)].index(id(table))]
    model, _ = fit_trainings_model([found.tables["small"]], "fully_concat", beside=found.own)
    yield "a model of the small trainings alone", model.accuracy_percent(cells)


def loose(found: Evidence) -> Iterator[str]:
    """Yield rank correlations and errors on held-out loose-end trainings."""
    _, judged = reward_sources.loose_end(found)
    cost = cost_model(NETWORKS["cifar"]).cost
    macs = np.array([cost(item).macs for item in judged.architectures], dtype=np.float64)
    yield "\n| loose-end cells | model, folds by topology | MACs alone |"
    yield "|---|---:|---:|"
    for title, least in (("all that trained", 0), ("above 80 %", 80), ("above 88 %", 88)):
        kept = judged.measured > least
        pair = (_correlation(values[kept], judged.measured[kept]) for values in (judged.predicted, macs))
        yield f"| {title} ({kept.sum():,}) | {' | '.join(pair)} |"
    yield f"\nWithin one and two standard errors: {_within([judged])}."


def _within(judged: Sequence[Predicted]) -> str:
    one, two = (np.mean([getattr(item.quality, name) for item in judged]) for name in ("within_one", "within_two"))
    return f"{one:.0%} and {two:.0%} of {judged[0].quality.rows:,}"


def _ranked(model: TrainingsModel, table: TrainedCells) -> str:
    return _correlation(model.accuracy_percent(table.architectures), table.accuracies_percent)


def _correlation(predicted: _Numbers, measured: _Numbers) -> str:
    return f"{rank_correlation(predicted, measured):.3f} ({_interval(predicted, measured)})"


def _interval(predicted: _Numbers, measured: _Numbers) -> str:
    """Format the 95 % interval of the rank correlation, by bootstrap over cells."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(len(measured), size=len(measured)) for _ in range(_SAMPLES)]
    low, high = np.quantile([rank_correlation(predicted[item], measured[item]) for item in drawn], [0.025, 0.975])
    return f"{low:.2f} to {high:.2f}"


def papers(models: Mapping[str, TrainingsModel]) -> Iterator[str]:
    """Yield a row for each published output of NAT and NAT++."""
    yield "| output | input, % | gain ± error, points | errors |"
    yield "|---|---:|---:|---:|"
    known = library()
    for name, entry in known.items():
        if not entry.derived_from:
            continue
        pair = [known[entry.derived_from].architecture, entry.architecture]
        model = next((item for item in models.values() if not any(map(item.mismatch, pair))), None)
        if model is None:
            yield f"| {name} | no model judges both | | |"
            continue
        before, after = model.accuracy_percent(pair)
        error = model.gain_error_points(pair[:1], pair[1:])[0]
        times = (after - before) / error if error else 0.0
        yield f"| {name} | {before:.2f} | {after - before:+.2f} ± {error:.2f} | {times:+.1f} |"


def half(
    found: Evidence, space: str, number: int, seed: int, judges: bool = False, surrogate: Path | None = None
) -> TrainingsModel:
    """Fit a model on one half of all tables; a judge uses the second surrogate instead of the first."""

    def own(table: TrainedCells) -> TrainedCells:
        return table.chosen(folds_of([item.topology for item in table.architectures], 2, seed) == number)

    part = replace(
        found, tables={name: own(table) for name, table in found.tables.items()}, own=tuple(map(own, found.own))
    )
    if judges and surrogate:
        taught = NasBench301(surrogate, MODELS[1]).taught(reward_sources.TAUGHT)
        part = replace(part, surrogate=fit_student("the second surrogate", taught))
    return reward_sources.MODELS[space](part)[0]


def darts(policies: Path, inputs: int) -> Iterator[str]:
    """Yield the shipped policy's and the papers' transformations of DARTS, and outputs' shares of convolutions."""
    known, made_by = library(), _made_by("fully_concat", policies)
    given, model = known["DARTS"].architecture, _models(policies)["fully_concat"]
    cost = cost_model(NETWORKS[SPACES["fully_concat"].network]).cost
    yield "| DARTS | MACs × | gain ± error, points | convolutions |"
    yield "|---|---:|---:|---:|"
    for name, item in (
        ("as it is", given), ("NAT", known["NAT_DARTS"].architecture), ("NAT++", known["NATv2_DARTS"].architecture),
        *((f"ours, {title}", make(given)) for title, make in made_by.items()),
    ):  # fmt: skip
        gained = model.accuracy_percent([item])[0] - model.accuracy_percent([given])[0]
        error, share = model.gain_error_points([given], [item])[0], cost(item).macs / cost(given).macs
        yield f"| {name} | {share:.2f} | {gained:+.2f} ± {error:.2f} | {counts.convolution_share(item):.2f} |"
    for name in ("fully_concat", "loose_end"):
        space = SPACES[name]
        every, cost = inputs_of(space, inputs), cost_model(NETWORKS[space.network]).cost
        for title, make in _made_by(name, policies).items():
            made = [make(item) for item in every]
            few = [
                counts.convolution_share(new) < min(FEWEST, counts.convolution_share(old))
                for old, new in zip(every, made, strict=True)
            ]
            macs = np.mean([cost(new).macs / cost(old).macs for old, new in zip(every, made, strict=True)])
            yield (
                f"\n{name}, {title}: of {len(every)} outputs {sum(few)} have fewer than a quarter of their edges "
                f"convolutions though their input had more; MACs × {macs:.2f}"
            )


def _made_by(space: str, policies: Path) -> dict[str, Callable[[Architecture], Architecture]]:
    """Return the functions that transform an input by the space's policy, by title."""
    policy, card = catalogue.load_for(policies, inputs_of(SPACES[space], 0)[0], space)
    source = catalogue.model_of(card)

    def shown(given: Architecture) -> Architecture:
        return transform(given, policy, card.target_space, source).output.architecture

    return {"greedy": lambda given: greedy(policy, card.target_space, given, source), "as shown": shown}


def inputs_of(space: Space, count: int) -> list[Architecture]:
    """Return `count` random architectures, then the published originals."""
    rng = random.Random(seed_of("quality", space.name))
    originals = [item.architecture for item in library().values() if not item.method]
    fitting = [item for item in originals if space.mismatch(item) is None]
    return [*(space.sample(rng) for _ in range(count)), *fitting]


def greedy(policy: Policy, space: Space, given: Architecture, source: AccuracySource | None) -> Architecture:
    """Return the most probable output within the input's MACs whose gain `source` believes, or else the input."""
    own = cost_model(NETWORKS[space.network]).cost(given).macs
    found = propose(given, policy, space, Options(1, max_macs=own, shares=(1.0,)), source).candidates
    return next((item.architecture for item in found if item.number), given)


def guard(found: Evidence, models: Mapping[str, TrainingsModel], surrogate: Path | None) -> Iterator[str]:
    """Yield how held-out judges score what unrestricted optimisation of the model of full trainings finds."""
    judges: dict[str, Callable[[Sequence[Architecture]], _Numbers]] = {}
    for name, tables in (("small trainings", [found.tables["small"]]), ("our own, 3 epochs", [found.own[0]])):
        judges[name] = fit_trainings_model(tables, "fully_concat", beside=[])[0].accuracy_percent
    if surrogate:
        judges["the second surrogate"] = NasBench301(surrogate, MODELS[1]).accuracy_percent
    rng = random.Random(seed_of("guard"))
    given = list(random_cells(50, seed=2))
    skips = [item.with_operations(["skip_connect"] * len(item.operations)) for item in given]
    ends = [_climbed(models["fully_concat"], item, rng) for item in given[:3]]
    yield f"| cells | {' | '.join(['the model', 'convolutions', *judges])} |"
    yield "|---|" + "---:|" * (2 + len(judges))
    for title, cells in (("random", given), ("skips alone", skips), (f"found by {EVALUATIONS:,} evaluations", ends)):
        values = [
            models["fully_concat"].accuracy_percent(cells).mean(),
            np.mean([*map(counts.convolution_share, cells)]),
        ]
        values += [judge(cells).mean() for judge in judges.values()]
        yield f"| {title} | {' | '.join(f'{value:.2f}' for value in values)} |"


def _climbed(model: TrainingsModel, given: Architecture, rng: random.Random) -> Architecture:
    """Return the best architecture of steepest ascent over DARTS' operations, restarted while evaluations last."""
    best, highest, left = given, -np.inf, EVALUATIONS
    while left > 0:
        current = given.with_operations([rng.choice(OPERATIONS) for _ in given.operations])
        value = model.accuracy_percent([current])[0]
        while left > 0:
            operations = current.operations
            others = [
                current.with_operations([*operations[:i], name, *operations[i + 1 :]])
                for i in range(len(operations))
                for name in OPERATIONS
                if name != operations[i]
            ]
            values = model.accuracy_percent(others)
            left -= len(others)
            if values.max() <= value:
                break
            current, value = others[int(values.argmax())], values.max()
        if value > highest:
            best, highest = current, value
    return best


PARTS = ("levels", "loose", "papers", "darts", "guard")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rewards", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables; see benchmarks.reward_sources")
    parser.add_argument("--surrogate", type=Path, help="folder of NAS-Bench-301's surrogate")
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="folder of policies")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--inputs", type=int, default=INPUTS, help="random ones")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = reward_sources.evidence(options.data)
    for part in options.parts:
        print(f"\n## {part}\n", flush=True)
        for line in _lines(part, found, options):
            print(line, flush=True)


def _lines(part: str, found: Evidence, options: argparse.Namespace) -> Iterator[str]:
    data, surrogate, policies, inputs = found, options.surrogate, options.policies, options.inputs
    parts: Mapping[str, Callable[[], Iterator[str]]] = {
        "levels": lambda: levels(data, surrogate),
        "loose": lambda: loose(data),
        "papers": lambda: papers(_models(policies)),
        "darts": lambda: darts(policies, inputs),
        "guard": lambda: guard(data, _models(policies), surrogate),
    }
    return parts[part]()


def _models(policies: Path) -> dict[str, TrainingsModel]:
    """Load the models that ship with the policies, by space."""
    found = {space: catalogue.model_of(load_card(policies / space)) for space in reward_sources.MODELS}
    return {space: model for space, model in found.items() if isinstance(model, TrainingsModel)}


if __name__ == "__main__":
    main()
