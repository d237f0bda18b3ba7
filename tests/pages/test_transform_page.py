"""The Transform page through Streamlit's own test harness; clicks in drawings and charts are for the browser tests."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.architecture.notation import parse
from nat_core.learning.table import TabularAccuracy, accuracies_percent, architecture_of_code

APP = str(Path(__file__).parents[2] / "app.py")
SOURCE = TabularAccuracy()


def act(app: AppTest, interaction) -> AppTest:
    """Runs the page after an interaction with one of its widgets."""
    assert interaction is not None
    return run(app)


def open_page(**query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return run(app)


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def button(app: AppTest, label: str):
    return next(item for item in app.button if item.label == label)


def metric(app: AppTest, label: str):
    return next(item for item in app.metric if item.label == label)


def cell(app: AppTest) -> str:
    return query(app)["cell"]


def query(app: AppTest) -> dict[str, str]:
    return {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}


def test_opens_with_a_cell_already_transformed():
    app = open_page()
    gain = metric(app, "CIFAR-10 validation (tabular)").delta
    assert gain.startswith("+") and metric(app, "MACs").delta.startswith("−")
    assert "NAS-Bench-201, C 16, 15 cells, 32×32" in app.caption[0].value


def test_metrics_are_the_cores_numbers():
    app = open_page(cell="nasbench201:7")
    before = parse(cell(app))
    value = metric(app, "CIFAR-10 validation (tabular)")
    assert f"on {SOURCE.accuracy_percent([before])[0]:.2f} %" in value.delta


def test_random_best_and_worst():
    app = open_page()
    act(app, button(app, "Best").click())
    assert parse(cell(app)) == architecture_of_code(int(accuracies_percent("cifar10_valid").argmax()))
    assert any("Already as good as it gets" in item.value for item in app.markdown)
    act(app, button(app, "Worst").click())
    assert parse(cell(app)) == architecture_of_code(int(accuracies_percent("cifar10_valid").argmin()))
    seen = {cell(act(app, button(app, "Random").click())) for _ in range(4)}
    assert len(seen) > 1


def test_an_index_is_chosen_and_shown():
    app = open_page()
    act(app, app.number_input(key="index").set_value(5))
    assert app.number_input(key="index").value == 5
    assert parse(cell(app)) == parse(cell(open_page(cell="nasbench201:5")))


def test_candidates_samples_seed_and_budget():
    app = open_page()
    act(app, app.number_input(key="samples").set_value(3))
    assert len(app.selectbox(key="candidate").options) == 4
    act(app, app.slider(key="budget").set_value(60))
    assert query(app)["budget"] == "60"
    assert metric(app, "MACs").delta.startswith("−")
    act(app, app.segmented_control(key="method").set_value("sampled"))
    act(app, app.number_input(key="seed").set_value(5))
    assert query(app)["seed"] == "5"


def test_another_candidate_becomes_the_output_and_goes_back_with_new_input():
    app = open_page()
    best = metric(app, "CIFAR-10 validation (tabular)").value
    act(app, app.selectbox(key="candidate").set_value(2))
    assert query(app)["candidate"] == "2"
    assert metric(app, "CIFAR-10 validation (tabular)").value <= best
    assert any("Showing candidate 3 of" in item.value for item in app.markdown)
    act(app, button(app, "Worst").click())
    assert "candidate" not in query(app)


def test_a_link_reopens_the_same_view():
    app = open_page()
    act(app, app.number_input(key="samples").set_value(20))
    act(app, app.selectbox(key="candidate").set_value(1))
    again = open_page(**query(app))
    assert [(m.label, m.value, m.delta) for m in again.metric] == [(m.label, m.value, m.delta) for m in app.metric]


def test_a_pasted_cell_is_used():
    app = open_page()
    act(app, app.segmented_control(key="source").set_value("paste"))
    app.text_area(key="pasted").set_value("|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|")
    act(app, button(app, "Use this cell").click())
    assert cell(app) == "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "no architecture 'nonsense' in the library"),
        ("|nor_conv_9x9~0|", "unknown operation 'nor_conv_9x9'"),
        (
            "Genotype(normal=[('conv_3x3', 2, 2)], normal_concat=[2], reduce=[('null', 0, 2)], reduce_concat=[2])",
            "a cycle",
        ),
        ("(" + "x" * 1_000_000, "at most 65,536 are accepted"),
        ("", "the text is empty"),
    ],
)
def test_bad_text_is_one_sentence_and_the_page_stays_as_it_was(text, message):
    app = open_page()
    before = [(item.label, item.value, item.delta) for item in app.metric]
    act(app, app.segmented_control(key="source").set_value("paste"))
    app.text_area(key="pasted").set_value(text)
    act(app, button(app, "Use this cell").click())
    assert len(app.error) == 1 and message in app.error[0].value and "\n" not in app.error[0].value
    assert [(item.label, item.value, item.delta) for item in app.metric] == before


def test_a_bad_address_is_told_and_the_default_is_shown():
    app = open_page(cell="|oops~0|", samples="none")
    assert len(app.warning) == 2
    assert app.metric


def test_an_architecture_without_a_policy_shows_costs_and_says_why():
    app = open_page(cell="DARTS")
    assert "No policy for Fully-concat (DARTS-like) architectures has been trained yet" in app.info[0].value
    assert metric(app, "MACs").value == "528.4 M" and metric(app, "Parameters").value == "3.35 M"
    act(app, app.selectbox(key="library_name").set_value("ENAS"))
    assert metric(app, "MACs").value == "605.7 M"


def test_flops_are_twice_the_macs():
    app = open_page()
    macs = float(metric(app, "MACs").value.split()[0])
    act(app, app.toggle(key="flops").set_value(True))
    assert float(metric(app, "FLOPs").value.split()[0]) == pytest.approx(2 * macs, abs=0.2)


def test_the_chosen_edges_probabilities_sum_to_one_and_all_toggles_work():
    app = open_page()
    act(app, app.selectbox(key="edge").set_value(3))
    act(app, app.toggle(key="only_changes").set_value(True))
    act(app, app.toggle(key="hide_null").set_value(True))
    frame = app.dataframe[0].value
    assert set(frame["Change"]) <= {"changed", "removed", "added"} and len(frame)


def test_two_visitors_do_not_see_each_other():
    one, other = open_page(), open_page(cell="nasbench201:3")
    act(one, button(one, "Worst").click())
    run(other)
    assert cell(other) != cell(one)
