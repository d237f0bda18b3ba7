"""What the page opens with follows from the policies that ship; one of them is judged by the model that rewarded it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.training.config import RECIPES, TRAININGS, InputsConfig
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.paths import PRETRAINED
from tests.pages.test_transform_page import cell, open_address, open_page, pick
from tests.support.components import metric
from ui import compute
from ui.view import BENCHMARK_CELL

SPACE = SPACES["fully_concat"]
BENCHMARK = PRETRAINED / "nasbench201"


@pytest.fixture(scope="module")
def image_policy(tmp_path_factory) -> Path:
    """A policy for DARTS-like cells, trained in a second, and the model of shipped trainings that rewarded it."""
    shape = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    config = replace(RECIPES[TRAININGS], space=SPACE.name, steps=3, inputs=InputsConfig(8, 2), batch=4, policy=shape)
    return publish(tmp_path_factory.mktemp("policy") / SPACE.name, train(config), "train in a test")


@pytest.fixture
def ship(monkeypatch, tmp_path):
    """Makes these folders the policies that ship, and the only ones."""

    def put(*folders: Path) -> None:
        for folder in folders:
            shutil.copytree(folder, tmp_path / folder.name)
        monkeypatch.setattr(compute, "PRETRAINED", tmp_path)
        monkeypatch.setattr(compute, "POLICIES", (tmp_path,))

    return put


def test_opens_with_darts_transformed_where_a_policy_for_it_ships(ship, image_policy):
    ship(BENCHMARK, image_policy)
    app = open_address()
    assert cell(app) == "DARTS"
    assert metric(app, "MACs").delta.endswith("of 528.4 M")
    assert metric(app, "Accuracy (modelled)").delta.startswith(("+", "±"))
    assert any("predicted for full CIFAR-10 training" in item.value for item in app.caption)


def test_the_candidates_of_such_a_policy_are_ranked_by_its_model(ship, image_policy, monkeypatch):
    monkeypatch.setattr(TrainingsModel, "believable", lambda model, inputs, outputs: np.ones(len(outputs), dtype=bool))
    ship(image_policy)
    app = open_page(cell="DARTS")
    best = metric(app, "Accuracy (modelled)").value
    pick(app, "Shown as output", "4: ")
    assert float(metric(app, "Accuracy (modelled)").value.split()[0]) <= float(best.split()[0])


def test_opens_with_a_benchmarks_cell_where_only_its_policy_ships(ship):
    ship(BENCHMARK)
    app = open_address()
    assert cell(app) == BENCHMARK_CELL and metric(app, "CIFAR-10 validation (tabular)").delta.startswith("+")


def test_opens_with_darts_and_says_so_where_no_policy_ships(ship):
    ship()
    app = open_address()
    assert cell(app) == "DARTS" and metric(app, "MACs").value == "528.4 M"
    assert "No policy for Fully-concat (DARTS-like) architectures is here yet" in app.info[0].value
