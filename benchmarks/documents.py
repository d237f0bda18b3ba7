"""Writes measured figures into docs/: each command writes its output between markers that bear its name.

A table that nobody types cannot differ from what was measured. `--write` of `benchmarks`, `benchmarks.quality`,
`benchmarks.published` and `benchmarks.promise` ends here.
"""

import argparse
from pathlib import Path

from benchmarks.rows import today
from nat_core.paths import PROJECT

SPEED = PROJECT / "docs" / "speed.md"
QUALITY = PROJECT / "docs" / "quality.md"
REWARDS = PROJECT / "docs" / "rewards.md"


def add_write_option(parser: argparse.ArgumentParser, path: Path) -> None:
    """Adds `--write` to a command that reports its figures in `path`."""
    parser.add_argument("--write", action="store_true", help=f"also write the output into docs/{path.name}")


def write_figures(path: Path, command: str, text: str) -> None:
    """Writes the output of `python -m <command>` into its place in `path`, with the command and today's date."""
    write_between(path, command, f"`python -m {command}`, {today()}\n\n{text.strip()}")


def write_between(path: Path, name: str, text: str) -> None:
    """Replaces the text in `path` between the markers of `name`; everything else stays as it is.

    Raises:
        ValueError: the file does not have both markers once each, in this order.
    """
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->\n"
    whole = path.read_text(encoding="utf-8")
    before, _, rest = whole.partition(begin)
    _, found, after = rest.partition(end)
    if not found or whole.count(begin) != 1 or whole.count(end) != 1:
        raise ValueError(f"{path.name} lacks a place for {name}; accepted: one {begin.strip()}, then one {end.strip()}")
    path.write_text(f"{before}{begin}{text.strip()}\n{end}{after}", encoding="utf-8")
