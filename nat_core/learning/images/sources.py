"""Where images come from: a hub name, parquet files, an image folder or the built-in sample.

A source is opened as one training and one test split: labels and classes in memory, images as they were stored, to be
fetched one at a time (`encoded`). Files may be from strangers: a path inside a parquet file is not followed.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from glob import glob
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from nat_core.learning.images.broken import printable
from nat_core.learning.images.defaults import HUB_DEFAULT, SAMPLE
from nat_core.learning.images.encoded import Chosen, DatasetRows, Encoded, Files, ParquetRows, open_parquet
from nat_core.learning.images.names import NAMED
from nat_core.paths import ASSETS
from nat_core.sentences import brief

ACCEPTED_SOURCES = (
    f"accepted: {SAMPLE!r} (built in), {', '.join(NAMED)}, a name on the Hugging Face hub such as {HUB_DEFAULT!r}, "
    "a folder or glob of parquet files, a folder of images laid out as train/<class>/* and test/<class>/*"
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
_UNLABELLED = -1
# What files of images are called; what is in them decides how they are decoded.
_ENDINGS = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")


@dataclass(frozen=True)
class Split:
    """Labelled images, not decoded.

    Attributes:
        place: place of the images, for error messages.
        encoded: the images.
        labels: labels of the images, int64 [n].
        classes: names of the classes; None if they have none.
        left_out: description of other things found beside the images, or "".
    """

    place: str
    encoded: Encoded
    labels: NDArray[np.int64]
    classes: tuple[str, ...] | None
    left_out: str = ""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Source:
    """A source's training and test split, the classes' names, and what the source calls itself."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    title: str


# A source's splits by name, each read when it is asked for.
_Splits = Mapping[str, Callable[[], Split]]


def open_source(source: str, download: bool = True, first_classes: int = 0, stream: bool = False) -> Source:
    """Open the images of `source` without decoding them.

    Args:
        source: see `load_images`.
        download: whether data may be fetched from the hub; otherwise they must be in its cache.
        first_classes: number of classes used, the first ones; 0 for all.
        stream: whether images on the hub are fetched when they are needed instead of all at once.

    Raises:
        ValueError: the source or network is not available, a training or test split is missing, or columns are wrong.
    """
    named = NAMED.get(source)
    place, first_classes = (named.source, first_classes or named.first_classes) if named else (source, first_classes)
    with _one_sentence(source):
        splits, title = _open(place, download, stream)
        train, test = _train_split(splits, source)(), _test_split(splits, source)
        classes = train.classes or _numbered_classes(train)
        whole = Source(train, _relabelled(test, classes), classes, source if named else title)
        return _of_first_classes(whole, first_classes) if first_classes else whole


def _of_first_classes(source: Source, count: int) -> Source:
    """Return only the images of the first `count` classes. Raises ValueError if there are fewer."""
    if count > len(source.classes):
        raise ValueError(f"{source.title} has {len(source.classes)} classes, not {count}; accepted: at most as many")

    def chosen(split: Split) -> Split:
        rows = np.flatnonzero(split.labels < count)
        return Split(split.place, Chosen(split.encoded, rows), split.labels[rows], None, split.left_out)

    title = f"{source.title}, first {count} classes"
    return Source(chosen(source.train), chosen(source.test), source.classes[:count], title)


def _relabelled(test: Split, classes: tuple[str, ...]) -> Split:
    """Return test labels as numbers of the training images' classes; only those of folders differ.

    Raises:
        ValueError: a folder of test images does not have the name of a class.
    """
    if not isinstance(test.encoded, Files) or test.classes is None or test.classes == classes:
        return test
    if unknown := [name for name in test.classes if name not in classes]:
        raise ValueError(f"{test.place} has the class {unknown[0]!r:.60}, of which there is no training image")
    numbers = np.array([classes.index(name) for name in test.classes], dtype=np.int64)
    return Split(test.place, test.encoded, numbers[test.labels], classes, test.left_out)


