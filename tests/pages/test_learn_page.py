"""The Learn page through Streamlit's own test harness; clicks in drawings are for the browser tests."""

import json
import time

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.paths import PROJECT

APP = str(PROJECT / "app.py")
STEPS = ("Cell", "Transitions", "Costs", "Policy", "Training")


def open_step(name: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["step"] = name
    return run(app.switch_page("pages/learn.py"))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception and not app.error
    return app


def text(app: AppTest) -> str:
    return "\n".join(item.value for item in app.markdown)


def test_one_walks_through_all_steps_and_back():
    app = open_step("Cell")
    for name in STEPS[1:]:
        app.button(key="next").click()
        run(app)
        assert app.segmented_control(key="step").value == name
        assert f"##### {STEPS.index(name) + 1} of 5: " in text(app)
    app.button(key="back").click()
    run(app)
    assert app.segmented_control(key="step").value == "Policy"


def test_every_part_of_the_cell_is_explained():
    app = open_step("Cell")
    assert "sep 3×3** is a separable convolution" in text(app)
    for part, words in (
        ("normal-node-0", "is an input"),
        ("normal-node-2", "adds up"),
        ("normal-node-output", "joins"),
    ):
        app.selectbox(key="learn_part").set_value(part)
        assert words in text(run(app))


@pytest.mark.parametrize(
    ("operation", "rule", "space", "count"),
    [
        ("conv_5x5", "nat++", "nat", "13 of 13"),
        ("sep_conv_5x5", "nat++", "nat", "10 of 13"),
        ("conv_5x5", "nat", "nat", "3 of 13"),
        ("conv_3x3", "nat++", "201", "5 of 5"),
        ("skip_connect", "nat++", "201", "2 of 5"),
    ],
)
def test_the_scheme_counts_what_is_legal(operation, rule, space, count):
    app = open_step("Transitions")
    app.segmented_control(key="learn_space").set_value(space)
    run(app)
    app.segmented_control(key="learn_rule").set_value(rule)
    app.selectbox(key="learn_operation").set_value(operation)
    assert run(app).metric[0].value == count


def test_the_papers_figure_is_computed():
    app = open_step("Costs")
    frame = app.dataframe[0].value.set_index("Operation")
    assert frame.loc["conv 5×5", "Multiply-adds"] == 419_430_400 and frame.loc["conv 5×5", "Parameters"] == 409_600
    assert "These are the paper's sizes" in text(app)
    app.select_slider(key="learn_channels").set_value(16)
    app.segmented_control(key="learn_scale").set_value("log")
    run(app)
    assert app.dataframe[0].value.set_index("Operation").loc["conv 5×5", "Multiply-adds"] == 16 * 16 * 25 * 1024
    assert "the paper's" not in text(app)


def test_more_rounds_hear_more():
    app = open_step("Policy")
    heard = []
    for rounds in (0, 1, 2, 3):
        app.slider(key="learn_rounds").set_value(rounds)
        run(app)
        heard.append(int(text(app).partition(" of 16**")[0].rpartition("**")[2]))
    assert heard == sorted(heard) and heard[0] == 1 < heard[1] < heard[2]


def test_an_edit_starts_with_the_edges_own_operation():
    app = open_step("Policy")
    assert app.selectbox(key="learn_edit").value == "avg_pool_3x3"
    app.selectbox(key="learn_edge").set_value(3)
    run(app)
    assert app.selectbox(key="learn_edit").value == "conv_3x3"
    app.selectbox(key="learn_edit").set_value("null")
    app.segmented_control(key="learn_shown").set_value("map")
    run(app)
    assert app.selectbox(key="learn_edit").value == "null"


def test_the_shipped_curve_says_where_it_is_from():
    app = open_step("Training")
    assert "python -m nat_core train --space nasbench201 --recipe budgets" in app.caption[-1].value
    before, after = (float(item.value.split()[0]) for item in app.metric[:2])
    assert app.metric[1].delta == f"reward +{after - before:.2f}"
    app.segmented_control(key="learn_curve").set_value("entropy")
    assert "undecided" in text(run(app))


def test_the_budget_moves_the_probabilities():
    app = open_step("Policy")

    def shares() -> list:
        (chart,) = [json.loads(item.proto.spec) for item in app.get("plotly_chart") if "overlay" in item.proto.spec]
        return [trace["x"] for trace in chart["data"]]

    whole = shares()
    app.slider(key="learn_budget").set_value(20)
    began = time.process_time()
    run(app)
    assert shares() != whole and time.process_time() - began < 0.3
