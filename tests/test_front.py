import json
import random
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.architecture.transitions import is_legal
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.table import TabularAccuracy
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.policy import Policy, PolicyConfig
from nat_core.network.config import NETWORKS
from nat_core.paths import PRETRAINED
from nat_core.tradeoff import FINE_SHARES, SHARES, Front, front, fronts_by
from nat_core.transformation import Options, transform
from tests.support.strategies import sampled_architectures
from tests.test_transform import STRONGEST, Disbelieving, Uncertain

SPACE = SPACES["nasbench201"]
SOURCE = TabularAccuracy()
DARTS = library()["DARTS"].architecture


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(0)
    return Policy(PolicyConfig(width=16, layers=2, embedding=8, key=8)).eval()


def costs_and_accuracies(found: Front) -> list[tuple[int, float]]:
    return [(point.candidate.cost.macs, point.candidate.accuracy_percent) for point in found.points]


@given(sampled_architectures("nasbench201"), st.lists(st.floats(0.05, 1), min_size=1, max_size=6), st.booleans())
@settings(max_examples=40, deadline=None)
def test_points_are_legal_distinct_within_their_budgets_and_none_is_dominated(architecture, shares, greedy):
    torch.manual_seed(1)
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    (found,) = front([architecture], policy, SPACE, SOURCE, shares, greedy=greedy)
    points = costs_and_accuracies(found)
    for (macs, accuracy), (more_macs, more_accuracy) in pairwise(points):
        assert macs < more_macs and accuracy < more_accuracy
    assert len({point.candidate.architecture for point in found.points}) == len(points) <= len(set(shares)) + 1
    for point in found.points:
        assert point.budget in shares and point.candidate.cost.macs <= point.budget * found.input.cost.macs
        pairs = zip(architecture.operations, point.candidate.architecture.operations, strict=True)
        assert all(is_legal(before, after) for before, after in pairs)
    assert found.input.accuracy_percent == SOURCE.accuracy_percent([architecture])[0]


def test_the_best_of_a_budget_is_the_best_of_the_candidates_that_transform_finds(policy):
    architecture = SPACE.sample(random.Random(5))
    (found,) = front([architecture], policy, SPACE, SOURCE)
    outcome = transform(architecture, policy, SPACE, SOURCE, Options())
    for share in SHARES:
        limit = share * found.input.cost.macs
        fitting = [item.accuracy_percent for item in outcome.candidates if item.cost.macs <= limit]
        on_front = [accuracy for macs, accuracy in costs_and_accuracies(found) if macs <= limit]
        assert max(fitting, default=None) == max(on_front, default=None)
    assert set(costs_and_accuracies(found)) <= {(item.cost.macs, item.accuracy_percent) for item in outcome.front}
    assert outcome.output == found.first.candidate


def test_many_inputs_are_asked_for_at_once_and_answered_as_alone(policy):
    class Counted(TabularAccuracy):
        calls = 0

        def accuracy_percent(self, architectures):
            Counted.calls += 1
            return super().accuracy_percent(architectures)

    inputs = [SPACE.sample(random.Random(seed)) for seed in range(6)]
    together = front(inputs, policy, SPACE, Counted())
    assert Counted.calls == 1
    for architecture, found in zip(inputs, together, strict=True):
        (alone,) = front([architecture], policy, SPACE, SOURCE)
        assert costs_and_accuracies(alone) == costs_and_accuracies(found)
        assert found.input.architecture == architecture


def test_the_first_point_is_the_cheapest_that_is_as_good_as_the_input(policy):
    for source in (SOURCE, Uncertain()):
        (found,) = front([STRONGEST], policy, SPACE, source, candidates=40)
        before = found.input.accuracy_percent
        good = [
            point
            for point in found.points
            if point.candidate.accuracy_percent + (point.candidate.gain_error_points or 0) >= before
        ]
        assert found.first is good[0]
    best = table.architecture_of_code(int(table.accuracies_percent("cifar10_valid").argmax()))
    (cheap,) = front([best], policy, SPACE, SOURCE, (0.5,))
    assert cheap.points and cheap.first is None


