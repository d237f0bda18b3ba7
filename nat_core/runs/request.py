"""What is asked of a run: everything that it needs to start, and to start again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from nat_core.learning.support.values import dataclass_of

MAX_BYTES = 8000


@dataclass(frozen=True)
class Request:
    """A run before it is one.

    Attributes:
        kind: what work; a key of `kinds.KINDS`.
        config: the work's configuration as a JSON object, frozen from here on.
        steps: how many make the whole.
        space: whose architectures it is about.
        preset: the name of the settings that `config` started from.
        output: absolute folder for what comes out; "" for a place of the run's own.
        device: torch's name of where it works; one run at a time does.
        threads: of the processor.
        command: the command line that does the same.
        name: for people; "" for one made from space and preset.
    """

    kind: str
    config: Mapping[str, Any]
    steps: int
    space: str = ""
    preset: str = ""
    output: str = ""
    device: str = "cpu"
    threads: int = 1
    command: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= 1024:
            raise ValueError(f"threads is {self.threads}; accepted: 1 to 1024")
        if len(self.name) > 100 or any(not mark.isprintable() for mark in self.name):
            raise ValueError(f"the name {self.name[:40]!r} is not one line of at most 100 characters")
        if self.output and not Path(self.output).is_absolute():
            raise ValueError(
                f"output is {self.output!r:.60}; an absolute folder is needed, since a run has no place of its own"
            )
        if (size := len(self.to_json())) > MAX_BYTES:
            raise ValueError(f"the configuration has {size:,} characters; at most {MAX_BYTES:,} are accepted")

    def named(self, name: str) -> "Request":
        """The same under another name."""
        return replace(self, name=name)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """The inverse of `to_json`. Raises ValueError for anything else."""
        return _parsed(text)

    def parameters(self) -> dict[str, str]:
        """The configuration flattened to names and texts, for tables that compare runs."""
        return dict(_flat("", self.config))


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Request:
    """Requests never change, and pages that watch many runs ask for them again and again."""
    return dataclass_of(Request, json.loads(text))


def _flat(prefix: str, value: Mapping[str, Any]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        pairs += _flat(f"{name}.", item) if isinstance(item, Mapping) else [(name, str(item)[:6000])]
    return pairs
