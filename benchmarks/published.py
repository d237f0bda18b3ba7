"""What the policies make of every published original, beside what NAT's and NAT++'s authors made of it.

Run as `python -m benchmarks.published`. Costs are of the network that the space is usually quoted on, every non-null
edge counted; accuracies are by the model that rewarded the policy (kind *modelled*), which chose ours, and, where the
architecture was trained from scratch here as the model's own data were, also *measured*.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from benchmarks.costs import machine
from benchmarks.trainings import output
from nat_core import PRETRAINED
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.accuracies.structure_model import of_main_budget
from nat_core.learning.policies.catalogue import accuracy_source, load_for
from nat_core.learning.scratch.measured import SHIPPED, read_measured
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

METHODS = ("NAT", "NAT++")


def made_of(name: str, policies: Path) -> dict[str, Architecture]:
    """The original, what the authors made of it, and what ours makes of it."""
    given = library()[name].architecture
    theirs = {
        entry.method: entry.architecture
        for entry in library().values()
        if entry.derived_from == name and entry.method in METHODS
    }
    space = SPACES[space_of(given).name]
    return {"": given, **{method: theirs[method] for method in METHODS if method in theirs},
            "ours": output(given, space, policies)}  # fmt: skip


def rows(name: str, policies: Path, measured: Mapping[str, float]) -> Iterator[str]:
    """A line per architecture."""
    every = made_of(name, policies)
    given, space = every[""], SPACES[space_of(every[""]).name]
    _, card = load_for(policies, given, space.name)
    source, cost = accuracy_source(card, given), cost_model(NETWORKS[space.network]).cost
    for method, item in every.items():
        changed = len(difference(given, item)) if method else ""
        modelled = "outside the space"
        if source is not None and source.mismatch(item) is None:
            modelled = f"{source.accuracy_percent([item])[0]:.2f}"
        found = measured.get(notation.shortest(item))
        costs = f"{cost(item).macs / 1e6:.1f} | {cost(item).parameters / 1e6:.2f}"
        yield f"| {name if not method else '→ ' + method} | {changed} | {costs} | {modelled} | {found or ''} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__.splitlines()[0])
    parser.add_argument("--policies", type=Path, default=PRETRAINED, help="folder of policies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = of_main_budget(read_measured(SHIPPED), "selection")
    measured = {result.genotype: result.accuracy for result in results}
    print(f"{machine()}\n")
    print("| architecture | edges changed | MACs, M | parameters, M | modelled accuracy, % | measured, % |")
    print("|---|---:|---:|---:|---:|---:|")
    for entry in library().values():
        if entry.method is None:
            for line in rows(entry.name, options.policies, measured):
                print(line, flush=True)


if __name__ == "__main__":
    main()
