import pytest

from nat_core.architecture.library import library
from nat_core.runs.folders import latest_title
from nat_core.runs.request import MAX_NAME
from ui.view import BENCHMARK_CELL, View, canonical


def test_a_view_round_trips_through_the_address():
    view = View(
        cell="ENAS",
        policy="nasbench201",
        method="sampled",
        samples=30,
        seed=7,
        budget=60,
        candidate=0,
        space="loose_end",
        cell_name="reduction",
        part_cell="reduction",
        layout="overlay",
        hide_null=True,
        flops=True,
    )
    assert View.from_query(view.to_query()) == (view, [])


def test_defaults_are_left_out_of_the_address():
    assert View().to_query() == {"cell": BENCHMARK_CELL}
    assert View.from_query({}) == (View(), [])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("cell", "DARTZ", "did you mean DARTS"),
        ("cell", "|oops~0|", "unknown operation 'oops'"),
        ("samples", "0", "'0' is not a whole number from 1 to 1000"),
        ("samples", "9" * 400, "is not a whole number"),
        ("seed", "-1", "is not a whole number"),
        ("budget", "101", "from 5 to 100"),
        ("method", "lucky", "neither probable nor sampled"),
        ("candidate", "²", "is not a whole number"),
        ("layout", "stacked", "neither side nor overlay"),
        ("hide_null", "1", "neither on nor off"),
        ("part", "edge ٣", "neither an edge nor a node"),
        ("part", "output 2", "nor output"),
        ("space", "outer", "neither fully_concat nor"),
    ],
)
def test_what_the_address_gets_wrong_keeps_its_default_and_is_said(name, value, message):
    view, problems = View.from_query({"budget": "50", name: value})
    assert getattr(view, name) == getattr(View(), name)
    assert len(problems) == 1 and problems[0][0] == name and message in problems[0][1]
    assert name == "budget" or view.budget == 50


def test_unknown_parameters_are_ignored():
    assert View.from_query({"utm_source": "mail"}) == (View(), [])


def test_a_library_name_stays_a_name_and_an_index_becomes_the_cell():
    assert canonical("darts_v2") == ("DARTS_V2", library()["DARTS_V2"].architecture)
    assert canonical("nasbench201:0")[0].startswith("|avg_pool_3x3~0|")


def test_a_link_selects_a_policy_whatever_its_name():
    name = latest_title("ß/" + "x" * (MAX_NAME - 2))
    view, problems = View.from_query(View(policy=name).to_query())
    assert view.policy == name and not problems
