"""Streamed images: the same as held ones, the same again, in any number of processes; broken ones are skipped."""

import gc
import io
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from nat_core.learning.images import defaults, sources
from nat_core.learning.images.decoding import Views
from nat_core.learning.images.encoded import ParquetRows
from nat_core.learning.images.images import IMAGENET_MEAN, load_images
from nat_core.learning.images.streaming import WORKERS_VARIABLE, GivenUpError
from nat_core.paths import PROJECT
from tests.support.image_folder import make_image_folder

SIDES = (40, 70)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """48 training and 12 test images of three classes."""
    return make_image_folder(tmp_path_factory.mktemp("images"), sides=SIDES)


def load(source, way="streamed", **options):
    return load_images(str(source), resolution=24, way=way, **options)


def read(part, size=16, views=None):
    """Images and labels of all batches."""
    batches = list(part.sequence(torch.arange(len(part)).split(size), views))
    return torch.cat([batch.images for batch in batches]), torch.cat([batch.labels for batch in batches])


def as_parquet(folder, target, group, path_of=lambda file: None):
    """The folder's images as parquet files of row groups of so many, in a random order."""
    target.mkdir()
    for split in ("train", "val"):
        files = sorted((folder / split).glob("*/*"))
        classes = sorted({file.parent.name for file in files})
        files = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
        rows = [{"bytes": file.read_bytes(), "path": path_of(file)} for file in files]
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        labels = [classes.index(file.parent.name) for file in files]
        table = pa.table({"image": pa.array(rows, kind), "label": labels})
        pq.write_table(table, target / f"{split}-0.parquet", row_group_size=group)
    return target


def test_streamed_images_are_those_that_would_be_held(folder):
    streamed, held = load(folder), load(folder, "held")
    assert streamed.is_streamed and not held.is_streamed
    assert streamed.description == held.description and streamed.mean == IMAGENET_MEAN
    for name in ("weights", "rewards", "selection", "test", "training"):
        one, other = getattr(streamed, name), getattr(held, name)
        assert (len(one), one.name, one.resolution) == (len(other), other.name, 24)
        assert torch.equal(one.labels, other.labels)
        images, labels = read(one)
        assert torch.equal(images, other.images) and torch.equal(labels, other.labels)
        assert torch.equal(one.held().images, other.images)
        assert torch.equal(one[3:6].held().images, other.images[3:6])
    generators = [torch.Generator().manual_seed(3) for _ in range(4)]
    assert torch.equal(streamed.training.order(generators[0]), held.training.order(generators[1]))
    drawn = streamed.rewards.draw(5, generators[2]), held.rewards.draw(5, generators[3])
    assert torch.equal(drawn[0].held().images, drawn[1].images)


def test_the_choice_follows_from_size_and_can_be_set(folder, monkeypatch):
    assert not load(folder, "auto").is_streamed
    monkeypatch.setattr(defaults, "MOST_HELD_BYTES", 60 * 24 * 24 * 3 - 1)
    assert load(folder, "auto").is_streamed and not load(folder, "held").is_streamed
    with pytest.raises(ValueError, match="images are to be 'both'; accepted: auto, held, streamed"):
        load(folder, "both")


def test_views_depend_on_seed_epoch_and_image_alone(folder, monkeypatch):
    part = load(folder).training
    first = read(part, 16, Views(1, 0, jitter=True))[0]
    monkeypatch.setenv(WORKERS_VARIABLE, "1")
    again = load(folder).training
    assert torch.equal(first, read(again, 7, Views(1, 0, jitter=True))[0])
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(0))
    assert torch.equal(first[order], read(again[order], 16, Views(1, 0, jitter=True))[0])
    for other in (
        Views(2, 0, jitter=True),
        Views(1, 1, jitter=True),
        Views(1, 0),
        Views(1, 0, jitter=True, flip=False),
    ):
        assert not torch.equal(first, read(again, 16, other)[0])
    assert torch.equal(torch.get_rng_state(), _after(lambda: read(again)))


def _after(action):
    """torch's random state after it."""
    action()
    return torch.get_rng_state()


def test_a_stream_that_begins_ends_the_one_before(folder):
    part = load(folder).training
    given_up = part.sequence(torch.arange(48).split(4))
    assert len(next(given_up)) == 4
    assert len(read(part)[1]) == 48
    with pytest.raises(GivenUpError):
        next(given_up)


