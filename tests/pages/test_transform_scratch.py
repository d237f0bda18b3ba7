"""Input and output are trained from scratch from the page, and what comes out stands beside the prediction."""

import time

import pytest

from nat_core.architecture.library import library
from nat_core.naming import resolve
from nat_core.runs.folders import Folders
from nat_core.runs.tracking import open_tracking
from tests.pages.test_transform_page import act, button, open_page, run
from tests.support.components import figures, metric, verdict
from ui import scratch


@pytest.fixture
def tracking(monkeypatch, tmp_path, empty_database):
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    (tmp_path / "mlflow.db").write_bytes(empty_database.read_bytes())
    return open_tracking(f"sqlite:///{tmp_path / 'mlflow.db'}", Folders(tmp_path))


def test_both_are_trained_and_their_accuracies_appear(tracking):
    app = open_page(cell="DARTS")
    assert not any("measured" in item.label for item in figures(app))
    act(app, app.radio(key="scratch_preset").set_value("smoke"))
    act(app, button(app, "Start").click())
    (started,) = tracking.runs()
    names = [item["name"] for item in started.config["architectures"]]
    assert names == ["DARTS", "", "NATv2_DARTS"] and started.request.preset == "smoke"
    assert started.request.command.startswith("python -m nat_core evaluate DARTS ")
    deadline = time.monotonic() + 300
    while not any("measured" in item.label for item in figures(run(app))):
        assert time.monotonic() < deadline and not app.error, [item.value for item in app.error]
        time.sleep(1)
    measured = metric(app, "From scratch (measured, a demonstration)")
    gain = measured.delta.partition(" points")[0]
    assert verdict(app).endswith(f"; trained for a demonstration, {gain} points.")


def test_a_second_click_at_once_is_no_second_run(tracking, monkeypatch):
    started = []
    monkeypatch.setattr(scratch, "launched", lambda named, preset: started.append(named) or "none")
    app = open_page(cell="DARTS")
    button(app, "Start").click()
    run(app)
    button(app, "Start").click()
    run(app)
    assert len(started) == 1 and started[0][library()["DARTS"].architecture] == "DARTS"


def test_what_cannot_be_started_is_said(monkeypatch):
    def refuse(named, preset):
        raise OSError("the disk is full")

    monkeypatch.setattr(scratch, "launched", refuse)
    app = open_page(cell="DARTS")
    act(app, button(app, "Start").click())
    assert [item.value for item in app.error] == ["The training was not started: the disk is full."]


def test_the_input_alone_is_not_trained_against_itself():
    app = open_page(cell="DARTS", candidate="0")
    popover = next(item for item in app.get("popover") if item.proto.popover.label == "Train both from scratch")
    assert popover.proto.popover.disabled


def test_a_request_names_what_has_a_name(tracking):
    from nat_core.runs.launcher import stop

    run_id = scratch.launched({library()[name].architecture: name for name in ("ENAS", "NAT_ENAS")}, "smoke")
    stop(tracking, run_id)
    config = tracking.get(run_id).config
    assert [item["name"] for item in config["architectures"]] == ["ENAS", "NAT_ENAS"]
    assert resolve(config["architectures"][0]["genotype"]) == library()["ENAS"].architecture
