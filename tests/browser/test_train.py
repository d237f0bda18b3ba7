"""Whole journeys of runs in a real browser: launched, watched, stopped, killed, resumed, used; the processes are real.

Each with the record in a file, and on a team's MLflow server with a database of its own. Screenshots in
build/screenshots.
"""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from nat_core import PROJECT
from nat_core.runs.folders import Folders
from nat_core.runs.run import Run
from nat_core.runs.states import State
from nat_core.runs.tracking import Tracking, open_tracking
from tests.browser.train_steps import (
    SLOW,
    fill,
    form,
    last_point,
    press,
    settled,
    status,
    wait_for_curves_beyond,
    wait_until,
)

pytestmark = pytest.mark.browser
SCREENSHOTS = PROJECT / "build" / "screenshots"


@dataclass(frozen=True)
class Record:
    """A record of runs, what tells the app of it, and where it is."""

    store: Tracking
    environment: dict[str, str]
    where: str


@pytest.fixture(params=["file", "server"])
def record(request, new_mlflow_server, tmp_path) -> Iterator[Record]:
    """A record of its own; what a failed test leaves at work is ended."""
    folder = tmp_path / "server"
    folder.mkdir()
    with new_mlflow_server(folder) if request.param == "server" else nullcontext("") as address:
        tracking = open_tracking(address or f"sqlite:///{tmp_path / 'mlflow.db'}", Folders(tmp_path))
        yield Record(tracking, {"NAT_LAB_RUNS": str(tmp_path), "MLFLOW_TRACKING_URI": address}, request.param)
        for run in tracking.runs():
            if run.active and run.process is not None:
                run.process.signal(signal.SIGKILL)


def test_a_run_is_launched_watched_found_again_stopped_resumed_and_its_policy_used(record, serve, open_page):
    store = record.store
    with serve(**record.environment) as address:
        port = int(address.rpartition(":")[2])
        page = open_page(f"{address}/train")
        page.get_by_text("No run yet").wait_for(timeout=SLOW)
        form(page, "Fully-concat (DARTS-like)", "Smoke", Epochs="14", Policy_steps="8", Name="first")
        page.get_by_text("Advanced").click()
        fill(page, "Rounds", "1")
        press(page, "Launch")
        status(page, "first", "queued|running")
        wait_for_curves_beyond(page, 0)
        wait_for_curves_beyond(page, last_point(page))  # nobody touched anything

        page.reload()
        status(page, "first", "running")
        link = page.url
    assert store.runs()[0].state is State.RUNNING  # with no server at all
    with serve(port, **record.environment):
        page.close()  # the browser went away, too
        page = open_page(link)
        status(page, "first", "running")
        press(page, "Stop")
        status(page, "first", "stopped at step")
        run = store.runs()[0]
        assert 0 < run.step < run.steps

        other = open_page(f"{address}/?cell=DARTS&policy=first%20(checkpoint)")  # a stopped one's checkpoint
        expect(other.get_by_role("combobox", name="Policy")).to_have_value("first (checkpoint)", timeout=SLOW)
        other.close()

        press(page, "Resume")
        status(page, "first", "finished", 3 * SLOW)
        finished = store.get(run.id)
        steps = [step for step, _ in store.history(run.id, "weight_loss")]
        assert (finished.step, finished.state) == (run.steps, State.FINISHED)
        assert steps == sorted(set(steps))
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"train-finished-{record.where}.png", full_page=True)
        page.get_by_role("radio", name="Timeline").click()
        expect(page.get_by_text(re.compile(r"edges? changed")).first).to_be_visible(timeout=SLOW)

        page.goto(f"{address}/?cell=DARTS&policy=first")
        expect(page.get_by_role("combobox", name="Policy")).to_have_value("first", timeout=SLOW)
        expect(page.get_by_test_id("stMetricDelta").first).to_be_visible(timeout=SLOW)


def shown(page: Page, address: str, *runs: Run) -> None:
    page.goto(f"{address}/train?runs={','.join(run.short_id for run in runs)}")


