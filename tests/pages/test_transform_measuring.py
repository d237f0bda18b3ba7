"""Accuracies that come while the page is open, with a policy and shared weights as a training leaves them."""

import time

import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.evaluation_queue import EvaluationQueue
from nat_core.learning.accuracies.supernet_files import SupernetCard, save_supernet
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet
from tests.pages.test_transform_page import act, box, button, open_page, query, run
from tests.support.components import metric, verdict
from ui import compute

NETWORK = NetworkConfig("cifar", channels=4, layers=2, resolution=8, classes=10)


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    """Policies of two spaces in a folder, small and untrained, each beside its shared weights."""
    root = tmp_path_factory.mktemp("policies")
    torch.manual_seed(0)
    for name in ("fully_concat", "loose_end"):
        policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4))
        save_policy(root / name, policy, PolicyCard(name, "nat++", policy.config))
        card = SupernetCard(name, NETWORK, "sample", "a sample", split_seed=0, batch=64, training={"epochs": 0})
        save_supernet(root / name, Supernet(SPACES[name], NETWORK), card)
    return root


@pytest.fixture
def queue(policies, monkeypatch):
    worker = EvaluationQueue()
    monkeypatch.setattr(compute, "POLICIES", (policies,))
    monkeypatch.setattr(compute, "evaluation_queue", lambda: worker)
    yield worker
    worker.close()


def finished(app):
    """Runs the page, as its own timer would, until every accuracy is there."""
    deadline = time.monotonic() + 60
    while any(item.label == "Stop" for item in run(app).button):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return app


def test_accuracies_come_and_choose(queue):
    app = open_page(cell="DARTS", samples="4")
    finished(app)
    value = metric(app, "Accuracy (shared-weight)")
    before = float(value.delta.rpartition(" on ")[2].split()[0])
    assert float(value.value.split()[0]) >= before - 0.005
    assert any("selection images" in item.value and "(shared-weight)" in item.value for item in app.caption)
    assert len(box(app, "Shown as output").options) >= 5
    assert "MACs, accuracy" in verdict(app) or verdict(app).startswith("Left as it is")


def test_measuring_is_stopped_and_goes_on(queue):
    app = open_page(cell="DARTS", samples="150")
    act(app, button(app, "Stop").click())
    assert any(item.value.startswith("Measuring stopped after") for item in app.markdown)
    time.sleep(0.3)
    stopped = [item.value for item in run(app).markdown if item.value.startswith("Measuring stopped after")]
    act(app, button(app, "Go on").click())
    finished(app)
    assert stopped and not any(item.value == stopped[0] for item in app.markdown)


def test_a_candidate_chosen_while_measuring_stays_chosen(queue):
    app = open_page(cell="DARTS", samples="40", candidate="7")
    macs = metric(app, "MACs").value
    finished(app)
    assert metric(app, "MACs").value == macs and query(app)["candidate"] == "7"


def test_another_cell_finds_its_space_and_policy(queue):
    app = open_page(cell="DARTS", samples="2")
    assert (query(app)["space"], box(app, "Policy").value) == ("fully_concat", "fully_concat")
    act(app, app.selectbox(key="library_name").set_value("ENAS"))
    assert (query(app)["space"], box(app, "Policy").value) == ("loose_end", "loose_end")


def test_a_cell_of_two_spaces_leaves_the_choice(queue):
    both = "Genotype(normal=[('conv_3x3', 0, 2), ('conv_3x3', 1, 3)], normal_concat=[2, 3], "
    both += "reduce=[('conv_3x3', 0, 2)], reduce_concat=[2])"
    app = open_page(cell=both, samples="2")
    assert box(app, "Space").value == "fully_concat"
    act(app, app.selectbox(key="space").set_value("loose_end"))
    assert box(app, "Policy").value == "loose_end" and query(app)["space"] == "loose_end"