@pytest.mark.parametrize("batches", [1, 3], ids=["interrupted", "read to its end"])
def test_processes_end_at_once_when_what_refers_to_its_images_is_garbage(folder, batches):
    others = set(multiprocessing.active_children())  # of a test whose images somebody still holds
    part = load(folder).training
    circle: dict[str, object] = {"part": part}
    circle["itself"] = circle
    part.pool.broken.circle = circle  # as where something of a training is told of broken images
    stream = part.batches(16)
    for _ in range(batches):
        next(stream)
    processes = set(multiprocessing.active_children()) - others
    assert processes
    del stream, part, circle
    began = time.monotonic()
    gc.collect()
    assert time.monotonic() - began < 4 and not [item for item in processes if item.is_alive()]


def test_parquet_files_are_read_a_group_at_a_time(folder, tmp_path, monkeypatch):
    target = as_parquet(folder, tmp_path / "parquet", group=8)
    held = load(target, "held")
    streamed = load(target)
    assert torch.equal(read(streamed.training)[0], held.training.images)
    encoded = streamed.training.pool.decoder.splits[0]
    assert isinstance(encoded, ParquetRows) and encoded.neighbourhoods(np.arange(48)) is None
    monkeypatch.setattr("nat_core.learning.images.encoded._KEPT_BYTES", 1)  # one group at a time
    part = load(target).training
    order = part.order(torch.Generator().manual_seed(5))
    groups = part.indices[order.numpy()] // 8
    assert sorted(order.tolist()) == list(range(48)) and (np.diff(groups) != 0).sum() == 5
    assert not torch.equal(order, part.order(torch.Generator().manual_seed(6)))
    assert torch.equal(read(part[order])[0], held.training.images[order])


def test_files_on_the_hub_are_read_where_they_are(folder, tmp_path, monkeypatch):
    import datasets
    import huggingface_hub

    target = as_parquet(folder, tmp_path / "parquet", group=8)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "none")
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("downloaded"))
    found = sorted(str(file) for file in target.glob("*"))
    monkeypatch.setattr(huggingface_hub.HfFileSystem, "glob", lambda self, pattern: found)
    real = sources.open_parquet
    for module in ("sources", "encoded"):
        monkeypatch.setattr(
            f"nat_core.learning.images.{module}.open_parquet", lambda file: real(file.replace("hf://", "file://"))
        )
    data = load("somebody/pictures")
    assert data.description.startswith("somebody/pictures: 48 training and 12 test images of 3 classes")
    assert torch.equal(data.training.held().images, load(target, "held").training.images)


def test_the_first_classes_alone(folder):
    data = load(folder, first_classes=2)
    assert data.classes == ("n00000000", "n00000001") and len(data.training) == 32 and len(data.test) == 8
    assert torch.equal(read(data.test)[0], load(folder, "held").test.images[:8])
    with pytest.raises(ValueError, match="has 3 classes, not 4"):
        load(folder, first_classes=4)


# What is broken


def jpeg(mode="RGB", size=(50, 40), **options):
    file = io.BytesIO()
    Image.new(mode, size, 90 if mode == "L" else (90,) * len(mode)).save(file, "JPEG", **options)
    return file.getvalue()


WHOLE = jpeg()
BROKEN = {
    "corrupt": WHOLE[:30] + b"\xff" * 200 + WHOLE[230:],
    "truncated": WHOLE[:-60],
    "empty": b"",
    "a text called a picture": b"no image at all",
    "huge and progressive": None,
}
FIT = {"CMYK": jpeg("CMYK"), "one pixel": jpeg(size=(1, 1)), "grey": jpeg("L"), "a thin one": jpeg(size=(900, 1))}


@pytest.fixture
def damaged(tmp_path):
    """A copy in which one training image of the first class can be replaced by bytes."""

    def make(content: bytes, name: str = "00000.jpg") -> tuple[Path, Path]:
        root = make_image_folder(tmp_path / "damaged", sides=SIDES)
        file = root / "train" / "n00000000" / name
        file.write_bytes(content)
        return root, file

    return make


@pytest.mark.parametrize("way", ["held", "streamed"])
@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_is_named_counted_and_skipped(damaged, kind, way):
    content = BROKEN[kind] or jpeg("L", (10_000, 10_000), progressive=True, quality=5)
    root, file = damaged(content)
    data = load(root, way, most_broken=1)
    told = []
    data.broken.listener = told.append
    images, labels = (data.training.images, data.training.labels) if way == "held" else read(data.training)
    assert len(images) == len(labels) == 47
    (sentence,) = data.broken.sentences.values()
    assert sentence.startswith(f"{file} is not a readable image (") and sentence.count("\n") == 0
    if way == "streamed":
        read(data.training, 5)
        assert (
            told == [f"skipped, 1 of at most 1: {sentence}"] and len(data.broken) == 1
        )  # once, however often it is met
        data.broken.most = 0
        data.broken.sentences.clear()
    with pytest.raises(ValueError, match="is not a readable image"):
        read(data.training) if way == "streamed" else load(root, way)


