"""Where the record of runs is, as an address that means the same in every process, whatever its current folder."""

from dataclasses import dataclass
from pathlib import Path

_ACCEPTED = "accepted: sqlite:///FILE, or the address of an MLflow server"


@dataclass(frozen=True)
class Address:
    """The place of a record.

    Attributes:
        uri: what MLflow is given; a database's file is absolute in it.
        database: the SQLite file; None for a server or another database.
    """

    uri: str
    database: Path | None


def address_of(uri: str) -> Address:
    """The address that `uri` means here: a relative path starts from the current folder; parameters stay.

    Raises:
        ValueError: a database that other processes cannot open.
    """
    scheme, separator, rest = uri.strip().partition("://")
    if not separator or scheme.split("+")[0] != "sqlite":
        return Address(uri.strip(), None)
    text, question, parameters = rest.partition("?")
    name = text.removeprefix("/")
    if not text.startswith("/") or name in ("", ":memory:"):
        raise ValueError(f"no runs can be recorded at {uri[:200]}: it names no file; {_ACCEPTED}")
    if name.startswith("file:"):
        raise ValueError(f"no runs can be recorded at {uri[:200]}: it holds a URI of SQLite's own; {_ACCEPTED}")
    database = Path(name).resolve()
    return Address(f"{scheme}:///{database}{question}{parameters}", database)
