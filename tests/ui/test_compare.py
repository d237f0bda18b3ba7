"""The Compare page's parts without a page: figures, tables, own architectures."""

import csv
import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from nat_core.architecture.library import library
from nat_core.learning.comparison import Item, free_name, library_items, outside_rule, rows
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import oracle_codes, reachable_codes, reachable_front
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.learning.policies.checkpoint import PolicyCard, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS
from ui.compare import explorer, labels, outputs, own, pairs
from ui.compare.architectures import _ours, frame
from ui.compare.download import csv_text
from ui.compare.explorer import picked_code
from ui.compare.frames import accuracy_frame, cost_frame, every_cell_frame, front_frame
from ui.compare.scatter import Marked, front_of, in_view, scatter
from ui.history import History

CODE = int(table.codes([table.architecture_of_index(77)])[0])
MACS, VALID = QUANTITIES["macs"], QUANTITIES["cifar10_valid"]


@pytest.fixture(scope="module")
def marked():
    best = int(oracle_codes("cifar10_valid")[CODE])
    return Marked(CODE, outputs.output_code(CODE, 10), best, reachable_codes(CODE))


def traces(figure):
    return {trace.name.partition(" (")[0]: trace for trace in figure.data}


def test_every_cell_is_a_point_that_carries_its_code(marked):
    points = traces(scatter(MACS, VALID, marked, reach=True))
    everything = points["All 15,625 cells"]
    assert everything.type == "scattergl" and len(everything.x) == table.SIZE
    codes = everything.customdata[:, 0]
    assert np.allclose(everything.x, MACS.values[codes], rtol=1e-6)
    assert np.array_equal(everything.customdata[:, 1], table.benchmark_indices()[codes])
    assert len(points["Reachable from the input"].x) == len(marked.reachable)
    assert "Reachable from the input" not in traces(scatter(MACS, VALID, marked, reach=False))


def test_arrows_go_from_the_input_to_output_and_oracle(marked):
    arrows = scatter(MACS, VALID, marked, reach=True).layout.annotations
    assert {arrow.ax for arrow in arrows} == {MACS.values[CODE]}
    assert {(arrow.x, arrow.y) for arrow in arrows} == {
        (MACS.values[code], VALID.values[code]) for code in (marked.after, marked.best)
    }
    unmoved = Marked(CODE, CODE, CODE, marked.reachable)
    assert not scatter(MACS, VALID, unmoved, reach=True).layout.annotations


@pytest.mark.parametrize(("x", "y"), [("macs", "cifar10_test"), ("pixel3", "raspi4"), ("cifar10_valid", "fpga")])
def test_nothing_beats_the_front_whichever_way_is_better(x, y):
    signs = [-1 if QUANTITIES[name].smaller_is_better else 1 for name in (x, y)]
    points = np.stack([sign * QUANTITIES[name].values for sign, name in zip(signs, (x, y), strict=True)], axis=1)
    for code in front_of(QUANTITIES[x], QUANTITIES[y]):
        better = (points >= points[code]).all(axis=1) & (points > points[code]).any(axis=1)
        assert not better.any()


def test_the_first_view_shows_every_marked_cell(marked):
    worst = Marked(int(VALID.values.argmin()), marked.after, marked.best, marked.reachable)
    for item in (marked, worst):
        low, high = in_view(VALID, item)
        assert all(low < VALID.values[code] < high for code in (item.before, item.after, item.best))


def test_tables_say_what_the_columns_hold(marked):
    accuracies = accuracy_frame(marked)
    assert accuracies["Data set"].tolist() == list(table.DATA_SETS.values())
    row = accuracies.iloc[0]
    possible = row["Limit"] - row["Input"]
    assert row["Recovered"] == pytest.approx(100 * (row["Output"] - row["Input"]) / possible)
    costs = cost_frame(marked)
    assert len(costs) == 10 and costs["Input"].iloc[0] == MACS.values[CODE]


def test_csv_of_all_cells_is_in_the_benchmarks_order():
    everything = every_cell_frame()
    assert len(everything) == table.SIZE and everything["index"].tolist() == list(range(table.SIZE))
    assert everything["cifar10_valid_accuracy_percent"].iloc[77] == VALID.values[CODE]
    assert len(front_frame(MACS, VALID)) == len(front_of(MACS, VALID))


