"""Overview of the notations that are read, written and refused, generated from the tables of notations."""

from collections.abc import Iterable, Iterator, Sequence

from nat_core.architecture.notation.formats import FORMATS
from nat_core.architecture.notation.refusals import REFUSALS
from nat_core.architecture.operations import NAMES, SPELLINGS, canonical_name

_HEAD = """# Notations

NAT Lab reads a cell from any text that holds it: an argument, a file, standard input, a pasted or uploaded text, or a
link. Time stamps, log prefixes, prompts, quotes, back ticks, YAML keys, JSON around it, comments, annotations and
`np.int64(2)` are no obstacle. The text is parsed and never executed. This page is what
`python -m nat_core notations --markdown` prints.

## One of several

- Of a log, the last architecture is read, and the app says which of how many. `FILE:first`, `FILE:3` and `FILE:last`
  choose.
- Of a file that names its architectures (`NAME = Genotype(…)`, or the keys of a dict), `FILE:NAME` chooses. Aliases
  (`DARTS = DARTS_V2`) count.
- A file may have 64 MiB. One of more than 1 MiB is searched for genotypes, NAS-Bench-201 strings and `Structure` only.

## Read

The marked ones are written, too: `show ARCH --format NAME`, where the notation can express the cell.
"""


def markdown() -> str:
    """Return the overview as a Markdown page."""
    read = ((f"`{row.name}`", row.title, "✓" if row.write else "", f"`` {row.example} ``") for row in FORMATS)
    refused = ((row.name, row.reason, f"`` {row.example} ``") for row in REFUSALS)
    examples = (example for row in SPELLINGS for example in row.examples)
    spellings = ((f"`{example}`", f"`{canonical_name(example)}`") for example in examples)
    parts = [
        _HEAD,
        *_table(("name", "what it is", "written", "an example"), read),
        "\n## Refused by name\n",
        *_table(("what it is", "why it is not read", "an example"), refused),
        "\n## Operations\n",
        "\n".join(_wrapped([f"`{name}`" for name in NAMES])),
        "\nOther projects' spellings, in any case and with or without underscores:\n",
        *_table(("spelling", "read as"), spellings),
    ]
    return "\n".join(parts) + "\n"


def plain() -> str:
    """Return a shorter overview for a terminal."""
    width = max(len(row.name) for row in FORMATS) + 2
    lines = ["read:"]
    lines += [f"  {row.name:<{width}}{row.title}{' (also written)' if row.write else ''}" for row in FORMATS]
    lines += ["refused by name:", *(f"  {row.name}: {row.reason}" for row in REFUSALS)]
    return "\n".join(lines)


_BAR = "\\|"  # an escaped bar within a table cell


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', _BAR) for cell in row)} |"


def _wrapped(words: Sequence[str], per_line: int = 8) -> Iterator[str]:
    for start in range(0, len(words), per_line):
        end = "," if start + per_line < len(words) else "."
        yield ", ".join(words[start : start + per_line]) + end
