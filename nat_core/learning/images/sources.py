"""Where images come from: a hub name, parquet files, an image folder or the built-in sample, all read by `datasets`.

Everything arrives as one training and one test split of decoded images of one size. Files may be from strangers: a
path inside a parquet file is not followed, only common formats of images are decoded, and sizes are checked first.
"""

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nat_core.learning.images.defaults import HUB_DEFAULT, SAMPLE
from nat_core.paths import ASSETS

ACCEPTED_SOURCES = (
    f"accepted: {SAMPLE!r} (built in), a name on the Hugging Face hub such as {HUB_DEFAULT!r}, a folder or glob of "
    "parquet files, a folder of images laid out as train/<class>/* and test/<class>/*"
)
# Where parquet files lie in a folder of them; not deeper, for a folder may be the whole disk.
_PARQUET_DEPTHS = ("*.parquet", "*/*.parquet", "*/*/*.parquet")
_SAMPLE_FILE = ASSETS / "cifar10_sample.parquet"
_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "validation", "valid", "val")
_IMAGE_COLUMNS = ("img", "image")
_LABEL_COLUMNS = ("label", "fine_label")
_SPLIT_COLUMN = "split"
_WORD = re.compile(r"[a-z]+")
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")
_BATCH = 1000
# What is decoded; PIL knows others, some of which start further programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_MOST_PIXELS = 50_000_000
_UNLABELLED = -1


