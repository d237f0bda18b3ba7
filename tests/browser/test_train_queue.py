"""Several runs at once in a real browser, killed ones, and what is refused before it starts; the processes are real.

The record is on a team's MLflow server with a database of its own; `test_train` has it in a file.
"""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from nat_core.runs.run import Run
from nat_core.runs.tracking import Tracking, open_tracking
from tests.support.browser import SLOW, fill, form, press, settled, status, wait_until

pytestmark = pytest.mark.browser


def shown(page: Page, address: str, *runs: Run) -> None:
    page.goto(f"{address}/train?runs={','.join(run.short_id for run in runs)}")


def named(store: Tracking, name: str) -> Run:
    return next(run for run in store.runs() if run.name == name)


@pytest.mark.journey
@pytest.mark.parametrize("record", ["server"], indirect=True)
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


def test_what_cannot_work_is_refused_in_one_sentence(visit, tmp_path):
    store = open_tracking()  # the app's, which other tests use as well
    known = [run.id for run in store.runs()]
    page = visit("/train")
    form(page, "Fully-concat (DARTS-like)", "Smoke")
    page.get_by_text("Advanced").click()
    alert = page.get_by_test_id("stAlert")
    for label, text, said in (
        ("Channels", "5", "Channels is 5; it must be even"),
        ("Channels", "256", "of memory are needed, and this machine has"),
        ("Epochs", "0", "Epochs is 0; accepted: whole numbers from 1"),
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
    assert [run.id for run in store.runs()] == known


def choose_again(page: Page) -> None:
    """Back to the preset's own settings."""
    for preset in ("CPU", "Smoke"):
        page.get_by_role("radio", name=preset).click()
        settled(page)
