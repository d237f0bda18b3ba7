import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from nat_core.learning.images import images as images_module
from nat_core.learning.images import sources as image_sources
from nat_core.learning.images.broken import Broken
from nat_core.learning.images.decoding import decode
from nat_core.learning.images.images import ImagePart, load_images, part_indices
from nat_core.learning.images.sources import HUB_DEFAULT

CLASSES = ("cat", "dog")


@pytest.fixture(scope="module")
def sample():
    return load_images("sample")


def encoded(color, size=(8, 8), kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def write_parquet(path, labels, images=None, columns=("img", "label"), classes=CLASSES):
    """A file in the hub's layout; image i is of the grey i."""
    images = [encoded((i, i, i)) for i in range(len(labels))] if images is None else images
    rows = [{"bytes": image, "path": None} for image in images]
    features = {columns[0]: {"_type": "Image"}, columns[1]: {"_type": "ClassLabel", "names": list(classes)}}
    schema = pa.schema(
        [(columns[0], pa.struct([("bytes", pa.binary()), ("path", pa.string())])), (columns[1], pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})} if classes else None,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({columns[0]: rows, columns[1]: labels}, schema=schema), path)


@pytest.fixture
def folder(tmp_path):
    """Ten training and four test images of two classes."""
    write_parquet(tmp_path / "train-00000-of-00001.parquet", [0, 1] * 5)
    write_parquet(tmp_path / "test-00000-of-00001.parquet", [0, 1] * 2)
    return tmp_path


def load(source, **options):
    return load_images(str(source), resolution=8, **options)


def greys(part):
    return sorted(part.images[:, 0, 0, 0].tolist())


# What is in the box


def test_the_sample_is_balanced_and_disjoint(sample):
    sizes = [len(part) for part in (sample.weights, sample.rewards, sample.selection, sample.test)]
    assert sizes == [1000, 1250, 250, 500]
    for part, each in zip(
        (sample.weights, sample.rewards, sample.selection, sample.test), (100, 125, 25, 50), strict=True
    ):
        assert part.labels.bincount().tolist() == [each] * 10
        assert part.images.shape == (len(part), 3, 32, 32)
        assert (part.images.dtype, part.labels.dtype) == (torch.uint8, torch.int64)
        assert part.images.is_contiguous(memory_format=torch.channels_last)
    images = {image.numpy().tobytes() for image in torch.cat((sample.training.images, sample.test.images))}
    assert len(images) == 3000
    assert sample.classes[:2] == ("airplane", "automobile")
    assert sample.description == ("CIFAR-10 sample: 2,500 training and 500 test images of 10 classes, 32×32, split 0")


def test_parts_and_what_is_taken_from_them_bear_their_names(sample):
    names = [part.name for part in (sample.weights, sample.rewards, sample.selection, sample.test, sample.training)]
    assert names == ["weights", "rewards", "selection", "test", "training"]
    generator = torch.Generator().manual_seed(0)
    assert sample.rewards[:5].name == sample.rewards.draw(5, generator).name == "rewards"
    assert next(sample.rewards.to("cpu").batches(5)).name == "rewards"


def test_the_sample_names_its_source():
    metadata = pq.read_schema(image_sources._SAMPLE_FILE).metadata
    assert metadata[b"source"] == (b"CIFAR-10 (Krizhevsky 2009), re-encoded as JPEG by the publisher of the images")


def test_normalised_images_have_mean_zero_and_deviation_one(sample):
    values = sample.normalised(sample.training.images)
    assert values.is_contiguous(memory_format=torch.channels_last)
    assert values.mean((0, 2, 3)).abs().max() < 1e-3
    assert (values.std((0, 2, 3)) - 1).abs().max() < 1e-3
    grey = torch.full((1, 3, 2, 2), 200, dtype=torch.uint8)
    expected = [(200 - mean) / deviation for mean, deviation in zip(sample.mean, sample.deviation, strict=True)]
    assert sample.normalised(grey)[0, :, 1, 0].tolist() == pytest.approx(expected)


