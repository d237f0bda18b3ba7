"""A policy with its card and whatever belongs to it as one archive, `FILE.zip`: safetensors and JSON, never a pickle.

An archive may come from anybody. Its list of members is checked before anything is unpacked: names, sizes, kinds.
What is unpacked is then read as any policy's folder is.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import BinaryIO

from nat_core.learning.accuracies import reward_model_files, supernet_files, trainings_model_files
from nat_core.learning.policies.checkpoint import CARD, CURVE, LABEL, WEIGHTS, load_card, load_policy
from nat_core.sentences import brief

SUFFIX = ".zip"
_MIB = 1 << 20
# What an archive may hold, and the largest size in bytes that each may have when unpacked. The card says which of them
# belong to the policy; without the card the rest is no policy.
MEMBERS: Mapping[str, int] = MappingProxyType(
    {
        CARD: _MIB,
        WEIGHTS: 256 * _MIB,
        supernet_files.WEIGHTS: 256 * _MIB,
        supernet_files.CARD: _MIB,
        reward_model_files.FILE: 64 * _MIB,
        trainings_model_files.FILE: 16 * _MIB,
        trainings_model_files.NETWORK_FILE: 64 * _MIB,
        CURVE: 4 * _MIB,
        LABEL: 4096,
    }
)
MAX_BYTES = 256 * _MIB
_ACCEPTED = f"accepted: an archive with {WEIGHTS} and {CARD} as written by `policies export`"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# The record at the end of an archive: signature, disks, numbers of members, size and place of their list, comment.
_END, _END_FORMAT, _LARGE, _LONGEST_COMMENT = b"PK\x05\x06", "<4s4H2LH", b"PK\x06\x07", 1 << 16
_MAX_LIST_BYTES = 1 << 16
_CHUNK = 1 << 20


def packed(folder: Path) -> bytes:
    """Return an archive of the policy in `folder` with all files that belong to it according to its card.

    Raises:
        ValueError: there is no policy in `folder`, or a file of it is larger than an archive may hold.
    """
    card, held = load_card(folder), BytesIO()
    names = [name for name in MEMBERS if name == CARD or card.has(name) or (name == LABEL and (folder / name).exists())]
    if WEIGHTS not in names:
        raise ValueError(f"{folder / WEIGHTS} does not exist; accepted: a policy's folder")
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            if (size := (folder / name).stat().st_size) > MEMBERS[name]:
                raise ValueError(f"{folder / name} has {size:,} bytes; accepted: at most {MEMBERS[name]:,}")
            archive.write(folder / name, name)
    return held.getvalue()


def unpack(source: Path | BinaryIO, folder: Path, name: str = "") -> Path:
    """Unpack an archive into an empty `folder`; return the folder, from which a policy can be read.

    Args:
        source: the archive.
        folder: folder to fill.
        name: what messages call the archive; by default its path.

    Raises:
        ValueError: `source` is not a policy's archive, or it is unsafe to unpack.
    """
    with _naming(name or str(source), folder):
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                members = _checked(archive.infolist())
                for member in members:
                    _write(archive, member, folder / member.filename)
        card = load_policy(folder)[1]
        if absent := set(card.files or ()) - {member.filename for member in members}:
            raise ValueError(f"{CARD} names the file {min(absent)[:60]!r}, which is not in the archive")
    return folder


def read_bytes(path: Path) -> bytes:
    """Return the content of an archive's file. Raises ValueError if the file is too large for an archive."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path}: there are more than {MAX_BYTES:,} bytes; at most these are accepted")
    return content


def opened(path: Path) -> Path:
    """Unpack the archive at `path` into a folder that lasts as long as this process. Raises like `unpack`."""
    stat = path.stat()
    return Path(_opened(path.resolve(), stat.st_mtime_ns, stat.st_size).name)


@lru_cache(maxsize=8)
def _opened(path: Path, stamp: int, size: int) -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix="nat-lab-policy-")
    unpack(path, Path(folder.name))
    return folder


@contextmanager
def _naming(name: str, folder: Path) -> Iterator[None]:
    """Turns whatever reading the archive raises into one ValueError that names it."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{name}: truncated, or not an archive ({brief(error, 100)}); {_ACCEPTED}") from error
    except (ValueError, OSError) as error:
        text = str(error).replace(f"{folder}/", "")
        raise ValueError(f"{name}: {text}" if "accepted: " in text else f"{name}: {text}; {_ACCEPTED}") from error


def _check_end(file: BinaryIO) -> None:
    """Raise ValueError if an archive's list of members is too long, before it is read into memory."""
    size = file.seek(0, 2)
    if size > MAX_BYTES:
        raise ValueError(f"it has {size:,} bytes; accepted: at most {MAX_BYTES:,}")
    file.seek(max(0, size - _LONGEST_COMMENT - struct.calcsize(_END_FORMAT) - 20))
    tail = file.read()
    place = tail.rfind(_END)
    if place < 0:
        raise ValueError("truncated, or not an archive")
    *_, count, length, _, _ = struct.unpack_from(_END_FORMAT, tail, place)
    if _LARGE in tail[max(0, place - 20) : place]:
        raise ValueError("its list of members has the form for more than 65,534")
    if count > len(MEMBERS) or length > _MAX_LIST_BYTES:
        raise ValueError(f"it has {count:,} members; accepted: at most {len(MEMBERS)}")
    file.seek(0)


def _checked(members: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Return the members. Raises ValueError if one should not be unpacked, before any is unpacked."""
    seen: set[str] = set()
    for member in members:
        name = member.orig_filename
        mode = member.external_attr >> 16
        if name not in MEMBERS or member.filename != name:
            raise ValueError(f"the member {name[:60]!r} belongs to no policy; accepted: {', '.join(MEMBERS)}")
        if name in seen:
            raise ValueError(f"the member {name!r} is there twice")
        if mode and not S_ISREG(mode) and mode >> 12:
            raise ValueError(f"the member {name!r} is a link or another special file, not a file")
        if member.flag_bits & _ENCRYPTED:
            raise ValueError(f"the member {name!r} is encrypted")
        if member.compress_type not in _METHODS:
            raise ValueError(f"the member {name!r} is compressed by method {member.compress_type}, not by deflate")
        if member.file_size > MEMBERS[name]:
            raise ValueError(
                f"the member {name!r} has {member.file_size:,} bytes when unpacked; accepted: at most {MEMBERS[name]:,}"
            )
        seen.add(name)
    if missing := {CARD, WEIGHTS} - seen:
        raise ValueError(f"the member {min(missing)!r} is missing")
    return members


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    """Unpacks at most as many bytes as the list says; a member that has more is cut off there, and so found broken."""
    with archive.open(member) as packed_file, path.open("xb") as file:
        while part := packed_file.read(_CHUNK):
            file.write(part)