def named(store: Tracking, name: str) -> Run:
    return next(run for run in store.runs() if run.name == name)


def test_three_at_once_wait_their_turn_and_survive_a_kill(record, serve, open_page):
    store = record.store
    with serve(**record.environment) as address:
        page, other = open_page(f"{address}/train"), open_page(f"{address}/train")
        page.get_by_text("No run yet").wait_for(timeout=SLOW)
        for name in ("one", "two", "three"):
            form(page, "NAS-Bench-201", "Smoke", Policy_steps="3000", Name=name)
            page.get_by_role("button", name=re.compile("Launch")).dblclick()
            wait_until(lambda name=name: name in [run.name for run in store.runs()])
        assert sorted(run.name for run in store.runs()) == ["one", "three", "two"]  # though each was clicked twice
        one, two, three = (named(store, name) for name in ("one", "two", "three"))

        for watching in (page, other):
            shown(watching, address, one, two, three)
            status(watching, "one", "running")
            status(watching, "two", r"waits for cpu, 1 before it \(one\)")
            status(watching, "three", "waits for cpu, 2 before it")
        shown(page, address, three)
        press(page, "Stop")
        status(page, "three", "stopped", 30_000)
        status(other, "three", "stopped", 30_000)  # both see the same

        wait_until(lambda: store.get(one.id).step >= 200)
        os.kill(store.get(one.id).process.pid, signal.SIGKILL)
        killed = time.monotonic()
        status(other, "one", "lost at step", 30_000)
        assert time.monotonic() - killed < 30
        shown(page, address, one)
        status(page, "one", "lost at step")
        expect(page.get_by_test_id("stCode").first).to_contain_text("step ", timeout=SLOW)  # the last lines of its log
        page.get_by_role("radio", name="Log").click()
        expect(page.get_by_text("Last lines", exact=False).first).to_be_visible(timeout=SLOW)
        status(other, "two", "running")  # the next one has started

        press(page, "Resume")
        status(page, "one", "waits for cpu")
        shown(other, address, two)
        press(other, "Stop")
        status(other, "two", "stopped")
        status(page, "one", r"running, step [1-9]")
        assert "step 1/" not in "\n".join(store.log_lines(one.id)).rpartition("process ")[2]  # not from the beginning
        press(page, "Stop")
        status(page, "one", "stopped")

        press(page, "Delete")
        page.get_by_role("button", name="Keep it").click()
        press(page, "Delete")
        page.get_by_role("button", name="Delete it").click()
        wait_until(lambda: one.id not in [run.id for run in store.runs()])


def test_what_cannot_work_is_refused_in_one_sentence(record, serve, open_page, tmp_path):
    store = record.store
    with serve(**record.environment) as address:
        page = open_page(f"{address}/train")
        page.get_by_text("No run yet").wait_for(timeout=SLOW)
        form(page, "Fully-concat (DARTS-like)", "Smoke")
        page.get_by_text("Advanced").click()
        alert = page.get_by_test_id("stAlert")
        for label, text, said in (
            ("Channels", "5", "Channels is 5; it must be even"),
            ("Channels", "256", "of memory are needed, and this machine has"),
            ("Epochs", "0", "Epochs is 0; it must be between 1"),
            ("Policy steps", "many", "Policy steps: 'many' is not a whole number."),
        ):
            fill(page, label, text)
            if label == "Channels" and text == "256":
                fill(page, "Layers", "120")
            expect(alert).to_contain_text(said, timeout=SLOW)
            expect(page.get_by_role("button", name=re.compile("Launch"))).to_be_disabled()
            choose_again(page)
        fill(page, "Images", str(tmp_path / "missing.parquet"))
        press(page, "Launch")
        expect(alert).to_contain_text("No images at", timeout=SLOW)
        assert store.runs() == []


def choose_again(page: Page) -> None:
    """Back to the preset's own settings."""
    for preset in ("CPU", "Smoke"):
        page.get_by_role("radio", name=preset).click()
        settled(page)
