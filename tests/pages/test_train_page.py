"""The Train page through Streamlit's own test harness; launched processes are for the browser tests."""

import json
import shlex
import shutil
import subprocess
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.architecture import notation
from nat_core.learning.forms import with_options
from nat_core.learning.image_training.config import WeightsConfig
from nat_core.learning.image_training.presets import preset
from nat_core.learning.policies.checkpoint import load_card, name_policy
from nat_core.learning.training.config import RECIPES, TRAININGS, TrainingConfig
from nat_core.options import with_fields
from nat_core.paths import PRETRAINED, PROJECT
from nat_core.runs.artifacts import Snapshots
from nat_core.runs.folders import default_folders
from nat_core.runs.kinds import request_for
from nat_core.runs.run import State
from nat_core.runs.store import Point
from nat_core.runs.tracking import open_tracking
from tests.learning.accuracies.trained import table
from tests.support.calibration import write_calibration
from ui.train import form, where

APP = str(PROJECT / "app.py")


@pytest.fixture
def tracking(empty_database, monkeypatch, tmp_path):
    """An empty record that the page opens."""
    shutil.copy(empty_database, tmp_path)
    write_calibration(tmp_path)
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    opened = open_tracking()
    assert opened.folders == default_folders()
    yield opened
    shutil.rmtree(tmp_path, ignore_errors=True)


def open_page(**query: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return run(app.switch_page("pages/train.py"))


def run(item) -> AppTest:
    """Runs the page, or what an interaction with one of its widgets leads to."""
    app = item.run()
    assert not app.exception
    return app


def choose(app: AppTest, space: str, preset: str) -> None:
    run(app.selectbox(key="train_space").set_value(space))
    run(app.segmented_control(key="train_preset").set_value(preset))


def button(app: AppTest, label: str):
    return next(item for item in app.button if item.label == label)


def recorded(tracking, name: str, state: State = State.STOPPED, **changes):
    config = with_options(preset("smoke", "fully_concat"), changes)
    run_id = tracking.create(request_for("train-images", config, preset="smoke", name=name)).id
    points = [Point("weight_loss", step, 2.0 / step, 1.0) for step in (1, 2, 3)]
    tracking.note(run_id, {"state": state, "step": 3, "best": 1.25, "last": 0.5}, points)
    return tracking.get(run_id)


def test_a_training_from_images_is_shared_by_processes_of_a_cluster(tracking, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "ray://127.0.0.1:9")  # nothing answers there, which the page says
    app = open_page()
    run(app.segmented_control(key="train_where").set_value(where.CLUSTER))
    assert "train_workers" not in {item.key for item in app.text_input}  # NAS-Bench-201's is one process
    choose(app, "fully_concat", "cpu")
    run(app.text_input(key="train_workers").set_value("4"))
    assert app.code[0].value.endswith("--preset cpu --on ray://127.0.0.1:9 --workers 4")
    run(app.text_input(key="train_workers").set_value("many"))
    assert app.error[-1].value == "Processes is 'many'; accepted: a whole number, 1 or more."
    run(app.text_input(key="train_workers").set_value("999"))
    assert "256" in app.error[-1].value and button(app, "Launch").disabled
    run(app.segmented_control(key="train_where").set_value(where.HERE))
    assert app.code[0].value.endswith("--preset cpu") and not app.error


def test_the_form_is_checked_while_typing_and_says_the_command(tracking):
    app = open_page()
    assert any("No run yet" in item.value for item in app.caption)
    choose(app, "fully_concat", "cpu")
    run(app.text_input(key="train_channels").set_value("7"))
    assert app.error[0].value == "Channels is 7; it must be even, since a reduction halves it in two paths."
    assert button(app, "Launch").disabled
    run(app.text_input(key="train_channels").set_value("6"))
    assert not app.error and not button(app, "Launch").disabled
    assert app.code[0].value.endswith(" -m nat_core train --space fully_concat --preset cpu --channels 6")
    shown = [*shlex.split(app.code[0].value)[:3], "train", "--help"]
    assert subprocess.run(shown, capture_output=True, cwd=PROJECT).returncode == 0  # can be pasted as it is
    assert [item.label for item in app.metric] == ["Time, about", "Memory, up to", "Steps"]


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("epochs", "many", "Epochs: 'many' is not a whole number."),
        ("epochs", "0", "Epochs is 0; accepted: whole numbers from 1 to"),
        ("layers", "500", "Layers is 500; "),
        ("cost_weight", "nan", "Cost weight λ: 'nan' is not a finite number."),
        ("threads", "9999", "Threads is 9999; this machine has "),
        ("name", "x" * 200, "is not one line of at most 100 characters"),
        ("data", "", "Data is ''; accepted: a text from 1 to 1,000 characters"),
    ],
)
def test_what_cannot_work_is_one_sentence(tracking, field, text, message):
    app = open_page()
    choose(app, "loose_end", "cpu")
    run(app.text_input(key=f"train_{field}").set_value(text))
    assert len(app.error) == 1 and message in app.error[0].value and "\n" not in app.error[0].value
    assert button(app, "Launch").disabled