def test_more_candidates_are_never_worse():
    greedy, ten, hundred = (VALID.values[outputs.output_code(CODE, count)] for count in (1, 10, 100))
    assert greedy <= ten <= hundred or greedy >= VALID.values[CODE]
    assert VALID.values[CODE] <= ten <= hundred


@pytest.mark.parametrize("name", ["macs", "parameters", "pixel3"])
def test_the_policys_front_is_below_the_oracles_and_its_area_a_share(name):
    costs = QUANTITIES[name].values
    own = outputs.front_codes(CODE, name)
    best = [code for code in reachable_front(CODE, costs, "cifar10_valid") if costs[code] <= costs[CODE]]
    for code in own:
        assert max(VALID.values[other] for other in best if costs[other] <= costs[code]) >= VALID.values[code]
        assert code in reachable_codes(CODE)
    assert list(costs[own]) == sorted(costs[own]) and list(VALID.values[own]) == sorted(VALID.values[own])
    assert 0.3 < outputs.recovered_area(CODE, own, best, costs, VALID.values) <= 1
    assert outputs.recovered_area(CODE, best, best, costs, VALID.values) == 1
    assert outputs.recovered_area(CODE, [CODE], [CODE], costs, VALID.values) is None


def test_no_output_where_no_policy_fits():
    cards = {"nasbench201": outputs.shipped()["nasbench201"]}
    assert outputs.policy_name(library()["ENAS"].architecture, cards) is None
    cell = table.architecture_of_code(CODE)
    assert outputs.policy_name(cell, cards) == "nasbench201"
    output = outputs.output(cell, "nasbench201")
    assert int(table.codes([output])[0]) in reachable_codes(CODE)


def test_own_architectures_are_named_once_and_read_like_everywhere():
    kept = own.added({}, "mine", "nasbench201:77")
    assert kept["mine"] == Item("mine", table.architecture_of_index(77), "own")
    for name in ("mine", "DARTS"):
        with pytest.raises(ValueError, match="is taken; choose another"):
            own.added(kept, name, "ENAS")
    with pytest.raises(ValueError, match="no architecture 'nonsense' in the library"):
        own.added(kept, "other", "nonsense")
    full = {str(number): kept["mine"] for number in range(own.MOST)}
    with pytest.raises(ValueError, match="there are 50 already"):
        own.added(full, "other", "ENAS")


@pytest.fixture(scope="module")
def compared():
    darts = library()["DARTS"].architecture
    ours = Item("DARTS, ours", library()["NATv2_DARTS"].architecture, "policy x", "DARTS", "ours")
    assert darts != ours.architecture
    return rows((*library_items(), ours), NETWORKS["cifar"])


def test_pairs_are_joined_by_arrows_in_order(compared):
    figure = pairs.figure(compared, pairs.HEIGHTS["parameters"], NETWORKS["cifar"])
    steps = {((arrow.ax, arrow.ay), (arrow.x, arrow.y)) for arrow in figure.layout.annotations}
    cost = {row.item.name: (row.cost.macs / 1e6, row.cost.parameters / 1e6) for row in compared}
    logs = {name: tuple(map(math.log10, place)) for name, place in cost.items()}
    outputs_of_darts = ("NAT_DARTS", "NATv2_DARTS", "DARTS, ours")
    assert all((logs["DARTS"], logs[name]) in steps for name in outputs_of_darts)
    inputs = {logs[row.item.name] for row in compared if row.item.derived_from is None}
    assert {start for start, _ in steps} <= inputs
    assert {trace.name for trace in figure.data if len(trace.x)} == {"Input", "NAT", "NAT++", "Ours"}


def test_published_results_of_outputs_are_points_with_arrows_from_the_input(compared):
    printed = replace(library()["DARTS_V2"].published, test_error_percent=2.5)
    known = [
        replace(row, published_accuracy_percent=97.5, item=replace(row.item, published=printed))
        if row.item.name == "NAT_DARTS"
        else row
        for row in compared
    ]
    figure = pairs.figure(known, pairs.HEIGHTS["published"], NETWORKS["cifar"])
    (arrow,) = figure.layout.annotations
    assert (arrow.ay, arrow.y) == (pytest.approx(97.24), 97.5)


