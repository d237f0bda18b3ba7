"""The request for a run: everything that is needed to start it, and to start it again."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, InstanceOf

from nat_core.learning.support.earlier import in_parts
from nat_core.specification import flat, from_json, read, specified

MAX_NAME = 100
Threads = Annotated[int, Field(ge=1, le=1024)]
Workers = Annotated[int, Field(ge=1, le=256)]
MAX_BYTES = 1_000_000
# These fields may be long, so a record stores them in a file; the rest are tags, which can be listed fast.
_STORED = ("config", "command")
_COMMAND_LISTED = 4000


@specified
class Request:
    """What a run was asked to do.

    Attributes:
        kind: the kind of work; a key of `kinds.KINDS`.
        config: the work's configuration as a JSON object; never changed afterwards.
        steps: the number of steps in total.
        space: the space of its architectures.
        preset: the name of the settings that `config` started from.
        output: absolute folder for the results; "" for the run's own folder.
        device: torch's name of the device, which one run at a time uses.
        threads: number of processor threads.
        command: the equivalent command line.
        name: shown to people; if "", a name is made from space and preset.
        directory: absolute folder to which relative paths in `config` refer in every process; "" if there are none.
        cluster: address of the Ray cluster's job server; "" for this machine.
        storage: storage shared by all nodes of the cluster; see `cluster.storage`.
        workers: cluster processes that share the work, each with its threads and, on CUDA, its own GPU.
    """

    kind: str
    config: InstanceOf[Mapping[str, Any]]
    steps: int
    space: str = ""
    preset: str = ""
    output: str = ""
    device: str = "cpu"
    threads: Threads = 1
    command: str = ""
    name: str = ""
    directory: str = ""
    cluster: str = ""
    storage: str = ""
    workers: Workers = 1

    def __post_init__(self) -> None:
        if self.name:
            checked_name(self.name)
        if self.output and not Path(self.output).is_absolute():
            raise ValueError(
                f"output is {self.output!r:.60}; an absolute folder is needed, since a run has no place of its own"
            )
        if not isinstance(self.config, StoredConfig) and (size := len(self.to_json())) > MAX_BYTES:
            raise ValueError(f"the configuration has {size:,} characters; at most {MAX_BYTES:,} are accepted")

    def named(self, name: str) -> "Request":
        """Return the same request under another name."""
        return replace(self, name=name)

    @property
    def whole(self) -> "Request":
        """Return the request with its full configuration and command line, read from the record if needed, which may
        raise OSError.
        """
        return self.config.request if isinstance(self.config, StoredConfig) else self

    def to_json(self) -> str:
        return _json({**_values(self.whole), "config": dict(self.config)})

    def head_to_json(self) -> str:
        """Return the listed fields as JSON: all but configuration and command line."""
        return _json({name: value for name, value in _values(self).items() if name not in _STORED})

    @property
    def listed_command(self) -> str:
        """Return the beginning of the command line, which may be long because of genotypes."""
        return self.command if len(self.command) <= _COMMAND_LISTED else f"{self.command[:_COMMAND_LISTED]} …"

    @classmethod
    def from_json(cls, text: str) -> "Request":
        """Invert `to_json`. Raises ValueError for anything else."""
        return _parsed(text)

    @classmethod
    def recorded(cls, text: str, command: str, read: Callable[[], "Request"]) -> "Request":
        """Return a request as it is in a record; `read` is called for the remaining fields when they are needed.

        Args:
            text: output of `head_to_json`, or of `to_json` in records of earlier versions.
            command: its `listed_command`.

        Raises:
            ValueError: `text` is neither.
        """
        head = from_json(text)
        if not isinstance(head, dict) or "config" in head:
            return _parsed(text)
        return replace(_parsed(_json({**head, "command": command, "config": {}})), config=StoredConfig(read))

    def parameters(self) -> dict[str, str]:
        """Return the configuration as flat names and texts, for tables that compare runs."""
        return {name: str(value)[:6000] for name, value in flat(in_parts(self.config)).items()}


def checked_name(name: str) -> str:
    """Return a run's name without surrounding blanks. Raises ValueError if it is empty, too long or not one line."""
    name = name.strip()
    if not name:
        raise ValueError("the name is empty")
    if len(name) > MAX_NAME or not name.isprintable():
        raise ValueError(f"the name {name[:40]!r} is not one line of at most {MAX_NAME} characters")
    return name


def unused_name(name: str, taken: Iterable[str]) -> str:
    """Return the checked name of a new run. Raises ValueError also if another run has this name."""
    name = checked_name(name)
    if name in taken:
        raise ValueError(f"a run is called {name[:40]!r} already; choose another name")
    return name


class StoredConfig(Mapping[str, Any]):
    """A recorded run's configuration, read from the record on first access.

    An access raises OSError if the record cannot be read.
    """

    def __init__(self, read: Callable[[], Request]) -> None:
        self._read = read

    @cached_property
    def request(self) -> Request:
        """The complete request."""
        return self._read()

    def __getitem__(self, key: str) -> Any:
        return self.request.config[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.request.config)

    def __len__(self) -> int:
        return len(self.request.config)


def _values(request: Request) -> dict[str, Any]:
    return {item.name: getattr(request, item.name) for item in fields(request)}


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=2048)
def _parsed(text: str) -> Request:
    """Parse a request; cached, because requests never change and pages that follow many runs read them repeatedly."""
    return read(Request, from_json(text))