def test_any_resolution_is_made(sample):
    small = load_images("sample", resolution=16)
    assert small.resolution == 16
    assert small.weights.labels.tolist() == sample.weights.labels.tolist()
    halved = sample.weights.images[:50].float().unflatten(3, (16, 2)).unflatten(2, (16, 2)).mean((3, 5))
    assert (small.weights.images[:50].float() - halved).abs().mean() < 12


def test_data_go_to_a_device(device):
    data = load_images("sample", resolution=8, device=device)
    for part in (data.weights, data.rewards, data.selection, data.test):
        assert part.images.device.type == part.labels.device.type == device.type
    assert data.normalised(data.test.images).device.type == device.type


# Parts


@pytest.mark.parametrize("seed", range(5))
def test_parts_are_disjoint_complete_stratified_and_repeatable(seed):
    labels = torch.randint(4, (400,), generator=torch.Generator().manual_seed(seed))
    parts = part_indices(labels, seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(400))
    counts = labels.bincount()
    for part, share in zip(parts, (0.4, 0.5, 0.1), strict=True):
        assert (labels[part].bincount(minlength=4) - share * counts).abs().max() <= 1
    assert all(torch.equal(one, other) for one, other in zip(parts, part_indices(labels, seed), strict=True))
    assert not torch.equal(parts[0], part_indices(labels, seed + 1)[0])


def test_a_class_of_three_has_one_image_in_every_part():
    parts = part_indices(torch.tensor([0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]), 0)
    assert [len(part) for part in parts] == [1 + 4, 1 + 5, 1 + 1]
    assert all((part < 3).sum() == 1 for part in parts)


def test_the_start_of_a_part_is_a_random_subset(sample):
    assert sample.rewards[:300].labels.bincount(minlength=10).min() >= 10