def test_missing_images_are_refused_at_the_launch(tracking, tmp_path):
    app = open_page()
    choose(app, "fully_concat", "cpu")
    run(app.text_input(key="train_data").set_value(str(tmp_path / "no.parquet")))
    run(button(app, "Launch").click())
    assert len(app.error) == 1 and app.error[0].value.startswith("No images at ") and tracking.runs() == []


def test_runs_are_listed_chosen_by_the_address_and_compared(tracking):
    one, two = recorded(tracking, "one"), recorded(tracking, "two", seed=5)
    app = open_page(runs=f"{one.short_id},{two.short_id}")
    assert list(app.dataframe[0].value["Run"]) == ["two", "one"]
    assert [item.value.split(" · ")[0] for item in app.markdown[:2]] == ["**one**", "**two**"]
    run(app.segmented_control(key="train_view").set_value("Settings"))
    settings = app.dataframe[1].value
    assert settings.iloc[0].tolist() == ["seed", "0", "5"]
    for view in ("Timeline", "Log", "Files", "Curves"):
        run(app.segmented_control(key="train_view").set_value(view))
    run(app.text_input(key="train_search").set_value("two"))
    assert list(app.dataframe[0].value["Run"]) == ["two"]


def test_a_clone_fills_the_form(tracking):
    recorded(tracking, "one", epochs=9, seed=4, channels=6)
    app = open_page()
    run(button(app, "Clone").click())
    assert app.selectbox(key="train_space").value == "fully_concat"
    assert [app.text_input(key=f"train_{name}").value for name in ("epochs", "seed", "channels")] == ["9", "4", "6"]
    assert app.code[0].value.endswith("--space fully_concat --preset smoke --epochs 9 --seed 4 --channels 6")


def test_the_recipe_of_trainings_has_its_own_options_and_is_cloned(tracking):
    config = replace(RECIPES[TRAININGS], space="loose_end", steps=70, seed=3)
    tracking.create(request_for("train", config, preset="trainings", device="cpu", threads=1, name="one"))
    app = open_page()
    run(button(app, "Clone").click())
    assert (app.selectbox(key="train_space").value, app.segmented_control(key="train_preset").value) == (
        "loose_end", "trainings",
    )  # fmt: skip
    assert {item.label for item in app.text_input} >= {"Policy steps", "Seed", "Cost weight λ"}
    assert not {item.label for item in app.text_input} & {"Images", "Epochs", "Channels"}
    assert app.code[0].value.endswith("train --space loose_end --recipe trainings --steps 70 --seed 3")
    run(app.selectbox(key="train_space").set_value("nasbench201"))
    assert app.segmented_control(key="train_preset").value == "cpu" and "--recipe budgets" in app.code[0].value