def is_on_hub(source: str) -> bool:
    """Whether `source` names images on the Hugging Face hub rather than something here: a name such as ``mnist`` or
    ``somebody/pets``, where no file or folder is called so."""
    source = NAMED[source].source if source in NAMED else source
    return source != SAMPLE and _HUB_NAME.fullmatch(source) is not None and not _is_local(source)


def _is_local(source: str) -> bool:
    """Whether `source` is, or looks as if it were meant to be, a file or folder here."""
    return source.endswith(".parquet") or _path(source).exists()


def _numbered_classes(train: Split) -> tuple[str, ...]:
    """Return the numbers of classes as their names. Raises ValueError if there are gaps."""
    labels = np.unique(train.labels)
    if gaps := np.flatnonzero(labels != np.arange(len(labels))).tolist():
        raise ValueError(
            f"{train.place}: no image has the label {gaps[0]}, but some have {labels[-1]}; "
            "accepted: 0, 1, 2, … without gaps"
        )
    return tuple(map(str, labels))


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
        raise ValueError(
            f"images {brief(source, 80)!r} cannot be read: {brief(first_line, 120)}; {ACCEPTED_SOURCES}"
        ) from error


def _open(source: str, download: bool, stream: bool) -> tuple[_Splits, str]:
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
        raise ValueError(f"no images at {source!r:.80}, neither file nor folder is there; {ACCEPTED_SOURCES}")
    if stream and download and not _is_downloaded(source):
        return _streamed_splits(source), source
    return _hub_splits(source, download), source


def _path(source: str) -> Path:
    try:
        return Path(source).expanduser()
    except RuntimeError as error:
        raise ValueError(f"no images at {source!r:.80}: there is no such user; {ACCEPTED_SOURCES}") from error


def _train_split(splits: _Splits, source: str) -> Callable[[], Split]:
    if name := next((name for name in _TRAIN_NAMES if name in splits), None):
        return splits[name]
    raise ValueError(f"images {source!r:.80} have no training split, only {', '.join(splits)}; name one 'train'")


def _test_split(splits: _Splits, source: str) -> Split:
    """The first labelled one; hubs publish some test splits with the label −1 throughout."""
    for name in _TEST_NAMES:
        if name in splits and (split := splits[name]()).labels.max(initial=-1) >= 0:
            return split
    raise ValueError(
        f"images {source!r:.80} have no labelled test split, only {', '.join(splits)}; "
        f"add one and name it {' or '.join(_TEST_NAMES)}"
    )


def _parquet_splits(files: Sequence[Path], scheme: str = "") -> _Splits:
    """Files sorted into splits by the words of their names; a single other file by its column `split`."""
    if len(files) == 1 and not (scheme or _split_name(files[0])):
        return _column_splits(files[0])
    by_name: dict[str, list[str]] = {}
    for file in files:
        if not (name := _split_name(file)):
            raise ValueError(
                f"{file} is of no split; the names of parquet files must contain 'train' or one of: "
                f"{', '.join(_TEST_NAMES)}"
            )
        by_name.setdefault(name, []).append(f"{scheme}{file}")
    return {name: partial(_read_parquet, group) for name, group in by_name.items()}


def _split_name(file: Path) -> str | None:
    """The word of a file's name, or else its folder's whole name, that says which split it is of."""
    words = (*_WORD.findall(file.stem.lower()), file.parent.name.lower())
    return next((word for word in words if word in (*_TRAIN_NAMES, *_TEST_NAMES)), None)


def _read_parquet(files: Sequence[str], rows: NDArray[np.int64] | None = None) -> Split:
    """Files of one split, or some of their rows."""
    schema = open_parquet(files[0]).schema_arrow
    place = files[0]
    image = _column(schema.names, _IMAGE_COLUMNS, "image", place)
    label = _column(schema.names, _LABEL_COLUMNS, "label", place)
    _check_image_type(schema.field(image).type, place)
    labels = pa.chunked_array([chunk for file in files for chunk in _column_of(file, label).chunks])
    if not len(labels):
        raise ValueError(f"{place} holds no images")
    labels = labels if rows is None else labels.take(pa.array(rows))
    encoded: Encoded = ParquetRows(files, image, place)
    classes = _classes_of(schema, label, place)
    return Split(
        place, encoded if rows is None else Chosen(encoded, rows), _labels(labels, classes, place), classes
    )  # fmt: skip


