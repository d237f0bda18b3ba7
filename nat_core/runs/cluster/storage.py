"""Storage shared by all nodes of a cluster: a folder, s3://, gs:// or another file system of fsspec."""

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from nat_core.sentences import without_password

VARIABLE = "NAT_LAB_STORAGE"
ACCEPTED = "accepted: an absolute path of a folder that all nodes share, s3://BUCKET/FOLDER, gs://BUCKET/FOLDER"
_SCHEMES = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(::[A-Za-z][A-Za-z0-9+.-]*)*")


def storage_for_runs() -> "Storage":
    """Return the storage in the environment's `NAT_LAB_STORAGE`, after a test write.

    Raises:
        ValueError: the variable is not set, or the storage cannot be used; the message says what to set.
    """
    place = os.environ.get(VARIABLE, "").strip()
    if not place:
        raise ValueError(
            f"a run on a cluster needs storage for its checkpoints that all nodes see; set {VARIABLE}; {ACCEPTED}"
        )
    storage = Storage(place)
    storage.check()
    return storage


class Storage:
    """Files by name below one folder or URL.

    Args:
        place: an absolute folder, or a URL that fsspec supports.

    Methods raise OSError, with one sentence, if the place cannot be reached.

    Raises:
        ValueError: `place` is neither; the message quotes it.
    """

    def __init__(self, place: str) -> None:
        scheme, separator, rest = place.partition("://")
        if not (_SCHEMES.fullmatch(scheme) and rest.strip("/") if separator else Path(place).is_absolute()):
            raise ValueError(f"{VARIABLE} is {without_password(place, 100)!r}; {ACCEPTED}")
        self.place = place.rstrip("/") or "/"
        self._shown = without_password(self.place, 100)

    @cached_property
    def _found(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        try:
            return url_to_fs(self.place)
        except Exception as error:  # every file system has errors of its own
            why = without_password(error, 100) or type(error).__name__
            raise ValueError(f"{VARIABLE} is {self._shown!r}: {why}; {ACCEPTED}") from error

    @property
    def _is_folder(self) -> bool:
        return "file" in self._found[0].protocol

    def check(self) -> None:
        """Raise ValueError, saying what to set, if nothing can be written."""
        self._found  # noqa: B018  # raises for an invalid address
        try:
            with self._os_errors() as system:
                path = self._path(f".written-{uuid.uuid4().hex}")
                self._make_folder(path)
                system.pipe_file(path, b"nat-lab")
                system.rm_file(path)
        except OSError as error:
            raise ValueError(f"{error}; set {VARIABLE} to storage that all nodes see; {ACCEPTED}") from error

    def put(self, source: Path, name: str) -> None:
        """Store a file atomically: readers see the old or the new file, never a part."""
        with self._os_errors() as system:
            path = self._path(name)
            if not self._is_folder:  # object stores publish only complete files
                system.put_file(str(source), path)
                return
            self._make_folder(path)
            begun = Path(f"{path}.{uuid.uuid4().hex}")
            try:
                system.put_file(str(source), str(begun))
                begun.replace(path)
            finally:
                begun.unlink(missing_ok=True)

    def get(self, name: str, target: Path) -> bool:
        """Copy a stored file to `target` atomically; return False if there is none."""
        target.parent.mkdir(parents=True, exist_ok=True)
        begun = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        with self._os_errors() as system:
            try:
                system.get_file(self._path(name), str(begun))
                begun.replace(target)
            except FileNotFoundError:
                return False
            finally:
                begun.unlink(missing_ok=True)
        return True

    def delete(self, name: str) -> None:
        """Remove a file or folder if it exists."""
        with self._os_errors() as system, suppress(FileNotFoundError):
            system.rm(self._path(name), recursive=True)

    @contextmanager
    def _os_errors(self) -> Iterator[Any]:
        """Yield the file system, and convert its errors into OSErrors that name the storage."""
        system, _ = self._found
        try:
            yield system
        except Exception as error:  # every file system has errors of its own
            said = without_password(error, 120) or type(error).__name__
            if isinstance(error, FileNotFoundError) and error.errno is None:  # some messages are only the name
                said = f"not found: {said}"
            raise OSError(f"the storage {self._shown} cannot be used ({said})") from error

    def _path(self, name: str) -> str:
        return f"{self._found[1].rstrip('/')}/{name}"

    def _make_folder(self, path: str) -> None:
        if self._is_folder:
            self._found[0].makedirs(path.rpartition("/")[0], exist_ok=True)
