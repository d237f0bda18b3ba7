"""Where images come from: a hub name, parquet files, an image folder or the built-in sample, all read by `datasets`.

Everything arrives as one training and one test split of decoded images of one size.
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
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nat_core import ASSETS

HUB_DEFAULT = "uoft-cs/cifar10"
SAMPLE = "sample"
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


def read_images(source: str, resolution: int) -> DecodedImages:
    """All images of `source`; those of another size are resized by their shorter side and their middle cropped.

    Raises:
        ValueError: no such source, no network, no training or test split, wrong columns, an unreadable image.
    """
    with _one_sentence(source):
        splits, title = _open(source)
        train, test = _train_split(splits, source)(), _test_split(splits, source)
        classes = train.classes or tuple(str(label) for label in range(int(train.labels.max()) + 1))
        return DecodedImages(_decoded(train, resolution), _decoded(test, resolution), classes, title)


@contextmanager
def _one_sentence(source: str) -> Iterator[None]:
    """Turns whatever reading raises into one ValueError that names the source."""
    from datasets.exceptions import DatasetsError
    from datasets.utils import logging

    logging.set_verbosity(logging.CRITICAL)  # what cannot be read is said once, by the sentence
    try:
        yield
    except (OSError, pa.ArrowException, DatasetsError) as error:
        first_line = str(error).strip().split("\n", 1)[0]
        raise ValueError(f"images {source[:200]!r} cannot be read: {first_line[:300]}; {ACCEPTED_SOURCES}") from error


def _open(source: str) -> tuple[_Splits, str]:
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
    if path.suffix == ".parquet" or not _HUB_NAME.fullmatch(source):
        raise ValueError(f"no images at {source!r:.200}, neither file nor folder is there; {ACCEPTED_SOURCES}")
    return _hub_splits(source), source


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

    return load_dataset("parquet", data_files={"all": list(files)}, split="all", streaming=True)


def _read_parquet(files: Sequence[str]) -> _RawSplit:
    return _read(_load_parquet(files), files[0])


def _column_splits(file: Path) -> _Splits:
    dataset = _load_parquet([str(file)])
    if _SPLIT_COLUMN not in dataset.column_names:
        raise ValueError(
            f"{file} has no test split: no column {_SPLIT_COLUMN!r}, and no second file beside it; "
            "give a folder with a train and a test file"
        )
    names = np.array(_rows(dataset, str(file)).column(_SPLIT_COLUMN).to_pylist())
    return {str(name): partial(_read, dataset, str(file), np.flatnonzero(names == name)) for name in np.unique(names)}


def _folder_splits(folder: Path) -> _Splits:
    from datasets import load_dataset

    for names, what in ((_TRAIN_NAMES, "training"), (_TEST_NAMES, "test")):
        if not any(True for name in names for _ in (folder / name).glob("*/*")):
            raise ValueError(
                f"{folder} holds no parquet files and no {what} split, {names[0]}/<class>/<image>; {ACCEPTED_SOURCES}"
            )
    dataset = load_dataset("imagefolder", data_dir=str(folder), streaming=True, drop_labels=False)
    return {name: partial(_read, dataset[name], f"{folder}/{name}") for name in dataset}


def _hub_splits(name: str) -> _Splits:
    """Downloaded on first use, later read from the cache of `datasets`."""
    from datasets import config, load_dataset
    from huggingface_hub import HfApi

    cached = Path(config.HF_DATASETS_CACHE, name.replace("/", "___")).is_dir()
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
    return {split: partial(_read, dataset[split], f"{name}, {split}") for split in dataset}


def _rows(dataset: Any, place: str) -> pa.Table:
    """The undecoded rows; `dataset` may be a streamed one."""
    batches = list(dataset.with_format("arrow").iter(batch_size=_BATCH))
    if not batches:
        raise ValueError(f"{place} holds no images")
    return pa.concat_tables(batches)


def _read(dataset: Any, place: str, chosen: NDArray[np.int64] | None = None) -> _RawSplit:
    """Encoded images and labels of the `chosen` rows, or of all."""
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
    classes = tuple(feature.names) if isinstance(feature, ClassLabel) else None
    encoded = _encoded(rows.column(image_column), place)
    return _RawSplit(place, encoded, _labels(rows.column(label_column), classes, place), classes)


def _column(columns: Sequence[str], accepted: Sequence[str], what: str, place: str) -> str:
    if found := next((name for name in accepted if name in columns), None):
        return found
    raise ValueError(
        f"{place} has no column for the {what}, only {', '.join(columns)}; accepted: {' or '.join(accepted)}"
    )


def _encoded(column: pa.ChunkedArray, place: str) -> list[bytes | str]:
    """Bytes or path of every image."""
    kind = column.type
    if not pa.types.is_struct(kind) or {field.name for field in kind} != {"bytes", "path"}:
        raise ValueError(f"{place}: the image column is of type {str(kind)[:80]}; accepted: a struct of bytes and path")
    return [(row["bytes"] or row["path"] or b"") if row else b"" for row in column.to_pylist()]


def _labels(column: pa.ChunkedArray, classes: tuple[str, ...] | None, place: str) -> NDArray[np.int64]:
    if not pa.types.is_integer(column.type) or column.null_count:
        found = "one missing" if column.null_count else f"type {column.type}"
        raise ValueError(f"{place}: labels must be whole numbers for every image, not {found}")
    labels = column.to_numpy().astype(np.int64)
    limit = len(classes) if classes else np.iinfo(np.int64).max
    unlabelled = (labels == -1).all()
    if not unlabelled and (wrong := np.flatnonzero((labels < 0) | (labels >= limit))).size:
        choices = f"0 to {limit - 1}, one per class" if classes else "0 or more"
        raise ValueError(f"{place}: the label of image {wrong[0]} is {labels[wrong[0]]}; accepted: {choices}")
    return labels


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
        with Image.open(io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded) as image:
            if image.size != (resolution, resolution):
                image.draft("RGB", (resolution, resolution))  # a JPEG much larger is decoded at a fraction of its size
            return np.asarray(_cropped(image if image.mode == "RGB" else image.convert("RGB"), resolution))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"{place} is not a readable image ({str(error)[:120]}); replace or remove it") from error


def _cropped(image: Image.Image, resolution: int) -> Image.Image:
    width, height = image.size
    if (width, height) == (resolution, resolution):
        return image
    scale = resolution / min(width, height)
    size = (max(resolution, round(width * scale)), max(resolution, round(height * scale)))
    image = image.resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - resolution) // 2, (size[1] - resolution) // 2
    return image.crop((left, top, left + resolution, top + resolution))