def _classes_of(schema: pa.Schema, label: str, place: str) -> tuple[str, ...] | None:
    """Return the names of classes that `datasets` notes in a file. Raises ValueError if they cannot be read."""
    from datasets import ClassLabel, Features

    try:
        feature = Features.from_arrow_schema(schema)[label]
    except Exception as error:  # what a description of the columns by strangers leads to
        reason = brief(str(error).strip().split("\n", 1)[0])
        raise ValueError(f"{place} describes its columns in a way that cannot be read: {reason}") from error
    return tuple(map(str, feature.names)) or None if isinstance(feature, ClassLabel) else None


def _column_of(file: str, name: str) -> pa.ChunkedArray:
    return open_parquet(file).read(columns=[name]).column(name)


def _column_splits(file: Path) -> _Splits:
    if _SPLIT_COLUMN not in open_parquet(str(file)).schema_arrow.names:
        raise ValueError(
            f"{file} has no test split: no column {_SPLIT_COLUMN!r}, and no second file beside it; "
            "give a folder with a train and a test file"
        )
    column = _column_of(str(file), _SPLIT_COLUMN)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if column.null_count or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        found = f"{column.null_count} without any" if column.null_count else f"type {str(kind)[:80]}"
        raise ValueError(f"{file}: the column {_SPLIT_COLUMN!r} must name a split for every image, not {found}")
    names = np.array(column.to_pylist())
    return {str(name): partial(_read_parquet, [str(file)], np.flatnonzero(names == name)) for name in np.unique(names)}


def _folder_splits(folder: Path) -> _Splits:
    found: dict[str, Callable[[], Split]] = {}
    for names, what in ((_TRAIN_NAMES, "training"), (_TEST_NAMES, "test")):
        there = [name for name in names if any(True for _ in (folder / name).glob("*/*"))]
        if not there:
            raise ValueError(
                f"{folder} holds no parquet files and no {what} split, {names[0]}/<class>/<image>; {ACCEPTED_SOURCES}"
            )
        found |= {name: partial(_read_folder, folder / name) for name in there}
    return found


