"""The published cells that ship with the project, each with its source and published result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import parse
from nat_core.paths import ASSETS

# The advice in errors about a broken file that ships with the project.
RESTORE = "the file comes with NAT Lab: restore it, for instance with git"
_ASSET = ASSETS / "genotypes.json"


@dataclass(frozen=True)
class Published:
    """A result as printed in its paper (kind *published*), not measured by this project."""

    dataset: str
    test_error_percent: float
    test_error_std: float | None
    params_millions: float
    training: str
    cited_in: str


@dataclass(frozen=True)
class Entry:
    """A published cell.

    Attributes:
        source: publication of its genotype.
        derived_from: name of the architecture it was transformed from, if any.
        method: method of this transformation ("NAT", "NAT++").
    """

    name: str
    architecture: Architecture
    source: str
    derived_from: str | None = None
    method: str | None = None
    published: Published | None = None


def _entry(row: dict[str, Any]) -> Entry:
    published = row["published"] and Published(**row["published"])
    return Entry(row["name"], parse(json.dumps(row)), row["source"], row["derived_from"], row["method"], published)


@cache
def library() -> Mapping[str, Entry]:
    """Return all entries by name, in the order of the asset.

    Raises:
        OSError: the asset is missing or broken.
    """
    try:
        rows = json.loads(_ASSET.read_text(encoding="utf-8"))
        return MappingProxyType({row["name"]: _entry(row) for row in rows})
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise OSError(f"{_ASSET} cannot be read ({' '.join(str(error).split())[:120]}); {RESTORE}") from error


@cache
def _names() -> Mapping[Architecture, str]:
    named = sorted(library().items(), key=lambda item: -len(item[0]))  # of equal architectures, the last name wins
    return {entry.architecture.ordered: name for name, entry in named}


def name_of(architecture: Architecture) -> str:
    """Return the shortest library name of this architecture, or "" if the library does not have it.

    The order of edges does not matter, since a node sums its edges.
    """
    return _names().get(architecture.ordered, "")


def find(name: str) -> Entry:
    """Return the entry called `name`, in any capitalisation.

    Raises:
        ValueError: there is no such entry.
    """
    by_folded = {key.casefold(): entry for key, entry in library().items()}
    if name.casefold() in by_folded:
        return by_folded[name.casefold()]
    near = get_close_matches(name[:40].casefold(), by_folded, n=3, cutoff=0.6)
    if near:
        hint = f"did you mean {' or '.join(by_folded[key].name for key in near)}?"
    else:
        hint = f"accepted: one of its {len(by_folded)} names, such as {', '.join(list(library())[:3])}"
    raise ValueError(f"no architecture {name[:40]!r} in the library; {hint}")
