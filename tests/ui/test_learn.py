"""The Learn page's parts without a page: what is drawn is what the core says."""

import time

import numpy as np
import pytest

from nat_core.architecture import notation
from nat_core.architecture.library import find
from nat_core.architecture.operations import INDEX
from nat_core.architecture.spaces import NASBENCH201_OPERATIONS
from nat_core.network.costs import operation_figure
from ui.learn import cell, costs, policy, shipped, training
from ui.view import BENCHMARK_CELL

BEFORE = notation.parse(BENCHMARK_CELL)
AFTER = BEFORE.with_operations(["avg_pool_3x3", *BEFORE.operations[1:]])
LOGS = shipped.log_probabilities(BEFORE), shipped.log_probabilities(AFTER)


def test_every_part_of_the_drawing_has_words():
    normal = find("DARTS").architecture.normal
    assert len(cell._parts(normal)) == len(normal.edges) + normal.nodes + 1


def test_bars_fill_the_whole_width_before_and_after():
    figure = policy._bars(AFTER, *LOGS)
    assert len(figure.data) == 2 * len(NASBENCH201_OPERATIONS)
    for number in (0, 1):
        assert np.allclose(sum(np.asarray(trace.x) for trace in figure.data[number::2]), 1)


def test_a_lower_budget_makes_cheaper_operations_likely_and_is_worked_out_at_once():
    weights = {"conv_3x3": 9, "conv_1x1": 1}  # as their multiply-adds
    began = time.process_time()
    heavy = [
        sum(weight * np.exp(shipped.log_probabilities(BEFORE, share))[:, INDEX[name]].sum()
            for name, weight in weights.items())
        for share in (1.0, 0.5, 0.1)
    ]  # fmt: skip
    assert heavy[0] > heavy[1] > heavy[2] and time.process_time() - began < 0.6


def test_the_map_leaves_illegal_operations_empty_and_tells_movements():
    figure = policy._map(AFTER, *LOGS)
    finite = np.isfinite(shipped.log_probabilities(AFTER)[:, : len(NASBENCH201_OPERATIONS)])
    texts = np.array(figure.data[0].text)
    assert texts.shape == (6, 5) and ((texts != "") == np.isfinite(np.array(figure.data[0].z, float))).all()
    assert finite.any() and "(" in texts[3, 1]


@pytest.mark.parametrize(
    ("new", "old", "words"),
    [(-3.14, -1, "−3.1 (−2.1)"), (0.0, 0.0, "0.0 (±0.0)"), (-2, -np.inf, "−2.0"), (-np.inf, -1, "")],
)
def test_movements_as_people_read_them(new, old, words):
    assert policy._moved(new, old) == words


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_the_figure_of_costs_holds_every_operation_twice(scale):
    rows = sorted(operation_figure(), key=lambda row: row.multiply_adds)
    figure = costs._figure(rows, scale)
    assert [len(trace.y) for trace in figure.data] == [13, 13]
    assert figure.data[0].text[-1] == "419.4" and figure.data[1].text[-1] == "409.6"


def test_the_curve_of_gains_has_its_held_out_twin_and_the_limit():
    figure = training._figure(shipped.curve(), "gain", 12.21)
    assert [trace.name for trace in figure.data] == ["sampled, training cells", "most probable, held-out cells"]
    assert figure.data[1].y[-1] > 0.98 * 12.21 and "+12.21" in figure.layout.annotations[0].text
