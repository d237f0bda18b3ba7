import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.difference import difference, illegal_changes
from nat_core.architecture.library import library
from nat_core.architecture.notation import Document, parse
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.architecture.transitions import is_legal
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.table import TabularAccuracy
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import PolicyCard, load_policy, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.paths import PRETRAINED
from nat_core.tradeoff import SHARES
from nat_core.transformation import Options, transform
from tests.support.strategies import sampled_architectures

SPACE = SPACES["nasbench201"]
SOURCE = TabularAccuracy()
DARTS = library()["DARTS"].architecture
STRONGEST = parse("|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|")
POOLINGS = parse("|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|")
WORST = parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")


@pytest.fixture(scope="module")
def policy():
    torch.manual_seed(0)
    return Policy(PolicyConfig(width=16, layers=2, embedding=8, key=8)).eval()


@given(sampled_architectures("nasbench201"), st.sampled_from(["probable", "sampled"]), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_never_worse_never_costlier_never_outside_the_rule(architecture, method, samples):
    torch.manual_seed(1)
    policy = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
    own = cost_model(NETWORKS["nasbench201"]).cost(architecture).macs
    result = transform(architecture, policy, SPACE, SOURCE, Options(samples, method, 3, max_macs=own))
    assert result.gain_percent >= 0
    assert result.output.accuracy_percent == max(item.accuracy_percent for item in result.candidates)
    free = transform(architecture, policy, SPACE, SOURCE, Options(samples, method, 3))
    good = [item for item in free.candidates if item.accuracy_percent >= free.input.accuracy_percent]
    assert free.output == min(good, key=lambda item: (item.cost.macs, -item.accuracy_percent))
    assert architecture in [item.architecture for item in result.candidates]
    for item in result.candidates:
        assert item.cost.macs <= result.input.cost.macs
        pairs = zip(architecture.operations, item.architecture.operations, strict=True)
        assert all(is_legal(before, after) for before, after in pairs)
    budgets = len(SHARES) if method == "probable" else 1
    assert len({item.architecture for item in result.candidates}) == len(result.candidates) <= budgets * samples + 1


def test_candidates_are_costed_judged_and_scored(policy):
    architecture = SPACE.sample(random.Random(5))
    result = transform(architecture, policy, SPACE, SOURCE, Options(samples=20))
    model = cost_model(NETWORKS["nasbench201"])
    with torch.inference_mode():
        distribution = policy.distribution([architecture], SPACE)
    for item in result.candidates:
        assert item.cost == model.cost(item.architecture)
        assert item.effective_cost == model.cost(item.architecture.effective)
        assert item.accuracy_percent == SOURCE.accuracy_percent([item.architecture])[0]
    _, scores = distribution.most_probable(1)
    greedy = transform(architecture, policy, SPACE, SOURCE, Options(1, allow_costlier=True, shares=(1.0,)))
    assert max(item.log_probability for item in greedy.candidates) == pytest.approx(scores[0], abs=1e-4)


class Uncertain(TabularAccuracy):
    def __init__(self, doubt=1.0):
        super().__init__()
        self.doubt = doubt

    def gain_error_points(self, inputs, outputs):
        """As many points per changed edge."""
        return self.doubt * np.array([float(len(difference(*pair))) for pair in zip(inputs, outputs, strict=True)])

    def believable(self, inputs, outputs):
        return np.ones(len(outputs), dtype=bool)

    def mean_gain_error_points(self, inputs, outputs):
        return float(self.gain_error_points(inputs, outputs).mean())


@pytest.mark.parametrize("seed", range(4))
def test_by_an_uncertain_source_the_cheapest_is_chosen_that_is_as_good_as_the_input(policy, seed):
    architecture = SPACE.sample(random.Random(seed))
    uncertain = transform(architecture, policy, SPACE, Uncertain(), Options(samples=50))
    before = uncertain.input.accuracy_percent

    def is_as_good(item):
        return item.accuracy_percent + len(difference(architecture, item.architecture)) >= before

    good = [item for item in uncertain.front if is_as_good(item)]
    assert uncertain.output in good
    assert uncertain.output.cost.macs == min(item.cost.macs for item in good)
    assert [*uncertain.candidates] == sorted(uncertain.candidates, key=lambda item: -item.accuracy_percent)
    for item in uncertain.candidates:
        assert item.gain_error_points == len(difference(architecture, item.architecture))


class Disbelieving(Uncertain):
    """Believes in what costs more than half of the input alone."""

    def believable(self, inputs, outputs):
        cost = cost_model(NETWORKS["nasbench201"]).cost
        return np.array([cost(new).macs > cost(old).macs / 2 for old, new in zip(inputs, outputs, strict=True)])


def test_what_a_source_does_not_believe_is_not_chosen_and_ranks_last(policy):
    given = table.architecture_of_code(int(table.accuracies_percent("cifar10_valid").argmax()))
    every, believed = (
        transform(given, policy, SPACE, how(100.0), Options(samples=50)) for how in (Uncertain, Disbelieving)
    )
    limit = every.input.cost.macs / 2
    assert every.output.cost.macs <= limit < believed.output.cost.macs
    assert {item.architecture for item in every.candidates} == {item.architecture for item in believed.candidates}
    kept = [item.cost.macs > limit for item in believed.candidates]
    assert kept == sorted(kept, reverse=True) == [item.is_believable for item in believed.candidates]


def test_candidates_are_sought_in_smaller_budgets_too():
    given = table.architecture_of_code(int(table.accuracies_percent("cifar10_valid").argmax()))
    shipped, _ = catalogue.load_for(PRETRAINED, given)
    found = transform(given, shipped, SPACE, SOURCE, Options(samples=9))
    cheapest = min(item.cost.macs for item in transform(given, shipped, SPACE, SOURCE, Options(1000)).candidates)
    for share in SHARES:
        limit = share * found.input.cost.macs
        assert sum(item.cost.macs <= limit for item in found.candidates) >= 9 or limit < cheapest
    greedy = transform(given, shipped, SPACE, Uncertain(), Options(samples=1, shares=(1.0,)))
    assert len(greedy.candidates) <= 2


@pytest.mark.parametrize("share", [0.8, 0.4])
def test_within_a_budget_the_output_is_the_best_that_fits_of_what_is_found_without_one(share):
    given = table.architecture_of_index(5982)
    shipped, _ = catalogue.load_for(PRETRAINED, given)
    free = transform(given, shipped, SPACE, SOURCE)
    limit = int(share * free.input.cost.macs)
    fitting = [item for item in free.candidates if item.cost.macs <= limit]
    bound = transform(given, shipped, SPACE, SOURCE, Options(max_macs=limit))
    assert bound.output.architecture == max(fitting, key=lambda item: item.accuracy_percent).architecture
    assert "the most accurate of " in bound.verdict and "the cheapest on the front of " in free.verdict


def test_without_a_budget_the_output_is_the_cheapest_that_is_as_good(policy):
    for seed in range(6):
        architecture = SPACE.sample(random.Random(seed))
        result = transform(architecture, policy, SPACE, SOURCE, Options(samples=20))
        assert result.gain_percent >= 0
        for item in result.candidates:
            assert item.cost.macs >= result.output.cost.macs or item.accuracy_percent < result.input.accuracy_percent
        front = [(item.cost.macs, item.accuracy_percent) for item in result.front]
        assert front == sorted(set(front)) and [accuracy for _, accuracy in front] == sorted(a for _, a in front)
        assert result.is_unchanged or result.verdict.endswith(" that is as good as the input.")


def test_a_cell_stays_as_it_is_where_nothing_cheaper_is_as_good(policy):
    class Falling(Uncertain):
        """The fewer MACs, the worse, beyond doubt."""

        def accuracy_percent(self, architectures):
            cost = cost_model(NETWORKS["nasbench201"]).cost
            return np.array([cost(item).macs / 1e6 for item in architectures])

        def gain_error_points(self, inputs, outputs):
            return np.zeros(len(outputs))

    kept = transform(STRONGEST, policy, SPACE, Falling(), Options(samples=50))
    assert kept.is_unchanged
    assert kept.verdict == (
        f"Left as it is: nothing cheaper on the front of {len(kept.candidates)} candidates is as good."
    )


def test_a_verdict_has_the_numbers(policy):
    result = transform(STRONGEST, policy, SPACE, Uncertain(), Options(samples=20))
    macs = round(100 * (1 - result.output.cost.macs / result.input.cost.macs))
    error = result.output.gain_error_points
    same = f"{macs} % fewer MACs, accuracy the same within ± {error:.2f}, "
    higher = f"{macs} % fewer MACs, accuracy {result.gain_percent:.2f} ± {error:.2f} points higher, "
    assert result.verdict.startswith(same if abs(result.gain_percent) <= error else higher)
    exact = transform(POOLINGS, policy, SPACE, SOURCE, Options(samples=50))
    assert exact.verdict.startswith(f"as many MACs, accuracy {exact.gain_percent:.2f} points higher, ")


def test_the_verdict_says_which_of_two_cells_changed(policy):
    result = transform(DARTS, policy, SPACES["fully_concat"], None, Options(samples=1))

    def said(*cells):
        operations = ["null" if cell in cells else edge.operation for cell, edge in DARTS.edges]
        made = replace(result.output, architecture=DARTS.with_operations(operations))
        return replace(result, output=made).verdict.partition(" changed")[2].partition(":")[0]

    assert said("normal") == " in the normal cell" and said("reduction") == " in the reduction cell"
    assert said("normal", "reduction") == ""
    alone = transform(STRONGEST, policy, SPACE, SOURCE, Options(samples=50, max_macs=20_000_000))
    assert alone.changes and " cell" not in alone.verdict


def test_the_rule_is_that_of_the_policys_card(tmp_path):
    config = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    save_policy(tmp_path, Policy(config), PolicyCard("nasbench201", "nat", config))
    loaded, card = load_policy(tmp_path)
    for options in (Options(samples=200, allow_costlier=True), Options(samples=200, method="sampled")):
        result = transform(STRONGEST, loaded, card.target_space, SOURCE, options)
        assert len(result.candidates) > 10
        for item in result.candidates:
            assert illegal_changes(STRONGEST, item.architecture, "nat") == ()
    legal = np.isfinite(result.distribution).sum(axis=1)
    assert legal.tolist() == [3] * 6  # itself, skip, null


def test_without_a_source_no_candidate_is_called_better(policy):
    for cell in (STRONGEST, WORST, POOLINGS):
        for options in (Options(samples=50), Options(samples=1), Options(samples=5, method="sampled")):
            verdict = transform(cell, policy, SPACE, None, options).verdict
            assert "better" not in verdict.lower() and "good as it gets" not in verdict
            assert "compared by accuracy" in verdict or "the input itself" in verdict
    changed = transform(DARTS, policy, SPACES["fully_concat"], None, Options(samples=10))
    assert changed.changes and changed.verdict.endswith(
        f"the most probable of {len(changed.candidates)} candidates, the input included, not compared by accuracy."
    )


def test_the_verdict_says_why_the_input_is_alone(policy):
    nothing = STRONGEST.with_operations(["null"] * 6)
    least = transform(nothing, policy, SPACE, SOURCE, Options(samples=64)).input.cost.macs
    alone = transform(nothing, policy, SPACE, SOURCE, Options(samples=1))
    only = replace(alone, output=alone.input, candidates=(alone.input,))
    assert only.verdict == "Left as it is: the most probable candidate is the input itself."
    many = replace(only, options=Options(samples=10))
    assert many.verdict == f"Left as it is: no other legal candidate fits the budget of {least:,} MACs."
    drawn = replace(only, options=Options(samples=10, method="sampled"))
    assert drawn.verdict == "Left as it is: every candidate drawn is the input itself."
    dropped = replace(drawn, over_budget=3).verdict
    assert dropped == f"Left as it is: none of the other candidates drawn, 3 in all, fits the budget of {least:,} MACs."
    unlimited = replace(many, max_macs=None).verdict
    assert unlimited == "Left as it is: no other candidate is legal."


def test_the_verdict_counts_only_what_was_compared(policy):
    result = transform(STRONGEST, policy, SPACE, SOURCE, Options(samples=50))
    others = [item for item in result.candidates if item.number]
    kept = replace(result, output=result.input)

    def said(*items, budget=10**9):
        options = replace(kept.options, max_macs=budget)
        return replace(kept, candidates=(result.input, *items), options=options).verdict

    worse = [replace(item, accuracy_percent=10.0) for item in others]
    assert said(*worse[:1]) == "Already as good as it gets: the only other candidate is not better."
    assert said(*worse[:3]) == "Already as good as it gets: none of the 3 others is better."
    assert said(worse[0], budget=None) == "Left as it is: the only other candidate is not both cheaper and as good."
    doubted = replace(others[3], accuracy_percent=99.0, is_believable=False)
    none = "none of the 2 others whose accuracy can be believed is better."
    assert said(*worse[:2], doubted) == f"Already as good as it gets: {none}"
    unjudged = [replace(item, accuracy_percent=None) for item in others[3:6]]
    assert said(*worse[:3], *unjudged) == "Already as good as it gets: none of the 3 others is better."
    assert said(*unjudged) == "Left as it is: no other candidate has been compared by accuracy."


def test_a_draw_that_misses_the_budget_is_not_called_illegal(policy):
    least = 10_000_000
    assert transform(STRONGEST, policy, SPACE, SOURCE, Options(samples=5, max_macs=least)).candidates
    with pytest.raises(
        ValueError, match=r"none of the 1 candidate drawn stays within 10,000,000 MACs; the cheapest legal"
    ):
        for seed in range(50):
            transform(STRONGEST, policy, SPACE, None, Options(samples=1, method="sampled", seed=seed, max_macs=least))


def test_equal_accuracies_are_told_apart_by_cost(policy):
    class Indifferent:
        kind, description, stable = "measured", "every architecture is equal", True

        def accuracy_percent(self, architectures):
            return torch.zeros(len(architectures)).numpy()

    result = transform(STRONGEST, policy, SPACE, Indifferent(), Options(samples=50))
    assert result.output.cost.macs == min(item.cost.macs for item in result.candidates)


def test_as_good_as_it_gets_is_said(policy):
    best = max(range(0, 15625, 7), key=lambda code: SOURCE.accuracy_percent([architecture_of(code)])[0])
    result = transform(architecture_of(best), policy, SPACE, SOURCE, Options(samples=1, max_macs=10**9))
    assert result.is_unchanged and result.changes == ()
    assert result.verdict.startswith("Already as good as it gets")


def architecture_of(code):
    from nat_core.learning.nasbench201.table import architecture_of_code

    return architecture_of_code(code)


def test_without_an_accuracy_source_the_most_probable_wins(policy):
    result = transform(DARTS, policy, SPACES["fully_concat"], None, Options(samples=30))
    assert result.output.log_probability == max(item.log_probability for item in result.candidates)
    assert result.accuracy_kind is None and result.gain_percent is None
    assert result.network == NETWORKS["cifar"]
    assert all(item.cost.macs <= 528_359_040 for item in result.candidates)


@pytest.mark.parametrize("name", library())
def test_every_published_architecture_is_transformed(policy, name):
    architecture = library()[name].architecture
    result = transform(architecture, policy, space_of(architecture), None, Options(samples=5))
    assert result.output.architecture.normal.output_nodes == architecture.normal.output_nodes


@pytest.mark.parametrize("share", [0.9, 0.6, 0.45])
def test_a_budget_is_respected(policy, share):
    budget = int(528_359_040 * share)
    result = transform(DARTS, policy, SPACES["fully_concat"], None, Options(samples=10, max_macs=budget))
    assert result.candidates and all(item.cost.macs <= budget for item in result.candidates)
    assert result.max_macs == budget


def test_an_impossible_budget_names_the_cheapest(policy):
    with pytest.raises(ValueError, match="no legal transformation stays within 10 MACs; the cheapest legal one has"):
        transform(DARTS, policy, SPACES["fully_concat"], None, Options(max_macs=10))


def test_without_a_budget_dearer_outputs_must_be_allowed(policy):
    pooled = WORST.with_operations(["null"] * 6)
    free = transform(pooled, policy, SPACE, SOURCE, Options(samples=64, allow_costlier=True))
    assert free.max_macs is None
    bound = transform(pooled, policy, SPACE, SOURCE, Options(samples=64))
    assert bound.max_macs == bound.input.cost.macs


def test_seeded_draws_repeat_and_differ_by_seed(policy):
    def drawn(seed):
        options = Options(samples=8, method="sampled", seed=seed)
        return [
            item.architecture for item in transform(DARTS, policy, SPACES["fully_concat"], None, options).candidates
        ]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_the_dictionary_has_the_promised_fields(policy):
    result = transform(SPACE.sample(random.Random(2)), policy, SPACE, SOURCE)
    text = json.dumps(result.to_dict())
    assert Document(text).one().architecture == result.output.architecture, "read again, it is the output"
    value = json.loads(text)
    assert {"genotype", "parameters", "macs"} <= set(value["input"])
    assert {"log_probability", "accuracy", "accuracy_kind"} <= set(value["output"])
    assert value["output"]["accuracy_kind"] == "tabular"
    assert all(set(change) == {"cell", "source", "target", "from", "to"} for change in value["changes"])
    assert parse(value["output"]["genotype"]) == result.output.architecture
    assert len(value["candidates"]) == len(result.candidates)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"samples": 0}, "samples is 0; accepted: 1 to 1000"),
        ({"samples": 1001}, "samples is 1001"),
        ({"method": "lucky"}, "method is 'lucky'; accepted: probable, sampled"),
        ({"seed": -1}, "seed is -1"),
        ({"max_macs": -5}, "the budget is -5 MACs"),
    ],
)
def test_options_are_checked(values, message):
    with pytest.raises(ValueError, match=message):
        Options(**values)
