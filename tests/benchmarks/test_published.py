"""Originals beside what authors and our policies make of them."""

import pytest
import torch

from benchmarks.published import Made, described, made_of, summary
from nat_core.architecture import notation
from nat_core.architecture.library import find, library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS
from nat_core.network.costs import Cost, cost_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def policies(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("policies"), PolicyConfig(width=8, layers=1, embedding=4, key=4)
    for space in ("fully_concat", "loose_end"):
        torch.manual_seed(0)
        save_policy(folder / space, Policy(config), PolicyCard(space=space, rule="nat++", policy=config, seed=0))
    return folder


@pytest.mark.parametrize("name", [entry.name for entry in library().values() if not entry.method])
def test_every_original_is_transformed_legally_and_costs_no_more(name, policies):
    every = made_of(name, policies)
    given, ours = every[""], every["ours"]
    space, cost = SPACES[space_of(given).name], cost_model(NETWORKS[space_of(given).network]).cost
    assert all(b in space.targets(a) for a, b in zip(given.operations, ours.operations, strict=True))
    assert cost(ours).macs <= cost(given).macs


def test_a_line_says_what_changed_and_what_is_known(policies):
    darts = find("DARTS").architecture
    lines = [made.line for made in described("DARTS", policies, {notation.shortest(darts): 68.1})]
    assert [line.split("|")[1].strip() for line in lines] == ["DARTS", "→ NAT", "→ NAT++", "→ ours"]
    cells = [cell.strip() for cell in lines[0].split("|")]
    cost = cost_model(NETWORKS["cifar"]).cost(darts)
    assert cells[3:5] == [f"{cost.macs / 1e6:.1f}", f"{cost.parameters / 1e6:.2f}"] and cells[-2] == "68.10"
    assert [line.split("|")[2].strip() for line in lines[1:3]] == ["5", "6"]


def test_the_summary_is_of_the_originals_that_a_method_was_applied_to():
    table = [Made(name, "", 0, Cost(1, 100), 60.0, None) for name in "abc"]
    table += [Made("a", "NAT", 1, Cost(1, 50), 61.0, None), Made("b", "NAT", 1, Cost(1, 70), 59.5, None)]
    table += [Made("c", "NAT", 1, Cost(1, 1), None, None)]  # outside the space
    assert summary(table, "NAT", "abc") == "NAT: +0.25 ± 0.75 points over 2 originals, MACs × 0.60"