@pytest.mark.parametrize("kind", FIT)
def test_what_is_odd_is_used(damaged, kind):
    root, _ = damaged(FIT[kind])
    data = load(root)
    images, labels = read(data.training, views=Views(0, 0, jitter=True))
    assert len(images) == len(labels) == 48 and not data.broken.sentences
    assert len(read(data.training)[0]) == 48


def test_a_jpeg_of_a_hundred_megapixels_is_decoded_at_an_eighth(damaged):
    root, _ = damaged(jpeg("L", (10_000, 10_000), quality=5))
    images, _ = read(load(root).training)
    assert len(images) == 48


def test_names_do_not_decide_and_other_files_are_told(damaged):
    png = io.BytesIO()
    Image.new("RGB", (30, 30)).save(png, "PNG")
    root, file = damaged(png.getvalue())
    (file.parent / "notes.txt").write_text("not mine")
    (file.parent / ".hidden").write_text("")
    data = load(root)
    assert len(read(data.training)[0]) == 48
    assert data.notes == (f"{root}/train: 1 file left out, not called as an image (n00000000/notes.txt)",)


def test_what_is_no_file_is_skipped_and_links_that_lead_back_are_not_followed(damaged):
    root, file = damaged(WHOLE)
    os.mkfifo(file.with_name("pipe.jpg"))
    file.with_name("nowhere.jpg").symlink_to(root / "nowhere")
    file.with_name("round").symlink_to(file.parent)
    odd = os.fsdecode(b"\xff.jpg")
    file.with_name(odd).write_bytes(b"")
    data, told = load(root, most_broken=3), []
    data.watch(told.append)
    assert len(read(data.training)[0]) == 48
    names = {sentence.partition(" is not ")[0].rpartition("/")[2] for sentence in told}
    assert names == {"nowhere.jpg", "pipe.jpg", "?.jpg"} and len(told) == 3


def test_too_many_broken_images_end_the_work(damaged):
    root, file = damaged(b"")
    for number in range(1, 4):
        (file.parent / f"0000{number}.jpg").write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"^3 images cannot be read, and 2 may be; the last one: .*jpg is not a readable"
    ):
        read(load(root, most_broken=2).training)
    assert len(read(load(root, most_broken=4).training)[0]) == 44


def test_classes_without_images_are_told(damaged):
    root, _ = damaged(WHOLE)
    (root / "train" / "n00000009").mkdir()
    with pytest.raises(ValueError, match=r"class 'n00000009' \(label 3\) has 0 training images"):
        load(root)
    (root / "train" / "n00000009").rmdir()
    for image in (root / "val" / "n00000001").iterdir():
        image.unlink()
    with pytest.raises(
        ValueError, match=r"class 'n00000001' \(label 1\) has 0 test images; every class needs at least 1"
    ):
        load(root)
    (root / "val" / "n00000001").rmdir()
    with pytest.raises(ValueError, match=r"class 'n00000001' \(label 1\) has 0 test images"):
        load(root)
    (root / "val" / "n00000001").mkdir()
    (root / "val" / "n00000001" / "a.jpg").write_bytes(WHOLE)
    (root / "val" / "zebra").mkdir()
    (root / "val" / "zebra" / "a.jpg").write_bytes(WHOLE)
    with pytest.raises(ValueError, match="has the class 'zebra', of which there is no training image"):
        load(root)


def test_large_pictures_made_small_are_told(tmp_path, folder):
    large = make_image_folder(tmp_path / "large", images=15, sides=(300, 310))
    (note,) = load_images(str(large), resolution=32).notes
    assert "are made 32×32; a larger resolution keeps more of them" in note
    assert load_images(str(folder), resolution=24).notes == ()


def test_workers_can_be_set(monkeypatch, folder):
    for wrong in ("0", "x", "-1"):
        monkeypatch.setenv(WORKERS_VARIABLE, wrong)
        with pytest.raises(ValueError, match=f"{WORKERS_VARIABLE} is '{wrong}'; accepted: whole numbers from 1 to 256"):
            read(load(folder).training)


# The program is found by `sys.path` alone, and the current folder is another one.
FAR_AWAY = """
import sys
sys.path.insert(0, {project!r})
from nat_core.learning.images.streaming import _context
worker = _context().Process(target=eval, args=("__import__('os')._exit('torch' in __import__('sys').modules)",))
worker.start()
worker.join()
sys.exit(worker.exitcode != 1)
"""


def test_processes_find_what_they_need_imported_whatever_the_current_folder(tmp_path):
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", FAR_AWAY.format(project=str(PROJECT))]
    done = subprocess.run(command, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
