"""The Compare page through Streamlit's own test harness; clicks in charts are for the browser tests."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.notation import shortest
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import oracle_codes
from nat_core.learning.scratch.measured import MeasuredResult, add_measured
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.paths import PROJECT
from nat_core.runs.folders import default_folders
from ui.compare.outputs import output_code

APP = str(PROJECT / "app.py")
VALID = table.accuracies_percent("cifar10_valid")


def open_page(**query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return run(app.switch_page("pages/compare.py"))


def run(app: AppTest) -> AppTest:
    app.run()
    assert not app.exception
    return app


def metric(app: AppTest, label: str):
    return next(item for item in app.metric if item.label == label)


def table_of(app: AppTest):
    return next(item.value for item in app.dataframe if "Name" in item.value)


def code_of(index: int) -> int:
    return int(table.codes([table.architecture_of_index(index)])[0])


@pytest.mark.parametrize("index", [5, 77, 9930])
def test_the_output_and_how_far_it_is_from_optimal_are_the_cores_numbers(index):
    app = open_page()
    app.number_input(key="cell201").set_value(index)
    run(app)
    before, after = code_of(index), output_code(code_of(index), 10)
    assert metric(app, "Accuracy (tabular)").value == f"{VALID[after]:.2f} %"
    missing = VALID[oracle_codes("cifar10_valid")[before]] - VALID[after]
    assert metric(app, "Possible gain recovered").delta == f"{missing:.2f} points missing"


def test_it_opens_with_the_cell_of_the_transform_page():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["cell"] = "nasbench201:77"
    run(app)
    run(app.switch_page("pages/compare.py"))
    assert app.number_input(key="cell201").value == 77


def test_axes_choice_and_random():
    app = open_page()
    for key, value in (("x", "pixel3"), ("y", "imagenet16_120_test")):
        app.selectbox(key=key).set_value(value)
        run(app)
    assert "Latency on Pixel 3 measured for HELP" in app.caption[0].value
    app.segmented_control(key="output").set_value(1)
    run(app)
    seen = set()
    for _ in range(4):
        next(item for item in app.button if item.label == "Random").click()
        run(app)
        seen.add(app.number_input(key="cell201").value)
    assert len(seen) > 1


def test_an_address_reopens_the_view():
    app = open_page(cell201="77", x="Latency on Pixel 3", output="Greedy", reachable="false")
    assert app.number_input(key="cell201").value == 77 and app.selectbox(key="x").value == "pixel3"
    assert metric(app, "Accuracy (tabular)").value == f"{VALID[output_code(code_of(77), 1)]:.2f} %"
    assert not app.toggle(key="reachable").value
    app = open_page(**{"compare": "Architectures", "network": "ImageNet", "channels-imagenet": "32"})
    assert app.segmented_control(key="network").value == "imagenet"
    assert app.number_input(key="channels-imagenet").value == 32


def test_the_table_follows_the_size_of_the_network():
    app = open_page(compare="Architectures")
    frame = table_of(app).set_index("Name")
    assert frame.loc["DARTS", "MACs, M"] == pytest.approx(528.359, abs=1e-3)
    app.number_input(key="channels-cifar").set_value(16)
    app.number_input(key="layers-cifar").set_value(8)
    run(app)
    assert table_of(app).set_index("Name").loc["DARTS", "MACs, M"] < 60
    app.segmented_control(key="network").set_value("imagenet")
    run(app)
    frame = table_of(app).set_index("Name")
    assert frame.loc["DARTS", "MACs, M"] == pytest.approx(529.912, abs=1e-3)
    assert "conv 1×1 → max 3×3" in frame.loc["NATv2_NAONet", "Outside the rule"]


def test_kinds_without_results_say_so():
    app = open_page(compare="Architectures")
    app.segmented_control(key="pairs_y").set_value("published")
    run(app)
    assert not app.info
    app.segmented_control(key="network").set_value("nasbench201")
    run(app)
    assert "No architecture here fits NAS-Bench-201" in app.info[0].value


def test_what_was_trained_here_from_scratch_is_shown_with_its_budget(monkeypatch, tmp_path):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    monkeypatch.setattr("ui.compute.SHIPPED", tmp_path / "nothing.jsonl")
    texts = dict.fromkeys(("network", "preset"), "") | {"data": "CIFAR-10", "date": "2026-01-01"}
    numbers = {"parameters": 1, "macs": 1, "epochs": 3, "elapsed_seconds": 1.0}
    genotype = shortest(library()["NAT_DARTS"].architecture)
    found = [
        MeasuredResult(
            "x",
            genotype,
            accuracy,
            "test",
            "b",
            seed,
            settings={},
            machine={},
            top5_accuracy=accuracy + 5,
            **numbers,
            **texts,
        )
        for seed, accuracy in enumerate((90.0, 91.0))
    ]
    add_measured(default_folders().measured, *found)
    app = open_page(compare="Architectures")
    assert table_of(app).set_index("Name").loc["NAT_DARTS", "Accuracy (measured), %"] == 90.5
    assert table_of(app).set_index("Name").loc["NAT_DARTS", "Top-5 (measured), %"] == 95.5
    app.segmented_control(key="pairs_y").set_value("measured")
    assert "trained from scratch, epochs 3, test images of CIFAR-10" in run(app).caption[0].value
    other = replace(found[0], budget="c", epochs=2)
    add_measured(default_folders().measured, other)
    run(app)
    assert app.selectbox(key="budget_of_measured").value == "b"  # the longer trainings
    app.selectbox(key="budget_of_measured").set_value("c")
    assert "epochs 2" in run(app).caption[0].value
    default_folders().measured.write_text("broken\n")
    assert "Measured accuracies cannot be read" in run(app).warning[0].value


def test_own_architectures_come_with_what_the_policy_makes_of_them_and_go():
    app = open_page(compare="Architectures")
    app.segmented_control(key="network").set_value("nasbench201")
    run(app)
    app.text_input(key="own_name").set_value("mine")
    app.text_input(key="own_text").set_value("nasbench201:77")
    next(item for item in app.button if item.label == "Add").click()
    run(app)
    assert table_of(app)["Name"].tolist() == ["mine", "mine, ours"]
    next(item for item in app.button if item.label == "Remove mine").click()
    run(app)
    assert not app.dataframe


def test_two_are_compared_edge_by_edge():
    app = open_page(compare="Architectures")
    before, after = (library()[name].architecture for name in ("DARTS", "NATv2_DARTS"))
    differing = app.dataframe[0].value
    assert len(differing) == len(difference(before, after))
    assert metric(app, "Edges that differ").value == f"{len(differing)} of 16"
    saved = (differing["MACs before, M"] - differing["MACs after, M"]).sum()
    model = cost_model(NETWORKS["cifar"])
    assert saved == pytest.approx((model.cost(before).macs - model.cost(after).macs) / 1e6)
    assert set(differing["Allowed by"]) <= {"NAT, NAT++", "NAT++"}


@pytest.mark.parametrize(
    ("first", "second"), [("ENAS", "DARTS"), ("NASNet-A", "MobileNetV2"), ("NAONet", "NATv2_NAONet")]
)
def test_an_address_compares_any_two_whatever_their_topology(first, second):
    app = open_page(compare="Architectures", first=first, second=second, two_cell="Reduction cell")
    assert (app.selectbox(key="first").value, app.selectbox(key="second").value) == (first, second)
    assert app.segmented_control(key="two_cell").value == "reduction"
    whole = table_of(app).set_index("Name")["MACs, M"]
    assert metric(app, "MACs").value == f"{whole[second]:.1f} M"
    app.selectbox(key="second").set_value(first)
    assert "the same" in " ".join(item.value for item in run(app).caption)
    assert metric(app, "Edges that differ").value.startswith("0 of ")


def test_two_are_other_ones_where_the_chosen_ones_do_not_fit():
    app = open_page(compare="Architectures", first="ENAS", second="nothing like it")
    assert app.selectbox(key="second").value == "NATv2_DARTS"
    app.segmented_control(key="network").set_value("nasbench201")
    app.text_input(key="own_text").set_value("nasbench201:77")
    next(item for item in app.button if item.label == "Add").click()
    run(app)
    assert app.selectbox(key="first").value == "own 1" and app.selectbox(key="second").value == "own 1, ours"


def test_the_transform_pages_input_is_compared_too():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["cell"] = "nasbench201:77"
    run(app)
    app.query_params["compare"] = "Architectures"
    run(app.switch_page("pages/compare.py"))
    app.segmented_control(key="network").set_value("nasbench201")
    run(app)
    assert table_of(app)["Name"].tolist() == ["Transform, step 1", "Transform, step 1, ours"]


@pytest.mark.parametrize(("name", "text", "message"), [("x", "nonsense", "in the library"), ("DARTS", "ENAS", "taken")])
def test_what_cannot_be_added_is_one_sentence(name, text, message):
    app = open_page(compare="Architectures")
    before = table_of(app)["Name"].tolist()
    app.text_input(key="own_name").set_value(name)
    app.text_input(key="own_text").set_value(text)
    next(item for item in app.button if item.label == "Add").click()
    run(app)
    assert len(app.error) == 1 and message in app.error[0].value
    assert table_of(app)["Name"].tolist() == before