def _read_folder(folder: Path) -> Split:
    """Images below a folder of classes; a class whose folder is empty is one, too."""
    classes = sorted(item.name for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
    names: list[str] = []
    labels: list[int] = []
    others: list[str] = []
    for label, name in enumerate(classes):
        for file in _files_below(str(folder / name)):
            (names if file.lower().endswith(_ENDINGS) else others).append(file[len(str(folder)) + 1 :])
        labels += [label] * (len(names) - len(labels))
    if not names:
        raise ValueError(f"{folder} holds no images; accepted: <class>/<image>, called {', '.join(_ENDINGS)}")
    left_out = ""
    if others:
        left_out = (
            f"{folder}: {len(others)} file{'s' if len(others) > 1 else ''} left out, not called as an image "
            f"({printable(others[0])})"
        )
    return Split(str(folder), Files.of(folder, names), np.array(labels, dtype=np.int64), tuple(classes), left_out)


def _files_below(folder: str) -> list[str]:
    """Files, then folders, by name, without hidden ones and without links to a folder that holds them."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and not _leads_back(entry):
                (folders if entry.is_dir() else files).append(entry.path)
    return sorted(files) + [file for inner in sorted(folders) for file in _files_below(inner)]


def _leads_back(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a link to a folder that holds it."""
    if not (entry.is_symlink() and entry.is_dir()):
        return False
    here = Path(entry.path).parent.resolve()
    return Path(entry.path).resolve() in (here, *here.parents)


def _hub_splits(name: str, download: bool) -> _Splits:
    """Downloaded on first use, later read from the cache of `datasets`."""
    from datasets import config, load_dataset
    from huggingface_hub import HfApi
    from huggingface_hub.constants import HF_HUB_CACHE

    cached = _is_downloaded(name)
    if not (cached or download):
        raise ValueError(f"images {name!r:.80} have not been downloaded to this machine; a training with them does it")
    try:
        if not cached:  # asked once: `load_dataset` alone would repeat itself for half a minute without a network
            HfApi().dataset_info(name, timeout=10)
        dataset = load_dataset(name)
    except Exception as error:  # a dozen types of three libraries, by way of failure
        reason = brief(str(error).strip().split("\n", 1)[0])
        raise ValueError(
            f"images {brief(name, 80)!r} could not be downloaded from the Hugging Face hub ({reason}); check the name "
            f"and the network, or use files on this machine or the built-in {SAMPLE!r}"
        ) from error
    caches = (Path(config.HF_DATASETS_CACHE), Path(config.DOWNLOADED_DATASETS_PATH), Path(HF_HUB_CACHE))
    return {split: partial(_read_dataset, dataset[split], f"{name}, {split}", caches) for split in dataset}


def _is_downloaded(name: str) -> bool:
    from datasets import config

    return Path(config.HF_DATASETS_CACHE, name.replace("/", "___")).is_dir()


def _streamed_splits(name: str) -> _Splits:
    """The parquet files of a data set on the hub, read from there whenever images are needed."""
    from huggingface_hub import HfFileSystem

    found: list[str] = []
    try:
        for revision in ("", "@refs/convert/parquet"):  # the hub converts what is not parquet
            found = found or HfFileSystem().glob(f"datasets/{name}{revision}/**/*.parquet")
    except Exception as error:  # a dozen types of three libraries, by way of failure
        reason = brief(str(error).strip().split("\n", 1)[0])
        raise ValueError(
            f"images {brief(name, 80)!r} could not be reached on the Hugging Face hub ({reason}); check the name and "
            "the network"
        ) from error
    if not found:
        raise ValueError(f"images {name!r:.80} have no parquet files on the hub, so they cannot be streamed from there")
    return _parquet_splits([Path(file) for file in sorted(found)], "hf://")


def _read_dataset(dataset: Any, place: str, within: tuple[Path, ...]) -> Split:
    """A split that `datasets` keeps on disk."""
    from datasets import ClassLabel
    from datasets import Image as ImageFeature

    image = _column(dataset.column_names, _IMAGE_COLUMNS, "image", place)
    label = _column(dataset.column_names, _LABEL_COLUMNS, "label", place)
    if isinstance(dataset.features[image], ImageFeature):
        dataset = dataset.cast_column(image, ImageFeature(decode=False))
    if not len(dataset):
        raise ValueError(f"{place} holds no images")
    _check_image_type(dataset.features.arrow_schema.field(image).type, place)
    feature = dataset.features[label]
    classes = tuple(map(str, feature.names)) or None if isinstance(feature, ClassLabel) else None
    labels = dataset.select_columns([label]).with_format("arrow")[:].column(label)
    return Split(place, DatasetRows(dataset, image, place, within), _labels(labels, classes, place), classes)


def _column(columns: Sequence[str], accepted: Sequence[str], what: str, place: str) -> str:
    if found := next((name for name in accepted if name in columns), None):
        return found
    raise ValueError(
        f"{place} has no column for the {what}, only {', '.join(columns)}; accepted: {' or '.join(accepted)}"
    )


def _check_image_type(kind: pa.DataType, place: str) -> None:
    """Raise ValueError unless the type is a struct of bytes and path."""
    types = {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}
    if (
        types.keys() != {"bytes", "path"}
        or not _is_type(types["bytes"], "binary")
        or not _is_type(types["path"], "string")
    ):
        raise ValueError(f"{place}: the image column is of type {str(kind)[:80]}; accepted: a struct of bytes and path")


def _is_type(kind: pa.DataType, name: str) -> bool:
    return str(kind) in (name, f"large_{name}", "null")


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