def test_batches_visit_every_image_once():
    part = ImagePart(torch.arange(10)[:, None, None, None].expand(10, 3, 2, 2), torch.arange(10))
    assert [batch.labels.tolist() for batch in part.batches(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    shuffled = list(part.batches(4, torch.Generator().manual_seed(1)))
    assert [len(batch) for batch in shuffled] == [4, 4, 2]
    labels = torch.cat([batch.labels for batch in shuffled])
    assert labels.tolist() != list(range(10))
    assert sorted(labels.tolist()) == list(range(10))
    assert torch.equal(torch.cat([batch.images for batch in shuffled])[:, 0, 0, 0], labels)


def test_drawn_images_are_distinct():
    part = ImagePart(torch.zeros(10, 3, 2, 2), torch.arange(10))
    generator = torch.Generator().manual_seed(0)
    assert len(set(part.draw(6, generator).labels.tolist())) == 6
    assert sorted(part.draw(20, generator).labels.tolist()) == list(range(10))


# Sources


def test_parquet_files_of_a_folder_are_told_apart_by_their_names(folder):
    data = load(folder)
    assert greys(data.training) == list(range(10))
    assert greys(data.test) == list(range(4))
    assert [len(part) for part in (data.weights, data.rewards, data.selection)] == [4, 4, 2]
    assert data.classes == CLASSES
    for part in (data.training, data.test):
        assert (part.images[:, 0, 0, 0] % 2 == part.labels).all()
    assert greys(load(f"{folder}/*.parquet").training) == list(range(10))


def test_several_files_per_split_and_folders_as_names(tmp_path):
    write_parquet(tmp_path / "train" / "a.parquet", [0, 1] * 3)
    write_parquet(tmp_path / "train" / "b.parquet", [0, 1] * 3)
    write_parquet(tmp_path / "val" / "a.parquet", [0, 1])
    data = load(tmp_path)
    assert greys(data.training) == sorted([*range(6)] * 2)
    assert len(data.test) == 2


def test_other_columns_and_no_names_of_classes(tmp_path):
    for split in ("train", "test"):
        write_parquet(tmp_path / f"{split}.parquet", [0, 1, 2] * 3, columns=("image", "fine_label"), classes=())
    assert load(tmp_path).classes == ("0", "1", "2")


def test_an_unlabelled_test_split_gives_way_to_the_validation_split(folder):
    write_parquet(folder / "test-00000-of-00001.parquet", [-1] * 4)
    write_parquet(folder / "validation.parquet", [0, 1, 0])
    assert load(folder).test.labels.tolist() == [0, 1, 0]


def write_image_folder(root, splits=("train", "val"), size=(24, 16)):
    for split in splits:
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for i in range(4):
                path = root / split / name / f"{i}.png"
                path.write_bytes(encoded((100 * label, 50, i), size))


@pytest.mark.parametrize("test_name", ["val", "test"])
def test_an_image_folder_in_the_layout_of_imagenet(tmp_path, test_name):
    write_image_folder(tmp_path, ("train", test_name))
    data = load(tmp_path)
    assert data.classes == CLASSES
    for part in (data.training, data.test):
        assert len(part) == 8
        assert (part.images[:, 0] == 100 * part.labels[:, None, None]).all()
        assert sorted(part.images[:, 2, 0, 0].tolist()) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_middle_of_other_sizes_is_kept(tmp_path):
    wide = np.zeros((16, 48, 3), np.uint8)
    wide[:, 16:32] = 200
    for split in ("train", "test"):
        for name in CLASSES:
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(3):
                Image.fromarray(wide).save(tmp_path / split / name / f"{i}.png")
    assert (load(tmp_path).test.images[:, :, :, 1:-1] == 200).all()
    assert load(tmp_path).test.images.shape == (6, 3, 8, 8)


# Refusals: one sentence that says what, where, and what to do


def refusal(source, **options):
    with pytest.raises(ValueError) as caught:
        load(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_network(monkeypatch, tmp_path):
    import datasets
    import huggingface_hub

    def fails(*_, **__):
        raise ConnectionError("no route to host")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fails)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert refusal(HUB_DEFAULT) == (
        "images 'uoft-cs/cifar10' could not be downloaded from the Hugging Face hub (no route to host); check the name "
        "and the network, or use files on this machine or the built-in 'sample'"
    )


def test_a_hub_name_is_downloaded(monkeypatch, folder):
    import datasets
    import huggingface_hub

    real, asked = datasets.load_dataset, []
    files = {split: str(folder / f"{split}-00000-of-00001.parquet") for split in ("train", "test")}
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: None)
    monkeypatch.setattr(
        datasets,
        "load_dataset",
        lambda name: asked.append(name) or real("parquet", data_files=files, cache_dir=str(folder / "cache")),
    )
    data = load("somebody/pets")
    assert asked == ["somebody/pets"]
    assert greys(data.training) == list(range(10))
    assert data.description.startswith("somebody/pets: 10 training and 4 test images")


@pytest.mark.parametrize(
    "source", ["/no/such/folder", "no/such.parquet", "~nobody/x/*.parquet", "a b", "a\0b", "", " "]
)
def test_nothing_there(source):
    assert "accepted: 'sample' (built in), cifar10, " in refusal(source)


def test_an_unreadable_image(folder):
    images = [encoded((i, i, i)) for i in range(10)]
    images[3] = images[3][:40]
    write_parquet(folder / "train.parquet", [0, 1] * 5, images)
    (folder / "train-00000-of-00001.parquet").unlink()
    message = refusal(folder)
    assert message.startswith(f"image 3 of {folder}/train.parquet is not a readable image (")
    assert message.endswith("replace or remove it")
    write_parquet(folder / "train.parquet", [0, 1] * 5, [None, *images[1:]])
    assert refusal(folder).startswith(f"image 0 of {folder}/train.parquet is not a readable image (")


def test_a_broken_file(folder):
    (folder / "train-00000-of-00001.parquet").write_bytes(b"PAR1 and nothing else")
    assert refusal(folder).startswith(f"images {str(folder)!r} cannot be read: ")


def test_wrong_columns(folder):
    write_parquet(folder / "test-00000-of-00001.parquet", [0, 1], columns=("picture", "label"))
    assert refusal(folder) == (
        f"{folder}/test-00000-of-00001.parquet has no column for the image, only picture, label; accepted: img or image"
    )
    pq.write_table(pa.table({"img": ["x", "y"], "label": [0, 1]}), folder / "test-00000-of-00001.parquet")
    assert "the image column is of type string; accepted: a struct of bytes and path" in refusal(folder)


def test_labels_out_of_range(folder):
    write_parquet(folder / "train-00000-of-00001.parquet", [0, 1, 2, 0, 1, 0, 1, 0])
    assert refusal(folder) == (
        f"{folder}/train-00000-of-00001.parquet: the label of image 2 is 2; accepted: 0 to 1, one per class"
    )
    write_parquet(folder / "train-00000-of-00001.parquet", [0, 1, None, 0])
    assert "labels must be whole numbers for every image, not one missing" in refusal(folder)


def test_a_class_missing_in_a_part(folder):
    write_parquet(folder / "train-00000-of-00001.parquet", [0, 0, 0, 1, 1])
    assert "class 'dog' (label 1) has 2 training images; every class needs at least 3" in refusal(folder)
    write_parquet(folder / "train-00000-of-00001.parquet", [0, 1] * 4)
    write_parquet(folder / "test-00000-of-00001.parquet", [1, 1])
    assert "class 'cat' (label 0) has 0 test images; every class needs at least 1" in refusal(folder)


def test_test_labels_beyond_the_training_classes(tmp_path):
    write_parquet(tmp_path / "train.parquet", [0, 1] * 3, classes=())
    write_parquet(tmp_path / "test.parquet", [0, 1, 2], classes=())
    assert "a test label is outside 0 to 1" in refusal(tmp_path)


def test_no_test_or_training_split(folder):
    (folder / "test-00000-of-00001.parquet").rename(folder / "train-1.parquet")
    assert "have no labelled test split, only train; add one and name it test or validation" in refusal(folder)
    assert "has no test split: no column 'split'" in refusal(write_single(folder / "images.parquet"))
    (folder / "images.parquet").unlink()
    for file in folder.glob("*.parquet"):
        file.rename(folder / file.name.replace("train", "test"))
    assert "have no training split, only test; name one 'train'" in refusal(folder)


def write_single(path):
    write_parquet(path, [0, 1] * 5)
    return path


def test_a_parquet_file_of_no_split(folder):
    write_single(folder / "more.parquet")
    assert f"{folder}/more.parquet is of no split" in refusal(folder)


def test_a_folder_without_images(tmp_path):
    missing = "holds no parquet files and no {} split, {}/<class>/<image>; accepted: "
    assert missing.format("training", "train") in refusal(tmp_path)
    write_image_folder(tmp_path, ("train",))
    assert missing.format("test", "test") in refusal(tmp_path)


def test_an_image_folder_without_classes(tmp_path):
    write_image_folder(tmp_path, ("train",))
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "0.png").write_bytes(encoded((1, 2, 3)))
    assert "no test split, test/<class>/<image>; accepted: " in refusal(tmp_path)


