"""The policies' transformations of every published original, beside those by NAT's and NAT++'s authors.

Run as `python -m benchmarks.published`. Costs refer to the network that papers usually quote for the space and count
every non-null edge. *Modelled* accuracies are predictions of the policy's reward model, which also selects our outputs;
*measured* ones exist where the judge trained the architecture from scratch (`benchmarks.trainings`, test images).
"""

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.documents import QUALITY, add_write_option, write_figures
from benchmarks.rows import machine
from benchmarks.trainings import JUDGE_EPOCHS, output
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.policies.catalogue import accuracy_source, load_for
from nat_core.learning.scratch.measured import SHIPPED, of_main_budget, read_measured
from nat_core.network.config import NETWORKS
from nat_core.network.costs import Cost, cost_model
from nat_core.paths import PRETRAINED

METHODS = ("NAT", "NAT++")


def made_of(name: str, policies: Path) -> dict[str, Architecture]:
    """Return the original and, by method, the authors' and our transformations of it."""
    given = library()[name].architecture
    theirs = {
        entry.method: entry.architecture
        for entry in library().values()
        if entry.derived_from == name and entry.method in METHODS
    }
    space = SPACES[space_of(given).name]
    return {"": given, **{method: theirs[method] for method in METHODS if method in theirs},
            "ours": output(given, space, policies)}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """One architecture of the table.

    Attributes:
        name: the original's name.
        method: method of the transformation, "" for the original.
        changed: number of changed edges.
        cost: cost on the space's usual network.
        modelled, measured: accuracies in percent; None if unknown.
    """

    name: str
    method: str
    changed: int
    cost: Cost
    modelled: float | None
    measured: float | None

    @property
    def line(self) -> str:
        """Format the row of the table."""
        accuracies = " | ".join("" if value is None else f"{value:.2f}" for value in (self.modelled, self.measured))
        costs = f"{self.cost.macs / 1e6:.1f} | {self.cost.parameters / 1e6:.2f}"
        title, changed = (f"→ {self.method}", self.changed) if self.method else (self.name, "")
        return f"| {title} | {changed} | {costs} | {accuracies} |"


def described(name: str, policies: Path, measured: Mapping[str, float]) -> Iterator[Made]:
    """Yield the original and its transformations."""
    every = made_of(name, policies)
    given, space = every[""], SPACES[space_of(every[""]).name]
    _, card = load_for(policies, given, space.name)
    source, cost = accuracy_source(card, given), cost_model(NETWORKS[space.network]).cost
    for method, item in every.items():
        fits = source is not None and source.mismatch(item) is None
        modelled = float(source.accuracy_percent([item])[0]) if fits else None
        found = measured.get(notation.shortest(item))
        yield Made(name, method, len(difference(given, item)), cost(item), modelled, found)


def summary(table: Sequence[Made], method: str, names: Collection[str]) -> str:
    """Format the mean change of modelled accuracy, with its standard error over these originals, and of MACs."""
    known = {(item.name, item.method): item for item in table if item.modelled is not None and item.name in names}
    pairs = [(known[name, ""], item) for (name, made_by), item in known.items() if made_by == method]
    gains = np.array([new.modelled - old.modelled for old, new in pairs])
    macs = np.mean([new.cost.macs / old.cost.macs for old, new in pairs])
    error = gains.std(ddof=1) / len(gains) ** 0.5
    return f"{method}: {gains.mean():+.2f} ± {error:.2f} points over {len(gains)} originals, MACs × {macs:.2f}"


def lines(policies: Path) -> Iterator[str]:
    """Yield the table and its summary."""
    results = of_main_budget(read_measured(SHIPPED), "test", JUDGE_EPOCHS)
    measured = {result.genotype: result.accuracy for result in results if not result.seed}
    yield "| architecture | edges changed | MACs, M | parameters, M | modelled accuracy, % | measured, % |"
    yield "|---|---:|---:|---:|---:|---:|"
    table: list[Made] = []
    for entry in library().values():
        if entry.method is None:
            for made in described(entry.name, policies, measured):
                table.append(made)
                yield made.line
    for method in METHODS:
        names = {made.name for made in table if made.method == method}
        yield f"\n{summary(table, method, names)}; the same ones, {summary(table, 'ours', names)}"
    yield f"\nall, {summary(table, 'ours', library())}"
    yield f"\nMeasured on {machine()}."


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__.splitlines()[0])
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="folder of policies")
    add_write_option(parser, QUALITY)
    options = parser.parse_args()
    torch.set_num_threads(1)
    printed: list[str] = []
    for line in lines(options.policies):
        print(line, flush=True)
        printed.append(line)
    if options.write:
        write_figures(QUALITY, "benchmarks.published", "\n".join(printed))


if __name__ == "__main__":
    main()
