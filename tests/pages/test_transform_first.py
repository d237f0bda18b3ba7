"""What the page opens with follows from the policies that ship; one of them is judged by the model that rewarded it."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.config import speeds_recipe
from nat_core.learning.policy import PolicyConfig
from nat_core.learning.publish import publish
from nat_core.learning.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.speed_model import MODEL
from nat_core.learning.training import train
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from tests.pages.test_transform_page import cell, metric, open_address, open_page, pick
from ui import compute
from ui.view import BENCHMARK_CELL

SPACE = SPACES["fully_concat"]
BENCHMARK = Path(__file__).parents[2] / "pretrained" / "nasbench201"


@pytest.fixture(scope="module")
def image_policy(tmp_path_factory) -> Path:
    """A policy for DARTS-like cells and its reward model, trained in a second: to it, cheaper cells are better."""
    architectures = [SPACE.sample(random.Random(seed)) for seed in range(30)]
    macs = np.array([cost_model(NETWORKS["cifar"]).cost(item).macs for item in architectures])
    fitted = RewardModelConfig(members=2, width=8, layers=1, embedding=4, steps=5, batch=8, combine=MODEL.combine)
    model = replace(fit_reward_model(architectures, 90 - macs / 1e8, SPACE, fitted), about="accuracy of a test")
    shape = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    config = speeds_recipe(space=SPACE.name, steps=3, inputs=8, held_out=2, batch=4, policy=shape)
    return publish(tmp_path_factory.mktemp("policy") / SPACE.name, train(config, model), "train in a test")


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
    assert any("accuracy of a test: reward model" in item.value for item in app.caption)


def test_the_candidates_of_such_a_policy_are_ranked_by_its_model(ship, image_policy):
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