@pytest.mark.parametrize("resolution", [7, 513, 32.0])
def test_resolution_out_of_range(resolution):
    with pytest.raises(ValueError, match="accepted: whole numbers from 8 to 512"):
        load_images("sample", resolution=resolution)


# Files from strangers


def test_a_split_that_is_not_named_for_every_image(tmp_path):
    file = tmp_path / "images.parquet"

    def write(splits):
        images = [{"bytes": encoded((1, 2, 3)), "path": None}] * len(splits)
        pq.write_table(pa.table({"img": images, "label": [0, 1] * (len(splits) // 2), "split": splits}), file)
        return file

    assert refusal(write(["train", None, "train", "test", None, "test"])) == (
        f"{file}: the column 'split' must name a split for every image, not 2 without any"
    )
    for splits in ([None] * 4, [0, 1, 0, 1], [["train"], ["test"]] * 2, [{"a": 1}, {"a": 2}] * 2):
        assert f"{file}: the column 'split' must name a split for every image, not " in refusal(write(splits))
    names = pa.array(["train"] * 8 + ["test"] * 2).dictionary_encode()
    assert len(load(write(names)).test) == 2


@pytest.mark.parametrize("label", [2**31, 2**40, 2**63 - 1, 10, -2, -(2**62)])
def test_labels_that_cannot_be_numbers_of_classes(folder, label):
    write_parquet(folder / "train-00000-of-00001.parquet", [0, 1, label, 0, 1, 0, 1, 0], classes=())
    assert refusal(folder) == (
        f"{folder}/train-00000-of-00001.parquet: the label of image 2 is {label}; accepted: 0 to 7, since there are no "
        "more images than that"
    )


def test_labels_beyond_what_int64_holds(folder):
    images = [{"bytes": encoded((1, 2, 3)), "path": None}] * 3
    labels = pa.array([0, 1, 2**64 - 1], pa.uint64())
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"img": pa.array(images, kind), "label": labels})
    pq.write_table(table, folder / "train-00000-of-00001.parquet")
    assert f"the label of image 2 is {2**64 - 1}; accepted: 0 to 2" in refusal(folder)


@pytest.mark.parametrize(("labels", "missing"), [([0, 0, 0, 2, 2, 2], 1), ([1, 1, 1, 2, 2, 2], 0), ([-1] * 6, 0)])
def test_labels_have_no_gaps(tmp_path, labels, missing):
    for split in ("train", "test"):
        write_parquet(tmp_path / f"{split}.parquet", [0, 1, 2] if split == "test" else labels, classes=())
    assert f"train.parquet: no image has the label {missing}, but some have {labels[-1]}; acc" in refusal(tmp_path)


def write_paths(file, paths):
    rows = [{"bytes": None, "path": str(path)} for path in paths]
    schema = pa.schema([("img", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())])
    pq.write_table(pa.table({"img": rows, "label": [0, 1] * (len(rows) // 2)}, schema=schema), file)


def test_a_path_in_a_parquet_file_is_not_followed(folder):
    secret = folder / "private" / "secret.png"
    secret.parent.mkdir()
    secret.write_bytes(encoded((9, 9, 9)))
    file = folder / "train-00000-of-00001.parquet"
    for path in (secret, "/etc/passwd", "private/secret.png", "https://example.org/x.png"):
        write_paths(file, [path] * 10)
        assert refusal(folder) == (
            f"image 0 of {file} is only a path, {str(path)!r:.100}; accepted: the image itself, as bytes"
        )
    pq.write_table(pa.table({"img": [{"bytes": str(secret), "path": ""}] * 6, "label": [0, 1] * 3}), file)
    assert "the image column is of type struct<bytes: string" in refusal(folder)


def test_image_folders_and_their_files_may_be_links(tmp_path, monkeypatch):
    root = tmp_path / "root"
    write_image_folder(root, ("train", "test"))
    image = root / "train" / CLASSES[0] / "0.png"
    image.rename(tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    for source in (root, tmp_path / "link", "root", "link", "./root/../link"):
        assert len(load(source).training) == 8


def test_images_that_are_missing_none_or_of_other_formats(folder):
    file, good = folder / "train-00000-of-00001.parquet", [encoded((i, i, i)) for i in range(10)]
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n8 8 scale\n"
    for bad in (None, b"", b"no image", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", postscript, good[0][:40]):
        write_parquet(file, [0, 1] * 5, [*good[:4], bad, *good[5:]])
        message = refusal(folder)
        assert message.startswith(f"image 4 of {file} is not a readable image (") and len(message) < 400
        assert "accepted: PNG, JPEG, " in message


def test_damaged_images_are_refused_whatever_they_lead_the_decoder_to():
    rng = np.random.default_rng(0)
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"):
        whole = np.frombuffer(encoded((1, 200, 3), (24, 16), kind), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            places = rng.integers(len(damaged), size=rng.integers(1, 12))
            damaged[places] = rng.integers(256, size=len(places), dtype=np.uint8)
            try:
                assert decode(damaged.tobytes(), 8, "it").shape == (8, 8, 3)
            except ValueError as error:
                assert "it is not a readable image" in str(error)


def test_bombs_are_refused_before_they_are_decoded(folder):
    file, good = folder / "train-00000-of-00001.parquet", [encoded((i, i, i)) for i in range(10)]
    for size in ((9000, 9000), (60_000_001, 1)):
        bomb = io.BytesIO()
        Image.new("1", size).save(bomb, "PPM" if size[1] == 1 else "PNG")
        write_parquet(file, [0, 1] * 5, [*good[:9], bomb.getvalue()])
        assert f"image 9 of {file} is not a readable image ({size[0]}×{size[1]} pixels; acc" in refusal(folder)


def test_a_long_thin_image_needs_no_more_memory_than_it_has(monkeypatch):
    line = io.BytesIO()
    Image.new("L", (2_000_000, 1), 200).save(line, "PNG")
    sizes, real = [], Image.Image.resize

    def resize(image, size, *rest, **options):
        sizes.append(size)
        return real(image, size, *rest, **options)

    monkeypatch.setattr(Image.Image, "resize", resize)
    assert (decode(line.getvalue(), 64, "it") == 200).all()
    assert sizes == [(64, 64)]


@pytest.mark.parametrize(
    "described",
    ["{", '{"info": 7}', '{"info": {"features": {"img": 3}}}', '{"info": {"features": {"img": {"_type": "Nope"}}}}'],
)
def test_columns_that_are_described_badly(folder, described):
    file = folder / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(file).replace_schema_metadata({"huggingface": described}), file)
    assert str(file) in refusal(folder)


def test_more_images_than_memory_holds(folder, monkeypatch):
    free = images_module.psutil.virtual_memory()._replace(available=1000)
    monkeypatch.setattr(images_module.psutil, "virtual_memory", lambda: free)
    assert "GiB of memory at 8×8 pixels" in refusal(folder)


# Names on the hub


@pytest.mark.parametrize("name", ["mnist", "cifar10", "uoft-cs/cifar10", "a.b/c_d"])
def test_names_on_the_hub(name):
    assert image_sources.is_on_hub(name)


@pytest.mark.parametrize(
    "name", ["sample", "", "/data", "./mnist", "a/b/c", "x.parquet", "a/x.parquet", "*.parquet", "~/x"]
)
def test_no_names_on_the_hub(name):
    assert not image_sources.is_on_hub(name)


def test_what_is_here_is_not_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "somebody" / "pets").mkdir(parents=True)
    assert not image_sources.is_on_hub("mnist") and not image_sources.is_on_hub("somebody/pets")
    assert "mnist holds no parquet files" in refusal("mnist")


def test_nothing_is_downloaded_where_that_is_not_asked_for(monkeypatch, tmp_path):
    import datasets
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: pytest.fail("asked the hub"))
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: pytest.fail("downloaded"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert "images 'mnist' have not been downloaded to this machine" in refusal("mnist", download=False)


def test_a_name_with_line_breaks_is_one_line_of_a_log():
    broken, told = Broken(most=1), []
    broken.listener = told.append
    broken.add("a", "cats/a\n2026-01-01 ERROR \x1b[31m.png holds no image")
    assert told == ["skipped, 1 of at most 1: cats/a 2026-01-01 ERROR \ufffd[31m.png holds no image"]