def test_own_cells_are_marked_and_named(compared):
    mine = Item("my cell", library()["NATv2_ENAS"].architecture, "own")
    every = rows((*library_items(), mine), NETWORKS["cifar"])
    for height in ("parameters", "published"):
        figure = pairs.figure(every, pairs.HEIGHTS[height], NETWORKS["cifar"])
        (own_points,) = [trace for trace in figure.data if trace.name == "Your own"]
        assert list(own_points.text) == (["my cell"] if height == "parameters" else [])
        others = [name for trace in figure.data if trace.name != "Your own" for name, *_ in trace.customdata or ()]
        assert "my cell" not in others


def test_in_the_row_of_an_input_no_marker_covers_another(compared):
    figure = pairs.figure(compared, pairs.HEIGHTS["input"], NETWORKS["cifar"])
    rows_of = {
        trace.name: dict(zip([c[0] for c in trace.customdata or ()], trace.y, strict=True)) for trace in figure.data
    }
    darts = rows_of["Input"]["DARTS"]
    assert rows_of["NAT"]["NAT_DARTS"] > darts > rows_of["Ours"]["DARTS, ours"]
    assert figure.layout.yaxis.ticktext[round(darts)] == "DARTS"


@pytest.mark.parametrize("is_log", [False, True])
def test_texts_cover_neither_each_other_nor_points(compared, is_log):
    places = {row.item.name: (row.cost.macs / 1e6, row.cost.parameters / 1e6) for row in compared}
    texts = {name: name for name in places if "NAT" not in name}
    found = labels.sides(texts, places, is_log)
    assert set(found) == set(texts) and 4 <= len(found) < len(places)
    pixels = labels._pixels(places, is_log)
    boxes = [labels._beside(pixels[name], name, *labels._SIDES[side]) for name, side in found.items()]
    assert not any(labels._overlap(one, other) for one, other in combinations(boxes, 2))


def test_what_is_outside_its_methods_rule_is_an_open_symbol_that_says_so(compared):
    figure = pairs.figure(compared, pairs.HEIGHTS["input"], NETWORKS["cifar"])
    method = next(trace for trace in figure.data if trace.name == "NAT++")
    flags = {
        name: (symbol, flag) for symbol, (name, flag, _) in zip(method.marker.symbol, method.customdata, strict=True)
    }
    symbol, flag = flags["NATv2_NAONet"]
    assert symbol == "diamond-open" and flag.startswith("<br>outside the rule: ") and "→" in flag
    assert flags["NATv2_DARTS"] == ("diamond", "")


def test_inputs_at_one_place_share_one_text(compared):
    figure = pairs.figure(compared, pairs.HEIGHTS["published"], NETWORKS["cifar"])
    texts = [text for trace in figure.data for text in trace.text or () if text]
    assert "DARTS_V2, DARTS" in texts and "DARTS" not in texts


def test_by_input_only_what_was_transformed_is_shown(compared):
    shown = {row.item.name for row in pairs.shown(compared, pairs.HEIGHTS["input"])}
    assert "PDARTS" not in shown and {"DARTS", "NAT_DARTS", "DARTS, ours"} <= shown


def test_kinds_of_accuracy_never_share_an_axis(compared):
    published = pairs.shown(compared, pairs.HEIGHTS["published"])
    assert {row.item.name for row in published} == {
        row.item.name for row in compared if row.published_accuracy_percent is not None
    }
    assert pairs.shown(compared, pairs.HEIGHTS["measured"]) == []
    columns = frame(compared, NETWORKS["cifar"]).columns
    assert [name for name in columns if name.startswith("Accuracy")] == [
        "Accuracy (published), %",
        "Accuracy (measured), %",
    ]


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ({"customdata": [3906, 1462]}, 3906),
        ({"customdata": {"0": 3906, "1": 1462}}, 3906),
        ({"customdata": None}, None),
        ({"customdata": {}}, None),
        ({"customdata": [99_999]}, None),
        ({}, None),
    ],
)
def test_a_clicked_point_says_which_cell_it_is(point, code):
    assert picked_code(point) == code