def test_own_trained_cells_are_read_and_become_the_reward(tracking):
    found = table(40)
    rows = zip(map(notation.shortest, found.architectures), found.accuracies_percent, strict=True)
    content = "genotype,accuracy\n" + "".join(f'"{text}",{value:.2f}\n' for text, value in rows)
    app = open_page()
    run(app.selectbox(key="train_space").set_value("fully_concat"))
    run(app.segmented_control(key="train_preset").set_value("trainings"))
    run(app.file_uploader[0].set_value([("../../my cells.csv", content.encode(), "text/csv")]))
    (file,) = (tracking.folders.root / "trainings").iterdir()
    assert file.read_bytes() == content.encode() and file.name.startswith("mycells-")
    assert any("(40 cells); cells of other topologies are predicted with rank" in item.value for item in app.caption)
    assert app.code[0].value.endswith(f"--recipe trainings --trainings {file}")
    run(app.file_uploader[0].set_value([("none.csv", b"a,b\n1,2\n", "text/csv")]))
    assert any("accepted: CSV or parquet" in item.value for item in app.error)
    run(app.file_uploader[0].set_value(None))
    assert "--trainings" not in app.code[0].value


def test_rename_and_delete_which_asks(tracking):
    recorded(tracking, "one")
    app = open_page()
    app.text_input(key=f"train_rename_{tracking.runs()[0].id}").set_value("better")
    run(button(app, "Save").click())
    assert [item.name for item in tracking.runs()] == ["better"]
    run(button(app, "Delete").click())
    assert any("Delete **better**" in item.value for item in app.warning) and tracking.runs()
    run(button(app, "Keep it").click())
    assert not app.warning
    run(button(app, "Delete").click())
    run(button(app, "Delete it").click())
    assert tracking.runs() == [] and not app.warning
    assert any("No run yet" in item.value for item in app.caption)


def test_a_run_that_failed_says_why_and_its_log_is_a_click_away(tracking):
    failed = recorded(tracking, "one", State.FAILED)
    tracking.note(failed.id, {"error": "the loss is not finite"})
    tracking.folders.log(failed.id).write_text("2026-01-01 00:00:00  failed: the loss is not finite\n")
    app = open_page()
    assert [item.value for item in app.error] == ["The loss is not finite."]
    run(app.segmented_control(key="train_view").set_value("Log"))
    assert any("the loss is not finite" in item.value for item in app.code)


def test_a_lost_run_shows_the_last_lines_of_its_log(tracking):
    lost = recorded(tracking, "one", State.LOST)
    tracking.folders.log(lost.id).write_text("".join(f"2026-01-01 00:00:00  step {step}/75\n" for step in range(20)))
    app = open_page()
    assert app.code[0].value.splitlines() == [f"2026-01-01 00:00:00  step {step}/75" for step in range(15, 20)]
    assert any("Resume continues from its last checkpoint" in item.value for item in app.markdown)


def test_a_link_to_a_run_that_is_gone_says_so(tracking):
    recorded(tracking, "one")
    app = open_page(runs="00000000")
    assert [item.value for item in app.error] == [
        "There is no run 00000000; it may have been deleted, or is in another record."
    ]
    assert not run(app.text_input(key="train_search").set_value("one")).error


def test_of_several_runs_the_page_says_whose_the_buttons_are(tracking):
    one, two = recorded(tracking, "one"), recorded(tracking, "two")
    app = open_page(runs=f"{one.short_id},{two.short_id}")
    assert any(item.value.startswith("The buttons are for one,") for item in app.caption)
    run(button(app, "Clone").click())
    assert app.selectbox(key="train_space").value == "fully_concat"


def test_the_form_is_not_worked_out_while_it_is_closed(tracking):
    """Its estimate may have to measure this machine first."""
    recorded(tracking, "one")
    (tracking.folders.root / "calibration.json").unlink()
    app = open_page()
    assert app.dataframe[0].value["Run"].tolist() == ["one"]
    assert not (tracking.folders.root / "calibration.json").exists()


