"""The commands that look at architectures: `list`, `show`, `diff` and `cost`."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nat_core.architecture import notation
from nat_core.architecture.difference import CellChange, cell_changes, difference, why_not_comparable
from nat_core.architecture.library import library
from nat_core.architecture.notation import overview
from nat_core.architecture.spaces import space_of
from nat_core.architecture.transitions import RULES
from nat_core.cli.app import Arch, Archs, AsJson, app, architecture_of
from nat_core.cli.network_options import NETWORK_OPTIONS, network_config
from nat_core.cli.shared_options import with_options
from nat_core.drawing.cells import draw_architecture, draw_difference

_DRAWINGS = {name: name for name in ("dot", "svg", "png", "pdf")}
# By suffix; a text is in the customary notation unless its suffix names one.
_FILES = {**_DRAWINGS, "json": "json", "txt": "", "py": ""}


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the library's architectures with their origin and published results."""
    for entry in library().values():
        space = space_of(entry.architecture)
        row = {
            "name": entry.name,
            "space": space.name if space else None,
            "derived_from": entry.derived_from,
            "method": entry.method,
            "published_test_error_percent": entry.published.test_error_percent if entry.published else None,
            "source": entry.source,
        }
        if as_json:
            print(json.dumps(row))
        else:
            error = f"{row['published_test_error_percent']} %" if entry.published else ""
            origin = f"{entry.method} of {entry.derived_from}" if entry.method else ""
            print(f"{entry.name:<17}{row['space'] or '':<14}{error:>7}  {origin:<20}{entry.source}")


@app.command()
def notations(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the page docs/notations.md.")] = False,
) -> None:
    """List the notations that are read, written, and refused by name."""
    print(overview.markdown() if markdown else overview.plain(), end="" if markdown else "\n")


@app.command()
def show(
    arch: Arch,
    format: Annotated[str, typer.Option("--format", help=f"{', '.join((*notation.WRITERS, *_DRAWINGS))}.")] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write to this file; its suffix may name the format.")
    ] = None,
) -> None:
    """Write an architecture in any notation, or draw it."""
    suffix = _suffix(output, _FILES) if output else ""
    if format and suffix not in ("", "json", format):
        raise ValueError(f"the format is {format!r:.60}, but the suffix of the file names {suffix}")
    format = format or suffix
    if format and format not in (*notation.WRITERS, *_DRAWINGS):
        raise ValueError(f"unknown format {format!r:.60}; accepted: {', '.join((*notation.WRITERS, *_DRAWINGS))}")
    architecture = architecture_of(arch)
    if format in _DRAWINGS:
        content = draw_architecture(architecture, format)
    else:
        text = notation.write(architecture, format) if format else notation.shortest(architecture)
        content = text.encode() + b"\n"
    _give(content, format, output)


@app.command()
def diff(
    before: Arch,
    after: Arch,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help=f"Draw the changes to this file: {', '.join(_DRAWINGS)}.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what became of the first architecture in the second, edge by edge, and which rules allow it; or draw it."""
    format = _suffix(output, _DRAWINGS) if output else ""
    old, new = architecture_of(before), architecture_of(after)
    if reason := why_not_comparable(old, new):
        raise ValueError(f"{before!r:.60} and {after!r:.60} cannot be compared edge by edge: {reason}")
    if output:
        _give(draw_difference(old, new, format), format, output)
        return
    edges, cells = difference(old, new), cell_changes(old, new)
    allowed = [[rule for rule in RULES if change.is_legal(rule)] for change in edges]
    if as_json:
        rows: list[dict[str, object]] = [
            {"cell": c.cell, "source": c.source, "target": c.target, "from": c.before, "to": c.after, "legal": rules}
            for c, rules in zip(edges, allowed, strict=True)
        ]
        rows += [{"cell": c.cell, "what": c.what, "from": c.before, "to": c.after} for c in cells]
        print(json.dumps(rows))
        return
    print(_counted(len(edges), cells))
    for change, rules in zip(edges, allowed, strict=True):
        print(f"  {change.cell} {change.source}→{change.target}: {change.label} ({', '.join(rules) or 'no rule'})")
    for item in cells:
        print(f"  {item.cell} cell: {item.label}")


def _counted(edges: int, cells: Sequence[CellChange]) -> str:
    """Say how many edges differ; different cells are never called unchanged."""
    if not edges and not cells:
        return "no difference"
    if not edges:
        return "no operation changed, but the cells differ"
    return f"{edges} edge{'' if edges == 1 else 's'} changed" + (", and the cells differ otherwise" if cells else "")


def _suffix(path: Path, formats: Mapping[str, str]) -> str:
    """The format of a file by its suffix, in any case.

    Raises:
        ValueError: the suffix is not known.
    """
    suffix = path.suffix[1:].lower()
    if suffix not in formats:
        raise ValueError(f"the suffix of {path.name!r:.60} names no format; accepted: .{', .'.join(formats)}")
    return formats[suffix]


def _give(content: bytes, format: str, output: Path | None) -> None:
    """Writes to the file or, where that is readable, to the terminal."""
    if output:
        output.write_bytes(content)
    elif format in ("png", "pdf") and sys.stdout.isatty():
        raise ValueError(f"{format} is binary; write it to a file with -o FILE")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


@app.command()
@with_options(NETWORK_OPTIONS)
def cost(
    archs: Archs,
    as_json: AsJson = False,
    **network: Any,
) -> None:
    """Parameters and MACs (one multiply-add = 1; convolutions and linear layers; an auxiliary head has no MACs)."""
    from nat_core.network.costs import cost_model

    for text in archs:
        architecture = architecture_of(text)
        config = network_config(architecture, **network)
        costs = cost_model(config)
        raw, effective = costs.cost(architecture), costs.cost(architecture.effective)
        if as_json:
            row = {
                "architecture": text,
                "network": config.description,
                "parameters": raw.parameters,
                "macs": raw.macs,
                "effective": {"parameters": effective.parameters, "macs": effective.macs},
                "operators": dict(raw.operators),
            }
            print(json.dumps(row))
        else:
            dead = "" if raw == effective else f"  without dead edges {effective.macs / 1e6:.1f} M"
            print(
                f"{text[:40]:<40} {raw.parameters:>11,} parameters {raw.macs:>13,} MACs{dead}  ({config.description})"
            )