def test_what_is_not_believed_is_there_only_where_nothing_else_fits(policy):
    (found,) = front([STRONGEST], policy, SPACE, Disbelieving(0.0), candidates=40)
    believed = [point.candidate.is_believable for point in found.points]
    assert believed == sorted(believed) and len(set(believed)) == 2
    assert found.first.candidate.is_believable


def test_parameters_and_another_network_are_budgets_too(policy):
    (found,) = front(
        [DARTS], policy, SPACES["fully_concat"], Falling(), cost="parameters", network=NETWORKS["imagenet"]
    )
    assert found.input.network.family == "imagenet"
    for point in found.points:
        assert point.candidate.cost.parameters <= point.budget * found.input.cost.parameters


class Falling:
    """The fewer convolutions, the worse."""

    kind, description, stable = "measured", "counts of convolutions", True

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        return np.array([float(sum("conv" in name for name in item.operations)) for item in architectures])


def test_the_shipped_policies_give_fronts_with_errors():
    found = fronts_by(PRETRAINED, [DARTS, library()["ENAS"].architecture, table.architecture_of_code(7)])
    assert [item.accuracy_kind for item in found] == ["modelled", "modelled", "tabular"]
    for item in found[:2]:
        assert item.points and all(point.candidate.standard_error_points > 0 for point in item.points)
    assert found[0].first.candidate.cost.macs <= 0.8 * found[0].input.cost.macs


def test_the_first_point_of_darts_is_what_transform_gives():
    policy, card = catalogue.load_for(PRETRAINED, DARTS)
    source = catalogue.accuracy_source(card, DARTS)
    assert isinstance(source, TrainingsModel)
    (found,) = front([DARTS], policy, card.target_space, source, FINE_SHARES)
    made = transform(DARTS, policy, card.target_space, source).output
    assert made.architecture == found.first.candidate.architecture
    assert made.is_as_good_as(found.input)


def test_a_policy_that_is_told_its_budget_gives_a_front_too():
    torch.manual_seed(0)
    told = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4, budget="macs")).eval()
    (found,) = front([STRONGEST], told, SPACE, SOURCE)
    assert len(found.points) > 1
    (timed,) = front([STRONGEST], told, SPACE, SOURCE, cost="pixel3")
    for point in timed.points:
        assert point.latency_ms <= point.budget * timed.latency_ms


def test_what_no_policy_fits_is_told_in_its_place():
    alone = library()["DARTS"].architecture
    odd = type(alone)(alone.normal)
    found = fronts_by(PRETRAINED, [odd, DARTS])
    assert isinstance(found[0], str) and "reduction cell is missing" in found[0] and isinstance(found[1], Front)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shares": (1.5,)}, r"a budget is 1\.5; accepted: shares of the input's cost, more than 0 and at most 1"),
        ({"shares": (0,)}, "a budget is 0; accepted"),
        ({"shares": (float("nan"),)}, "a budget is nan; accepted"),
        ({"shares": ()}, "there are 0 budgets; accepted: 1 to 100"),
        ({"candidates": 0}, "candidates is 0; accepted: 1 to 1000"),
        ({"cost": "watts"}, "cost is 'watts'; accepted: macs, parameters"),
    ],
)
def test_bad_arguments_are_one_sentence(policy, arguments, message):
    with pytest.raises(ValueError, match=message):
        front([STRONGEST], policy, SPACE, SOURCE, **arguments)


def test_an_architecture_of_another_space_is_named(policy):
    with pytest.raises(ValueError, match="architecture 1 does not fit: NAS-Bench-201 needs a single cell"):
        front([STRONGEST, DARTS], policy, SPACE, SOURCE)


def test_the_dictionary_has_the_promised_fields(policy):
    (found,) = front([STRONGEST], policy, SPACE, SOURCE)
    value = json.loads(json.dumps(found.to_dict()))
    assert {"genotype", "macs", "parameters", "accuracy"} <= set(value["input"])
    for point in value["points"]:
        assert {"budget", "genotype", "macs", "parameters", "accuracy", "standard_error"} <= set(point)