def test_the_timeline_draws_what_became_of_an_architecture(tracking):
    made = tracking.create(request_for("train", TrainingConfig(), name="one"))
    tracking.note(made.id, {"state": State.STOPPED, "step": 3})
    shutil.copytree(PROJECT / "pretrained" / "nasbench201", Snapshots.of(tracking.folders, made).folder / "000000003")
    app = open_page()
    run(app.segmented_control(key="train_view").set_value("Timeline"))
    assert app.selectbox(key="train_cell_nasbench201").value == "nasbench201:5982"

    def drawn() -> list[str]:
        return [item.value for item in app.markdown if item.value.startswith("**Step 3** · ")]

    (whole,) = drawn()
    run(app.slider(key="train_timeline_budget").set_value(40))
    (cheap,) = drawn()
    assert whole != cheap and -100 <= float(cheap.split(" · ")[2].split()[0].replace("−", "-")) <= -60


@pytest.mark.parametrize("space", ["nasbench201", "fully_concat", "loose_end"])
def test_the_first_choice_is_the_recipe_of_the_policy_that_ships(tracking, space):
    app = open_page()
    run(app.selectbox(key="train_space").set_value(space))
    card = load_card(PRETRAINED / space)
    assert f"{app.code[0].value} --output pretrained/{space}".partition(" -m ")[2] == card.command.partition(" -m ")[2]


def test_the_form_asks_for_budgets_where_the_recipe_has_some(tracking, monkeypatch):
    launched = []
    monkeypatch.setattr(form.launcher, "launch", lambda tracking, request: launched.append(request) or "0" * 32)
    app = open_page()
    assert app.selectbox(key="train_budget").value == "macs" and "Pixel 3" in app.selectbox(key="train_budget").options
    run(app.selectbox(key="train_budget").set_value("pixel3"))
    run(app.text_input(key="train_smallest_budget").set_value("1.5"))
    assert len(app.error) == 1 and app.error[0].value.startswith("Smallest is 1.5; accepted: ")
    run(app.text_input(key="train_smallest_budget").set_value("0.3"))
    words = "--recipe budgets --budget pixel3 --smallest-budget 0.3"
    assert app.code[0].value.endswith(f"train --space nasbench201 {words}")
    run(button(app, "Launch").click())
    assert launched[0].config["budgets"] == {"cost": "pixel3", "smallest": 0.3, "whole": 0.2}
    app = open_page()
    choose(app, "fully_concat", "trainings")
    assert app.selectbox(key="train_budget").options == ["None", "MACs", "Parameters"]
    assert app.text_input(key="train_smallest_budget").value == "0.15"


def test_a_finished_policy_opens_on_transform_with_a_cell_of_its_space(tracking):
    run_id = tracking.create(request_for("train", TrainingConfig(), name="one")).id
    tracking.note(run_id, {"state": State.FINISHED, "step": 3})
    name_policy(shutil.copytree(PRETRAINED / "nasbench201", tracking.folders.policy(run_id)), "one")
    app = open_page()
    (link,) = [item.proto for item in app.get("page_link") if item.proto.label == "Use on Transform"]
    asked = dict(parse_qsl(link.query_string))
    assert asked == {"cell": "nasbench201:5982", "policy": "one"}


def test_what_is_chosen_beside_the_table_is_ticked_in_it(tracking):
    one, _ = recorded(tracking, "one"), recorded(tracking, "two")
    app = open_page()
    run(app.multiselect(key="train_shown").set_value([run.id for run in tracking.runs()]))
    assert ticked(app) == {0, 1}
    run(app.multiselect(key="train_shown").set_value([one.id]))
    assert ticked(app) == {1}


def ticked(app: AppTest) -> set[int]:
    """Rows with which the table begins."""
    return set(json.loads(app.dataframe[0].proto.selection_default)["selection"]["rows"])


