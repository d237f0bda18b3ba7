import json
import random
from dataclasses import replace

import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import supernet_source
from nat_core.learning.accuracies.supernet_files import CARD, WEIGHTS, SupernetCard, load_supernet, save_supernet
from nat_core.learning.accuracy import AccuracySource, StagedSource
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet

SPACE = SPACES["loose_end"]
NETWORK = NetworkConfig("cifar", channels=4, layers=2, resolution=8, classes=10)
SUPERNET_CARD = SupernetCard("loose_end", NETWORK, "sample", "a sample", split_seed=3, batch=16, training={"epochs": 1})
ARCHITECTURE = SPACE.sample(random.Random(0))


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    save_supernet(tmp_path, Supernet(SPACE, NETWORK), SUPERNET_CARD)
    return tmp_path


def test_shared_weights_survive_files(folder):
    torch.manual_seed(0)
    images = torch.randn(4, 3, 8, 8)
    torch.manual_seed(0)
    supernet, (loaded, card) = Supernet(SPACE, NETWORK), load_supernet(folder)
    assert torch.equal(supernet(images, ARCHITECTURE), loaded(images, ARCHITECTURE))
    assert card == SUPERNET_CARD


def _with(**fields):
    def damage(folder):
        card = json.loads((folder / CARD).read_text())
        (folder / CARD).write_text(json.dumps(card | fields))

    return damage


DAMAGES = [
    (_with(split_seed=2**70), "split_seed is 1180591620717411303424; accepted: whole numbers from 0 to"),
    (_with(batch=0), "batch is 0; accepted: whole numbers from 2 to"),
    (_with(data=[]), r"data is \[\]; accepted: a text"),
    (lambda folder: (folder / CARD).unlink(), "No such file"),
    (lambda folder: (folder / CARD).write_text("{"), "Expecting property name"),
    (lambda folder: (folder / CARD).write_text('{"space": "moon"}'), "'network'"),
    (lambda folder: (folder / WEIGHTS).write_bytes(b"x"), "truncated or not a safetensors file"),
    (lambda folder: alter(folder, layers=3), "size mismatch|Missing key"),
    (lambda folder: alter(folder, channels=5), "it must be even"),
]


def alter(folder, **changes):
    value = json.loads((folder / CARD).read_text())
    value["network"] |= changes
    (folder / CARD).write_text(json.dumps(value))


@pytest.mark.parametrize(("damage", "message"), DAMAGES, ids=range(len(DAMAGES)))
def test_what_is_broken_is_named_in_one_sentence(folder, damage, message):
    damage(folder)
    with pytest.raises(ValueError, match=f"{message}.*accepted: shared weights") as caught:
        load_supernet(folder)
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


def test_no_shared_weights_no_source(tmp_path):
    assert supernet_source.supernet_source(tmp_path) is None


def test_the_source_judges_on_all_selection_images_in_the_end(folder):
    source = supernet_source.supernet_source(folder)
    assert isinstance(source, StagedSource) and isinstance(source, AccuracySource)
    assert source.description.startswith("240 selection images of CIFAR-10 sample")
    assert "cannot be found" not in source.description


def test_images_that_cannot_be_found_are_replaced_by_the_sample_and_that_is_said(folder):
    save_supernet(folder, load_supernet(folder)[0], replace(SUPERNET_CARD, data="/nowhere/at/all"))
    assert "the images of /nowhere/at/all, on which the weights were trained, cannot be found here" in (
        supernet_source.supernet_source(folder).description
    )


def test_the_sample_is_no_substitute_for_other_classes(tmp_path):
    network = replace(NETWORK, classes=100)
    save_supernet(tmp_path, Supernet(SPACE, network), replace(SUPERNET_CARD, network=network, data="/nowhere"))
    assert supernet_source.supernet_source(tmp_path) is None
