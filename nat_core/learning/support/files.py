"""Files that are written atomically, so that an interruption leaves the old ones whole."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nat_core.demo import refuse_if_public


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return all tensors of a safetensors file, on the CPU, and its metadata.

    Raises:
        ValueError: the file is truncated or not a safetensors file.
        OSError: the file cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"truncated or not a safetensors file ({error})") from error


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file atomically.

    Raises:
        OSError: the file cannot be written, for instance because the disk is full; the old file stays.
    """
    try:
        with _replacing(path) as temporary:
            save_file(dict(tensors), temporary, metadata=dict(metadata) if metadata else None)
    except SafetensorError as error:
        raise _system_error(error, path) from error


def _system_error(error: SafetensorError, path: Path) -> OSError:
    """Return the system's error, which safetensors reports only as text such as "… (os error 28)"."""
    if found := re.search(r"os error (\d+)", str(error)):
        number = int(found[1])
        return OSError(number, os.strerror(number), str(path))
    return OSError(f"{path} cannot be written ({error})")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    with _replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically."""
    with _replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path` that takes its place only when the block succeeds."""
    refuse_if_public("writing a file")
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        temporary = Path(file.name)
    try:
        yield temporary
        temporary.chmod(0o644)
        _flush_to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    """Flush a file to disk, or a machine that loses power could keep the new name and lose the contents."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
