import random
from dataclasses import replace

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import supernet_source as supernet_source_module
from nat_core.learning.accuracies.supernet_files import SupernetCard, save_supernet
from nat_core.learning.accuracies.supernet_source import CoarseToFine, supernet_source
from nat_core.learning.images.cache import cached_images
from nat_core.network.config import NETWORKS
from nat_core.network.supernet import Supernet

RNG = random.Random(0)
ARCHITECTURES = [SPACES["fully_concat"].sample(RNG) for _ in range(6)]


class Table:
    """Judges by position in `ARCHITECTURES`; notes who was asked about."""

    kind, stable = "shared-weight", True

    def __init__(self, values, description=""):
        self.values = dict(zip(ARCHITECTURES, values, strict=True))
        self.description = description
        self.asked = []

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        self.asked += [ARCHITECTURES.index(item) for item in architectures]
        return np.array([self.values[item] for item in architectures])


def test_the_best_few_and_the_first_are_judged_finely():
    coarse, fine = Table([0, 50, 10, 40, 30, 20]), Table([1, 2, 3, 4, 5, 6], "all images")
    source = CoarseToFine(coarse, fine, finalists=2)
    evaluation = source.evaluate(ARCHITECTURES)
    assert evaluation.is_final.tolist() == [True, True, False, True, False, False]
    assert evaluation.accuracy_percent.tolist() == [1, 2, 10, 4, 30, 20]
    assert (coarse.asked, fine.asked) == ([0, 1, 2, 3, 4, 5], [0, 1, 3])
    assert (source.description, source.kind, source.stable) == ("all images", "shared-weight", True)


def test_few_candidates_need_no_coarse_stage():
    coarse, fine = Table([0] * 6), Table([1, 2, 3, 4, 5, 6])
    evaluation = CoarseToFine(coarse, fine, finalists=5).evaluate(ARCHITECTURES)
    assert evaluation.accuracy_percent.tolist() == [1, 2, 3, 4, 5, 6]
    assert evaluation.is_final.all() and coarse.asked == []


def test_every_evaluation_is_a_step_and_the_last_one_is_the_evaluation():
    source = CoarseToFine(Table([0, 50, 10, 40, 30, 20]), Table([1, 2, 3, 4, 5, 6]), finalists=2)
    steps = list(source.steps(ARCHITECTURES))
    assert [step.done for step in steps] == list(range(1, 10)) and {step.total for step in steps} == {9}
    assert [int(np.isfinite(step.accuracy_percent).sum()) for step in steps] == [1, 2, 3, 4, 5, 6, 6, 6, 6]
    assert steps[6].accuracy_percent.tolist() == [1, 50, 10, 40, 30, 20]
    assert steps[-1].accuracy_percent.tolist() == source.evaluate(ARCHITECTURES).accuracy_percent.tolist()


@pytest.fixture
def weights(tmp_path):
    """Untrained shared weights that say that they were trained on images on the hub."""
    network = replace(NETWORKS["cifar"], channels=2, layers=3, resolution=8)
    supernet = Supernet(SPACES["fully_concat"], network)
    card = SupernetCard("fully_concat", network, "somebody/pets", "", split_seed=0, batch=16)
    return save_supernet(tmp_path / "weights", supernet, card)


def test_the_sample_judges_only_as_long_as_the_images_cannot_be_had(weights, monkeypatch):
    reachable = []

    def images(source, *settings):
        if source == "somebody/pets" and not reachable:
            raise ValueError("no route to host")
        return replace(cached_images("sample", *settings), description=f"images of {source}")

    monkeypatch.setattr(supernet_source_module, "cached_images", images)
    for _ in range(2):
        description = supernet_source(weights).description
        assert "images of sample" in description
        assert (
            "the built-in sample, since the images of somebody/pets, on which the weights were trained" in description
        )
    reachable.append(True)
    described = supernet_source(weights)
    assert "images of somebody/pets" in described.description and "built-in" not in described.description
    reachable.clear()
    assert supernet_source(weights).source is described.source  # what could be had once stays


def test_a_page_downloads_nothing(weights, monkeypatch, tmp_path):
    import datasets
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_, **__: pytest.fail("asked the hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert "the built-in sample, since" in supernet_source(weights, download=False).description
