"""The command `front`."""

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nat_core.cli.app import Archs, AsJson, Named, app, architectures_of
from nat_core.cli.network_options import NETWORK_OPTIONS, network_config
from nat_core.cli.shared_options import with_options
from nat_core.paths import PRETRAINED

if TYPE_CHECKING:
    from nat_core.ranking import Candidate
    from nat_core.tradeoff import Front

_LONGEST_NAME = 60


@app.command()
@with_options(NETWORK_OPTIONS)
def front(
    archs: Archs,
    policy: Annotated[
        str | None, typer.Option(help="A policy's name, folder, or archive (.zip); default: the first that fits.")
    ] = None,
    budgets: Annotated[
        str, typer.Option(help="Shares of the input's cost, separated by commas.")
    ] = "1,0.8,0.6,0.4,0.2",
    cost: Annotated[
        str, typer.Option(help="What budgets limit: macs, parameters, or a device whose latencies are known.")
    ] = "macs",
    candidates: Annotated[int, typer.Option(help="Proposals within each budget, 1 to 1000.")] = 10,
    greedy: Annotated[bool, typer.Option(help="Only the most probable proposal within each budget.")] = False,
    as_json: AsJson = False,
    **network: Any,
) -> None:
    """Tell how accurate an architecture's transformations are at what cost: the best within each budget."""
    from nat_core.learning.support.device import default_device
    from nat_core.runs.folders import default_folders
    from nat_core.tradeoff import Front, fronts_by

    shares = _shares(budgets)
    named = architectures_of(archs)
    given = {key: value for key, value in network.items() if value not in (None, False)}
    found = fronts_by(
        (PRETRAINED, *default_folders().policy_roots), [item.architecture for item in named], policy, shares,
        device=default_device(), candidates=candidates, cost=cost, greedy=greedy,
        network=network_config(named[0].architecture, **network) if given else None,
    )  # fmt: skip
    for item, result in zip(named, found, strict=True):
        if as_json:
            print(_as_json(item, result))
        elif isinstance(result, Front):
            print("\n".join(_as_text(item, result)))
    reasons = list(dict.fromkeys(result for result in found if isinstance(result, str)))
    if len(found) == sum(isinstance(result, str) for result in found):
        raise ValueError(reasons[0])
    for text in (*reasons, *dict.fromkeys(_source(result) for result in found if isinstance(result, Front))):
        print(text, file=sys.stderr)


def _shares(text: str) -> tuple[float, ...]:
    from nat_core.tradeoff import checked_shares

    try:
        shares = [float(word) for word in text.split(",")]
    except ValueError:
        raise ValueError(
            f"budgets are {text!r:.60}; accepted: numbers separated by commas, such as 1,0.8,0.6"
        ) from None
    return checked_shares(shares)


def _as_json(item: Named, result: "Front | str") -> str:
    if isinstance(result, str):
        from nat_core.architecture.notation import shortest

        given = {"architecture": item.name, "genotype": shortest(item.architecture)}
        return json.dumps({"input": given, "points": [], "why_not": result})
    values = result.to_dict()
    return json.dumps({**values, "input": {"architecture": item.name, **values["input"]}})


def _as_text(item: Named, front: "Front") -> Iterator[str]:
    """The input and below it a line per point, the best last."""
    yield " ".join(item.name.split())[:_LONGEST_NAME]
    latency = "" if front.latency_ms is None else f"  {'latency':>9}"
    yield f"  {'budget':>6}  {'MACs':>10}  {'parameters':>10}{latency}  accuracy"
    yield f"  {'input':>6}{_line(front.input, front.input, front.latency_ms)}"
    if not front.points:
        yield "  nothing legal stays within these budgets"
    for point in front.points:
        shown = "  ← the cheapest that is as good as the input" if point is front.first else ""
        yield f"  {point.budget:>6.0%}{_line(point.candidate, front.input, point.latency_ms)}{shown}"


def _line(item: "Candidate", given: "Candidate", latency_ms: float | None) -> str:
    latency = "" if latency_ms is None else f"  {latency_ms:6.2f} ms"
    costs = f"  {item.cost.macs / 1e6:>8.1f} M  {item.cost.parameters / 1e6:>8.2f} M{latency}"
    error = "" if item.standard_error_points is None else f" ± {item.standard_error_points:.2f}"
    doubt = "" if item.gain_error_points is None else f" ± {item.gain_error_points:.2f}"
    gain = "" if item is given else f" ({item.gain_over(given):+.2f}{doubt})"
    return f"{costs}  {item.accuracy_percent:.2f} %{error}{gain}"


def _source(front: "Front") -> str:
    return f"accuracy: {front.accuracy_description} ({front.accuracy_kind}); costs: {front.input.network.description}"