@dataclass(frozen=True)
class DecodedSplit:
    """Images as uint8 [n, side, side, 3] and labels as int64 [n]."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class DecodedImages:
    """A source's training and test split, the classes' names, and what the source calls itself."""

    train: DecodedSplit
    test: DecodedSplit
    classes: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class _RawSplit:
    """`encoded` holds bytes, or the path of a file, per image."""

    place: str
    encoded: Sequence[bytes | str]
    labels: NDArray[np.int64]
    classes: tuple[str, ...] | None


# A source's splits by name, each read when it is asked for.
_Splits = Mapping[str, Callable[[], _RawSplit]]


def read_images(source: str, resolution: int, download: bool = True) -> DecodedImages:
    """All images of `source`; those of another size are resized by their shorter side and their middle cropped.

    Args:
        source: see `load_images`.
        resolution: side in pixels.
        download: whether what is on the hub may be fetched; else it must have been before.

    Raises:
        ValueError: no such source, no network, no training or test split, wrong columns, an unreadable image.
    """
    with _one_sentence(source):
        splits, title = _open(source, download)
        train, test = _train_split(splits, source)(), _test_split(splits, source)
        classes = train.classes or _numbered_classes(train)
        _check_memory(len(train.encoded) + len(test.encoded), resolution, source)
        return DecodedImages(_decoded(train, resolution), _decoded(test, resolution), classes, title)


def is_on_hub(source: str) -> bool:
    """Whether `source` names images on the Hugging Face hub rather than something here: a name such as ``mnist`` or
    ``somebody/pets``, where no file or folder is called so."""
    return source != SAMPLE and _HUB_NAME.fullmatch(source) is not None and not _is_local(source)


def _is_local(source: str) -> bool:
    """Whether `source` is, or looks as if it were meant to be, a file or folder here."""
    return source.endswith(".parquet") or _path(source).exists()


def _numbered_classes(train: _RawSplit) -> tuple[str, ...]:
    """Names of classes that have none: their numbers, which must have no gaps. Raises ValueError."""
    labels = np.unique(train.labels)
    if gaps := np.flatnonzero(labels != np.arange(len(labels))).tolist():
        raise ValueError(
            f"{train.place}: no image has the label {gaps[0]}, but some have {labels[-1]}; "
            "accepted: 0, 1, 2, … without gaps"
        )
    return tuple(map(str, labels))


def _check_memory(count: int, resolution: int, source: str) -> None:
    needed, free = count * resolution * resolution * 3, psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"images {source!r:.200} need {needed / 2**30:.1f} GiB of memory at {resolution}×{resolution} pixels, of "
            f"which {free / 2**30:.1f} GiB are free; accepted: a smaller resolution, or fewer images"
        )


@contextmanager
def _one_sentence(source: str) -> Iterator[None]:
    """Turns whatever reading raises into one ValueError that names the source."""
    from datasets.exceptions import DatasetsError
    from datasets.utils import logging

    logging.set_verbosity(logging.CRITICAL)  # what cannot be read is said once, by the sentence
    try:
        yield
    except (OSError, pa.ArrowException, DatasetsError, MemoryError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise ValueError(f"images {source[:200]!r} cannot be read: {first_line[:300]}; {ACCEPTED_SOURCES}") from error


def _open(source: str, download: bool) -> tuple[_Splits, str]:
    """The splits of `source` and its title."""
    if not source.strip():
        raise ValueError(f"no images given; {ACCEPTED_SOURCES}")
    path = _path(source)
    if source == SAMPLE:
        return _parquet_splits([_SAMPLE_FILE]), "CIFAR-10 sample"
    if path.is_dir():
        files = sorted(file for depth in _PARQUET_DEPTHS for file in path.glob(depth))
        return (_parquet_splits(files) if files else _folder_splits(path)), path.name
    if matches := sorted(Path(match) for match in glob(str(path))):  # noqa: PTH207, may be absolute
        return _parquet_splits(matches), path.name
    if not is_on_hub(source):
        raise ValueError(f"no images at {source!r:.200}, neither file nor folder is there; {ACCEPTED_SOURCES}")
    return _hub_splits(source, download), source


def _path(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError as error:
        raise ValueError(f"no images at {source!r:.200}: there is no such user; {ACCEPTED_SOURCES}") from error


def _train_split(splits: _Splits, source: str) -> Callable[[], _RawSplit]:
    if name := next((name for name in _TRAIN_NAMES if name in splits), None):
        return splits[name]
    raise ValueError(f"images {source!r:.200} have no training split, only {', '.join(splits)}; name one 'train'")


def _test_split(splits: _Splits, source: str) -> _RawSplit:
    """The first labelled one; hubs publish some test splits with the label −1 throughout."""
    for name in _TEST_NAMES:
        if name in splits and (split := splits[name]()).labels.max(initial=-1) >= 0:
            return split
    raise ValueError(
        f"images {source!r:.200} have no labelled test split, only {', '.join(splits)}; "
        f"add one and name it {' or '.join(_TEST_NAMES)}"
    )


def _parquet_splits(files: Sequence[Path]) -> _Splits:
    """Files sorted into splits by the words of their names; a single other file by its column `split`."""
    if len(files) == 1 and not _split_name(files[0]):
        return _column_splits(files[0])
    by_name: dict[str, list[str]] = {}
    for file in files:
        if not (name := _split_name(file)):
            raise ValueError(
                f"{file} is of no split; the names of parquet files must contain 'train' or one of: "
                f"{', '.join(_TEST_NAMES)}"
            )
        by_name.setdefault(name, []).append(str(file))
    return {name: partial(_read_parquet, group) for name, group in by_name.items()}


def _split_name(file: Path) -> str | None:
    """The word of a file's name, or else its folder's whole name, that says which split it is of."""
    words = (*_WORD.findall(file.stem.lower()), file.parent.name.lower())
    return next((word for word in words if word in (*_TRAIN_NAMES, *_TEST_NAMES)), None)


def _load_parquet(files: Sequence[str]) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset("parquet", data_files={"all": list(files)}, split="all", streaming=True)
    except pa.ArrowException:  # a broken file
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:  # what its description of the columns leads to
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise ValueError(f"{files[0]} describes its columns in a way that cannot be read: {reason}") from error


def _read_parquet(files: Sequence[str]) -> _RawSplit:
    return _read(_load_parquet(files), files[0])


def _column_splits(file: Path) -> _Splits:
    dataset = _load_parquet([str(file)])
    if _SPLIT_COLUMN not in dataset.column_names:
        raise ValueError(
            f"{file} has no test split: no column {_SPLIT_COLUMN!r}, and no second file beside it; "
            "give a folder with a train and a test file"
        )
    column = _rows(dataset.select_columns([_SPLIT_COLUMN]), str(file)).column(_SPLIT_COLUMN)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.null_count or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        found = f"{column.null_count} without any" if column.null_count else f"type {str(kind)[:80]}"
        raise ValueError(f"{file}: the column {_SPLIT_COLUMN!r} must name a split for every image, not {found}")
    names = np.array(column.to_pylist())
    return {str(name): partial(_read, dataset, str(file), np.flatnonzero(names == name)) for name in np.unique(names)}


def _folder_splits(folder: Path) -> _Splits:
    from datasets import load_dataset

    for names, what in ((_TRAIN_NAMES, "training"), (_TEST_NAMES, "test")):
        if not any(True for name in names for _ in (folder / name).glob("*/*")):
            raise ValueError(
                f"{folder} holds no parquet files and no {what} split, {names[0]}/<class>/<image>; {ACCEPTED_SOURCES}"
            )
    dataset = load_dataset("imagefolder", data_dir=str(folder), streaming=True, drop_labels=False)
    return {
        name: partial(_read, dataset[name], f"{folder}/{name}", within=(folder, folder.resolve())) for name in dataset
    }


def _hub_splits(name: str, download: bool) -> _Splits:
    """Downloaded on first use, later read from the cache of `datasets`."""
    from datasets import config, load_dataset
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE

    cached = Path(config.HF_DATASETS_CACHE, name.replace("/", "___")).is_dir()
    if not (cached or download):
        raise ValueError(f"images {name!r} have not been downloaded to this machine; a training with them does it")
    try:
        if not cached:  # asked once: `load_dataset` alone would repeat itself for half a minute without a network
            HfApi().dataset_info(name, timeout=10)
        dataset = load_dataset(name)
    except Exception as error:  # a dozen types of three libraries, by way of failure
        reason = str(error).strip().split("\n", 1)[0][:200]
        raise ValueError(
            f"images {name!r} could not be downloaded from the Hugging Face hub ({reason}); check the name and the "
            f"network, or use files on this machine or the built-in {SAMPLE!r}"
        ) from error
    caches = (Path(config.HF_DATASETS_CACHE), Path(config.DOWNLOADED_DATASETS_PATH), Path(HF_HUB_CACHE))
    return {split: partial(_read, dataset[split], f"{name}, {split}", within=caches) for split in dataset}


def _rows(dataset: Any, place: str) -> pa.Table:
    """The undecoded rows; `dataset` may be a streamed one."""
    batches = list(dataset.with_format("arrow").iter(batch_size=_BATCH))
    if not batches:
        raise ValueError(f"{place} holds no images")
    return pa.concat_tables(batches)


def _read(dataset: Any, place: str, chosen: NDArray[np.int64] | None = None, within: Sequence[Path] = ()) -> _RawSplit:
    """Encoded images and labels of the `chosen` rows, or of all; files of images lie below one of `within`."""
    from datasets import ClassLabel
    from datasets import Image as ImageFeature

    columns = dataset.column_names
    image_column = _column(columns, _IMAGE_COLUMNS, "image", place)
    label_column = _column(columns, _LABEL_COLUMNS, "label", place)
    if isinstance(dataset.features[image_column], ImageFeature):
        dataset = dataset.cast_column(image_column, ImageFeature(decode=False))
    rows = _rows(dataset.select_columns([image_column, label_column]), place)
    rows = rows if chosen is None else rows.take(pa.array(chosen))
    feature = dataset.features[label_column]
    classes = tuple(map(str, feature.names)) or None if isinstance(feature, ClassLabel) else None
    encoded = _encoded(rows.column(image_column), place, within)
    return _RawSplit(place, encoded, _labels(rows.column(label_column), classes, place), classes)


def _column(columns: Sequence[str], accepted: Sequence[str], what: str, place: str) -> str:
    if found := next((name for name in accepted if name in columns), None):
        return found
    raise ValueError(
        f"{place} has no column for the {what}, only {', '.join(columns)}; accepted: {' or '.join(accepted)}"
    )


def _encoded(column: pa.ChunkedArray, place: str, within: Sequence[Path]) -> list[bytes | str]:
    """Bytes or path of every image."""
    kind = column.type
    types = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
    if (
        types.keys() != {"bytes", "path"}
        or not _is_type(types["bytes"], "binary")
        or not _is_type(types["path"], "string")
    ):
        raise ValueError(f"{place}: the image column is of type {str(kind)[:80]}; accepted: a struct of bytes and path")
    return [_bytes_or_path(row or {}, i, place, within) for i, row in enumerate(column.to_pylist())]


def _is_type(kind: pa.DataType, name: str) -> bool:
    return str(kind) in (name, f"large_{name}", "null")


def _bytes_or_path(row: Mapping[str, Any], number: int, place: str, within: Sequence[Path]) -> bytes | str:
    """A path only where the source consists of files: elsewhere it could be that of any file of this machine."""
    if row.get("bytes") or not row.get("path"):
        return row.get("bytes") or b""
    path = os.path.abspath(row["path"])  # noqa: PTH100, without following links, which are the owner's
    if not any(Path(path).is_relative_to(os.path.abspath(folder)) for folder in within):  # noqa: PTH100
        raise ValueError(
            f"image {number} of {place} is only a path, {row['path']!r:.100}; accepted: the image itself, as bytes"
        )
    return path


def _labels(column: pa.ChunkedArray, classes: tuple[str, ...] | None, place: str) -> NDArray[np.int64]:
    if not pa.types.is_integer(column.type) or column.null_count:
        found = "one missing" if column.null_count else f"type {column.type}"
        raise ValueError(f"{place}: labels must be whole numbers for every image, not {found}")
    labels = column.to_numpy()
    limit = len(classes) if classes is not None else len(labels)
    unlabelled = (labels == _UNLABELLED).all()
    if not unlabelled and (wrong := np.flatnonzero((labels < 0) | (labels >= limit))).size:
        choices = "one per class" if classes is not None else "since there are no more images than that"
        raise ValueError(
            f"{place}: the label of image {wrong[0]} is {labels[wrong[0]]}; accepted: 0 to {limit - 1}, {choices}"
        )
    return labels.astype(np.int64)


def _decoded(split: _RawSplit, resolution: int) -> DecodedSplit:
    """Decodes with as many threads as there are processors; PIL releases Python's lock."""
    images = np.empty((len(split.encoded), resolution, resolution, 3), np.uint8)

    def decode(start: int) -> None:
        for index, encoded in enumerate(split.encoded[start : start + _BATCH], start):
            images[index] = _decode(encoded, resolution, f"image {index} of {split.place}")

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(decode, range(0, len(images), _BATCH)):
            pass
    return DecodedSplit(images, split.labels)


def _decode(encoded: bytes | str, resolution: int, place: str) -> NDArray[np.uint8]:
    """One image as RGB [resolution, resolution, 3]."""
    try:
        if not encoded:
            raise ValueError("it is missing")
        with Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded, formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ValueError(f"{image.width}×{image.height} pixels; accepted: {_MOST_PIXELS:,} in all")
            if image.size != (resolution, resolution):
                image.draft("RGB", (resolution, resolution))  # a JPEG much larger is decoded at a fraction of its size
            return np.asarray(_cropped(image if image.mode == "RGB" else image.convert("RGB"), resolution))
    except Exception as error:  # PIL raises whatever damaged bytes lead it to
        reason = "no image of an accepted format" if isinstance(error, UnidentifiedImageError) else str(error)
        text = f"{' '.join(reason.split())[:120]}; accepted: {', '.join(_FORMATS)}"
        raise ValueError(f"{place} is not a readable image ({text}); replace or remove it") from error


def _cropped(image: Image.Image, resolution: int) -> Image.Image:
    """The square in the middle, resized; nothing larger is made on the way, however long and thin the image is."""
    width, height = image.size
    if (width, height) == (resolution, resolution):
        return image
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return image.resize((resolution, resolution), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
