"""What the promise is checked on, and how its table is made."""

from dataclasses import replace

import pytest
import torch

from benchmarks.promise import ORIGINALS, inputs, jobs, pair, table
from nat_core.architecture import notation
from nat_core.architecture.spaces import SPACES
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.scratch.measured import MeasuredResult
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

pytestmark = pytest.mark.slow

USUAL = NETWORKS["cifar"]
COST = cost_model(USUAL).cost


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    folder, config = tmp_path_factory.mktemp("policies"), PolicyConfig(width=8, layers=1, embedding=4, key=4)
    for space in ORIGINALS:
        torch.manual_seed(0)
        save_policy(folder / space, Policy(config), PolicyCard(space=space, rule="nat++", policy=config, seed=0))
    return [pair(item, SPACES[name], folder) for name in ORIGINALS for item in inputs(SPACES[name])[6:11]]


def test_inputs_are_eight_random_ones_and_the_originals_that_fit():
    for name, originals in ORIGINALS.items():
        found = inputs(SPACES[name])
        assert [item.name for item in found[8:]] == list(originals)
        assert all(SPACES[name].mismatch(item.architecture) is None for item in found)
        assert found == inputs(SPACES[name])
    assert sum(map(len, map(inputs, map(SPACES.get, ORIGINALS)))) >= 24


def test_ours_and_random_ones_are_legal_and_of_equal_macs_never_above_the_inputs(pairs):
    for item in pairs:
        given, ours, other = COST(item.given).macs, COST(item.made["ours"]).macs, COST(item.made["random"]).macs
        assert ours <= given and abs(other - ours) < 0.1 * given
        for role in ("ours", "random"):
            made = item.made[role]
            space = next(space for space in SPACES.values() if space.mismatch(item.given) is None)
            assert all(b in space.targets(a) for a, b in zip(item.given.operations, made.operations, strict=True))


def test_published_transformations_stand_beside_the_originals(pairs):
    made = {item.name: set(item.made) for item in pairs}
    assert made["DARTS"] == {"ours", "random", "NAT", "NAT++"} and made["PDARTS"] == {"ours", "random"}


def test_inputs_and_ours_are_trained_first(pairs):
    every = list(jobs(pairs))
    assert [item.architecture for item in every[: 2 * len(pairs) : 2]] == [item.given for item in pairs]
    assert all(item.name.endswith(", ours") for item in every[1 : 2 * len(pairs) : 2])


def test_the_table_tells_mean_differences_of_what_was_trained_twice(pairs):
    def trained(architecture, accuracy):
        return MeasuredResult(
            "", notation.shortest(architecture), accuracy, "test", "b", 0, 1, COST(architecture).macs, "C 8, L 5",
            "cifar10: 50,000 images", "short", 12, 600.0, "2026-11-25", {}, {},
        )  # fmt: skip

    results = [trained(item.given, 70.0) for item in pairs[:3]]
    results += [trained(item.made["ours"], accuracy) for item, accuracy in zip(pairs, (71.0, 73.0), strict=False)]
    lines = list(table(pairs, results))
    assert len(lines) == 2 + len(pairs) + 2
    ratio = sum(COST(item.made["ours"]).macs / COST(item.given).macs for item in pairs[:2]) / 2
    small = f"MACs × {ratio:.2f}"  # the costs of these results are the usual network's, too
    found = f"+2.00 ± 1.00 points over 2 pairs, {small}, on {USUAL.description} × {ratio:.2f}"
    told = list(table([replace(item, predicted=2.5) for item in pairs], results))
    error = "predicted gain of ours minus the measured one ({} epochs, {} images), {} points over 2 pairs"
    assert told[-1] == "\n" + error.format(12, "test", "+0.50 ± 1.00")
    rewards = [replace(result, accuracy=result.accuracy / 2, epochs=3, judged_on="selection") for result in results]
    assert list(table([replace(item, predicted=2.5) for item in pairs], results, rewards)) == [
        *told,
        "\n" + error.format(3, "selection", "+1.50 ± 0.50"),
    ]
    assert lines[-2:] == [f"\nours: {found}", f"\nours, where it changed something: {found}"]
    assert lines[2].startswith(f"| {pairs[0].name} | 70.00 | 71.00 |") and lines[5].startswith(
        f"| {pairs[3].name} |  |"
    )