def test_a_name_that_a_run_has_cannot_be_given_again(tracking):
    one, two = recorded(tracking, "one"), recorded(tracking, "two")
    app = open_page()
    run(button(app, "Clone").click())
    for taken in ("one", " two "):
        run(app.text_input(key="train_name").set_value(taken))
        assert [item.value for item in app.error] == [
            f"A run is called '{taken.strip()}' already; choose another name."
        ]
        assert button(app, "Launch").disabled
    run(app.text_input(key="train_name").set_value("three"))
    assert not app.error and not button(app, "Launch").disabled
    app.text_input(key=f"train_rename_{two.id}").set_value("one")
    run(button(app, "Save").click())
    assert [item.value for item in app.error] == ["A run is called 'one' already; choose another name."]
    assert sorted(item.name for item in tracking.runs()) == ["one", "two"] and one.id != two.id


def test_a_run_whose_configuration_cannot_be_read_says_so(tracking):
    gone = recorded(tracking, "one")
    shutil.rmtree(tracking.folders.artifacts / gone.id)
    tracking._request_of.cache_clear()
    app = open_page()
    assert app.dataframe[0].value["Run"].tolist() == ["one"]
    run(app.segmented_control(key="train_view").set_value("Settings"))
    assert len(app.error) == 1 and app.error[0].value.startswith("The configuration of the run ")
    run(button(app, "Clone").click())
    assert any("cannot be read" in item.value for item in app.error)


SMOKE = preset("smoke", "fully_concat")
NUMBERS = {
    "optimizer.learning_rate": 1e-5,
    "optimizer.weight_decay": 0.0003,
    "reward.cost_weight": 0.1234567,
    "reinforce.entropy_end": 1 / 3,
    "optimizer.betas": (0.123456789, 0.9),
}


@pytest.mark.parametrize(
    ("kind", "name", "config"),
    [
        ("train", "group", with_fields(TrainingConfig(), {**NUMBERS, "steps": 70, "seed": 3})),
        ("train", "trainings", with_fields(
            RECIPES[TRAININGS], {"space": "loose_end", "reward.change_weight": 1e-7, "reward.caution": 2.000001}
        )),
        ("train-images", "smoke", replace(SMOKE, policy=with_fields(SMOKE.policy, NUMBERS),
                                          weights=replace(SMOKE.weights, epochs=9))),
        ("train-images", "smoke", replace(preset("smoke", "fully_concat", "alternate"),
                                          weights=WeightsConfig(learning_rate=0.0123456789, weight_decay=1e-9))),
    ],
)  # fmt: skip
def test_a_clone_has_exactly_the_same_numbers(tracking, monkeypatch, kind, name, config):
    tracking.create(request_for(kind, config, preset=name, device="cpu", threads=1, name="one"))
    launched = []
    monkeypatch.setattr(form.launcher, "launch", lambda tracking, request: launched.append(request) or "0" * 32)
    app = open_page()
    run(button(app, "Clone").click())
    run(button(app, "Launch").click())
    assert not app.error
    assert type(config).from_dict(json.loads(json.dumps(launched[0].config))) == config


def test_of_a_clone_only_what_is_changed_differs(tracking, monkeypatch):
    config = with_fields(TrainingConfig(), {**NUMBERS, "steps": 70})
    tracking.create(request_for("train", config, preset="group", device="cpu", threads=1, name="one"))
    launched = []
    monkeypatch.setattr(form.launcher, "launch", lambda tracking, request: launched.append(request) or "0" * 32)
    app = open_page()
    run(button(app, "Clone").click())
    assert any(item.value == "Settings without a command line option are copied from one." for item in app.caption)
    run(app.text_input(key="train_steps").set_value("80"))
    run(button(app, "Launch").click())
    assert TrainingConfig.from_dict(launched[0].config) == replace(config, steps=80)


@pytest.mark.parametrize("name", ["mnist", "somebody/pets"])
def test_images_on_the_hub_are_fetched_by_the_run_not_by_the_page(tracking, monkeypatch, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    launched = []
    monkeypatch.setattr(form.launcher, "launch", lambda tracking, request: launched.append(request) or "0" * 32)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", lambda *_, **__: pytest.fail("the page asked the hub"))
    app = open_page()
    choose(app, "fully_concat", "cpu")
    run(app.text_input(key="train_data").set_value(name))
    run(button(app, "Launch").click())
    assert not app.error and launched[0].config["data"] == name
