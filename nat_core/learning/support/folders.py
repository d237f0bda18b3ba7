"""Folders that are written as a whole, so that an interruption leaves the old contents."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from nat_core.demo import refuse_if_public


def check_folder(folder: Path) -> Path:
    """Return the absolute path of `folder`, which need not exist yet.

    Raises:
        ValueError: nothing can be written there.
    """
    full = folder.resolve()
    there = next(path for path in (full, *full.parents) if path.exists())
    if not there.is_dir():
        raise ValueError(
            f"{full} cannot be a folder, since {there} is a file; accepted: a folder, which need not exist"
        )
    if not os.access(there, os.W_OK):
        raise ValueError(
            f"{full} cannot be written, since {there} is read-only; accepted: a folder that can be written"
        )
    return full


@contextmanager
def replacing_folder(folder: Path, own: Sequence[str]) -> Iterator[Path]:
    """Yield a fresh folder that replaces `folder` only if the block succeeds.

    Args:
        folder: folder to replace, which need not exist.
        own: names of the files that are replaced or removed; all other files in the folder stay. Without the first of
            these files the others are meaningless.
    """
    refuse_if_public("writing a folder")
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    room = folder.parent if os.access(folder.parent, os.W_OK) else folder
    fresh = Path(mkdtemp(dir=room, prefix=f".{folder.name}."))
    try:
        yield fresh
        fresh.chmod(0o755)
        if not _swapped(fresh, folder, own):
            _moved_in(fresh, folder, own)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swapped(fresh: Path, folder: Path, own: Sequence[str]) -> bool:
    """Whether `fresh` could become `folder` as a whole: not where a user has more in it, nor on a mount point."""
    if folder.exists() and any(path.name not in own for path in folder.iterdir()):
        return False
    aside = fresh.with_name(f"{fresh.name}.old")
    with suppress(OSError):
        if folder.exists():
            folder.rename(aside)
        try:
            fresh.rename(folder)
        except OSError:
            if aside.exists():
                aside.rename(folder)
            raise
        shutil.rmtree(aside, ignore_errors=True)
        return True
    return False


def _moved_in(fresh: Path, folder: Path, own: Sequence[str]) -> None:
    """File by file: the one that gives the others their meaning goes first and comes last."""
    folder.mkdir(exist_ok=True)
    for name in own:
        (folder / name).unlink(missing_ok=True)
    for path in sorted(fresh.iterdir(), key=lambda path: path.name == own[0]):
        shutil.move(path, folder / path.name)
