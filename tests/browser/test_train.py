"""The journey of a run in a real browser: launched, watched, stopped, resumed, used; the processes are real.

The record is in a file; `test_train_queue` has it on a server. Screenshots in build/screenshots.
"""

import re

import pytest
from playwright.sync_api import expect

from nat_core.paths import PROJECT
from nat_core.runs.run import State
from tests.support.browser import (
    SLOW,
    fill,
    form,
    last_point,
    press,
    status,
    wait_for_curves_beyond,
)

pytestmark = [pytest.mark.browser, pytest.mark.journey]
SCREENSHOTS = PROJECT / "build" / "screenshots"


@pytest.mark.parametrize("record", ["file"], indirect=True)
def test_a_run_is_launched_watched_found_again_stopped_resumed_and_its_policy_used(record, serve, open_page):
    store = record.store
    with serve(**record.environment) as address:
        port = int(address.rpartition(":")[2])
        page = open_page(f"{address}/train")
        page.get_by_text("No run yet").wait_for(timeout=SLOW)
        form(page, "Fully-concat (DARTS-like)", "Smoke", Epochs="24", Policy_steps="16", Name="first")
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
        other.get_by_text("Advanced", exact=True).click()
        expect(other.get_by_role("combobox", name="Policy")).to_have_value("first (checkpoint)", timeout=SLOW)
        other.close()

        press(page, "Resume")
        status(page, "first", "finished", 3 * SLOW)
        finished = store.get(run.id)
        steps = [step for step, _ in store.points(run.id)["weight_loss"]]
        assert (finished.step, finished.state) == (run.steps, State.FINISHED)
        assert steps == sorted(set(steps))
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"train-finished-{record.where}.png", full_page=True)
        page.get_by_role("radio", name="Timeline").click()
        expect(page.get_by_text(re.compile(r"edges? changed")).first).to_be_visible(timeout=SLOW)

        page.goto(f"{address}/?cell=DARTS&policy=first")
        page.get_by_text("Advanced", exact=True).click()
        expect(page.get_by_role("combobox", name="Policy")).to_have_value("first", timeout=SLOW)
        expect(page.get_by_text(re.compile(r"% of [\d.,]+ M")).first).to_be_visible(timeout=SLOW)