def test_inputs_of_the_visit_are_compared_once_each():
    steps = (
        History().recorded("Opened", "DARTS").recorded("Chosen", "nasbench201:77").recorded("Chosen", "nasbench201:5")
    )
    steps = steps.recorded("Chosen", "nasbench201:77")
    found = own.visited(steps, {library()["DARTS"].architecture})
    assert [item.architecture for item in found] == [table.architecture_of_index(number) for number in (77, 5)]
    assert [item.name for item in found] == ["Transform, step 4", "Transform, step 3"]


def test_names_stay_distinct_whatever_a_visitor_calls_theirs():
    cells = {"DARTS, ours": "ENAS", "DARTS, ours (2)": "NASNet-A", "Transform, step 2": "nasbench201:3"}
    kept = {}
    for name, text in cells.items():
        kept = own.added(kept, name, text if "nasbench" in text or text in library() else "SNAS")
    steps = History().recorded("Opened", "DARTS").recorded("Chosen", "nasbench201:77")
    known = {item.architecture for item in (*library_items(), *kept.values())}
    items = (*library_items(), *kept.values(), *own.visited(steps, known, kept))
    every = [*items, *_ours(items)]
    names = [item.name for item in every]
    assert len(names) == len(set(names))
    made = {item.derived_from: item.name for item in every if item.method == "ours"}
    assert made["DARTS"] == "DARTS, ours (3)" and made["Transform, step 2 (2)"] == "Transform, step 2 (2), ours"


def test_a_name_is_free_or_numbered():
    assert free_name("a", {"b"}) == "a"
    assert free_name("a", {"a", "a (2)"}) == "a (3)"


@pytest.fixture
def nat_policy(tmp_path, monkeypatch):
    """A policy for NAT's rule, rewarded by CIFAR-100, is all that ships."""
    config = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    card = PolicyCard("nasbench201", "nat", config, training={"data_set": "cifar100_valid"})
    save_policy(tmp_path / "nasbench201", Policy(config), card)
    monkeypatch.setattr(outputs, "PRETRAINED", tmp_path)
    outputs._transformed.cache_clear()


def test_everything_follows_the_rule_and_the_data_set_of_the_policys_card(nat_policy, monkeypatch):
    monkeypatch.setattr(explorer.st, "session_state", {"output": 10})
    marked = explorer._marked(CODE, MACS, VALID)
    assert (marked.data_set, marked.rule) == ("cifar100_valid", "nat")
    assert np.array_equal(marked.reachable, reachable_codes(CODE, "nat"))
    assert set(marked.reachable) < set(reachable_codes(CODE)) and {marked.after, marked.best} <= set(marked.reachable)
    accuracies = table.accuracies_percent("cifar100_valid")
    assert accuracies[marked.best] == accuracies[marked.reachable].max()
    limits = accuracy_frame(marked).set_index("Data set")["Limit"]
    assert limits["CIFAR-10 test"] == table.accuracies_percent("cifar10_test")[marked.reachable].max()


def test_ours_is_flagged_by_the_policys_own_rule(nat_policy):
    given = Item("mine", table.architecture_of_index(77), "own")
    [made] = _ours([given])
    assert made.rule == "nat" and outside_rule(made, given) == ()
    pooled = replace(made, architecture=given.architecture.with_operations(["conv_1x1"] * 6))
    assert outside_rule(pooled, given)


def test_no_text_in_a_table_is_a_formula():
    frame = pd.DataFrame(
        {"name": ["=HYPERLINK(1)", "+1", "@x", "-a", "DARTS", "|op~0|"], "gain": [-1.5, 2, 3, 4, 5, 6]}
    )
    names = [row[0] for row in csv.reader(csv_text(frame).splitlines())]
    assert names == ["name", "'=HYPERLINK(1)", "'+1", "'@x", "'-a", "DARTS", "|op~0|"]
    assert "-1.5" in csv_text(frame) and "'-1.5" not in csv_text(frame)
