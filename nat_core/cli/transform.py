"""The command `transform`."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from nat_core.architecture import notation
from nat_core.cli.app import Arch, AsJson, app, architecture_of
from nat_core.cli.network_options import NETWORK_OPTIONS, network_config
from nat_core.cli.shared_options import with_options
from nat_core.paths import PRETRAINED


@app.command()
@with_options(NETWORK_OPTIONS)
def transform(
    arch: Arch,
    policy: Annotated[
        str | None, typer.Option(help="A policy's name, folder, or archive (.zip); default: the first that fits.")
    ] = None,
    samples: Annotated[
        int, typer.Option(help="Candidates beside the input within each budget that is tried, 1 to 1000.")
    ] = 10,
    seed: Annotated[int | None, typer.Option(help="Draw candidates at random with this seed.")] = None,
    greedy: Annotated[bool, typer.Option(help="Only the most probable output.")] = False,
    max_macs: Annotated[int | None, typer.Option(help="Budget in MACs; the most accurate that fits is given.")] = None,
    allow_costlier: Annotated[
        bool, typer.Option(help="Without a budget, let candidates cost more than the input.")
    ] = False,
    as_json: AsJson = False,
    **network: Any,
) -> None:
    """Transform an architecture: into the cheapest that is not worse beyond its error or, within a budget, the best."""
    from nat_core.learning.policies import catalogue
    from nat_core.learning.support.device import default_device
    from nat_core.runs.folders import default_folders
    from nat_core.tradeoff import FINE_SHARES
    from nat_core.transformation import Options
    from nat_core.transformation import transform as run

    architecture = architecture_of(arch)
    roots = (PRETRAINED, *default_folders().policy_roots)
    trained, card = catalogue.load_for(roots, architecture, policy, default_device())
    source = catalogue.accuracy_source(card, architecture)
    options = Options(
        samples=1 if greedy else samples,
        method="probable" if seed is None or greedy else "sampled",
        seed=seed or 0,
        max_macs=max_macs,
        allow_costlier=allow_costlier,
        shares=(1.0,) if greedy else FINE_SHARES,
        network=network_config(architecture, **network),
    )
    result = run(architecture, trained, card.target_space, source, options)
    print(json.dumps(result.to_dict()) if as_json else "\n".join(_summary(result, card.is_demonstration)))


def _summary(result: Any, is_short: bool) -> Iterator[str]:
    from nat_core.verdicts import demonstration

    before, after = result.input, result.output
    yield notation.shortest(after.architecture)
    yield result.verdict
    if doubt := demonstration(before, after, result.chance_percent, is_short):
        yield f"This is {doubt}."
    for change in result.changes:
        yield f"  {change.cell} {change.source}→{change.target}: {change.label}"
    yield f"MACs {before.cost.macs:,} → {after.cost.macs:,} ({result.network.description})"
    yield f"parameters {before.cost.parameters:,} → {after.cost.parameters:,}"
    if after.accuracy_percent is not None:
        kinds = f"{result.accuracy_kind}; {result.accuracy_description}"
        yield f"accuracy {before.accuracy_percent:.2f} % → {after.accuracy_percent:.2f} % ({kinds})"
