"""The Train page on a team's MLflow server: runs of another machine, by its own command line.

The other machine is another working folder, folder of runs and machine's name; server and processes are real.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Page, expect

from nat_core.paths import PROJECT
from nat_core.runs.folders import Folders
from nat_core.runs.tracking import Tracking, open_tracking
from tests.support.browser import SLOW, last_point, settled, status, wait_for, wait_for_curves_beyond, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.journey]
SCREENSHOTS = PROJECT / "build" / "screenshots"
# Another machine's command line: the same program under that machine's name.
FAR_AWAY = (
    "import socket, sys; socket.gethostname = lambda: 'far-away'; from nat_core.cli import main; main(sys.argv[1:])"
)


@pytest.fixture
def store(mlflow_server, tmp_path) -> Iterator[Tracking]:
    """The server's record, as the app sees it; what a failed test leaves at work is ended."""
    tracking = open_tracking(mlflow_server, Folders(tmp_path / "here"))
    yield tracking
    for run in tracking.runs():
        if run.active and run.process is not None:
            run.process.signal(signal.SIGKILL)


@pytest.fixture
def far_away(mlflow_server, tmp_path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts our command line on another machine."""
    folder, started = tmp_path / "there", []
    folder.mkdir()
    surroundings = {"MLFLOW_TRACKING_URI": mlflow_server, "NAT_LAB_RUNS": str(folder), "PYTHONPATH": str(PROJECT)}

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", FAR_AWAY, *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, cwd=folder, env={**os.environ, **surroundings}, **quiet))
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


@pytest.fixture
def address(mlflow_server, serve, tmp_path) -> Iterator[str]:
    with serve(MLFLOW_TRACKING_URI=mlflow_server, NAT_LAB_RUNS=str(tmp_path / "here")) as found:
        yield found


def train(name: str, steps: int) -> tuple[str, ...]:
    return "train", "--space", "nasbench201", "--steps", str(steps), "--name", name


def used_on_transform(page: Page, address: str, policy: str) -> None:
    page.goto(f"{address}/?cell=nasbench201:0&policy={policy}")
    page.get_by_text("Advanced", exact=True).click()
    expect(page.get_by_role("combobox", name="Policy")).to_have_value(policy, timeout=SLOW)
    expect(page.get_by_text(re.compile(r"% of [\d.,]+ M")).first).to_be_visible(timeout=SLOW)


def view(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).click()


def said(page: Page, text: str) -> None:
    expect(page.get_by_test_id("stCaptionContainer").filter(has_text=text).first).to_be_visible(timeout=SLOW)


# Of each chart that is looked at: the step of the line across it, and what it says there.
_LOOKED_AT = """() => [...document.querySelectorAll(".st-key-train_curves .js-plotly-plot")].flatMap((chart) => {
  const line = chart.querySelector(".spikeline"), axis = chart._fullLayout.xaxis;
  if (!line) return [];
  return [[axis.p2d(line.getAttribute("x1") - axis._offset), chart.querySelector(".hoverlayer").textContent]];
})"""


def show_one_step(page: Page) -> None:
    """The pointer over one chart lets all of them say what they have at that step, and none when it leaves."""
    charts = page.locator(".st-key-train_curves .nsewdrag")
    charts.first.scroll_into_view_if_needed()
    count, box = charts.count(), charts.first.bounding_box()
    assert count >= 4
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=3)
    wait_for(page, f"count => ({_LOOKED_AT})().length === count", count)
    wait_for(page, f"() => ({_LOOKED_AT})().filter(([, text]) => text).length >= 2")  # values near that step
    steps, _ = zip(*page.evaluate(_LOOKED_AT), strict=True)
    assert min(steps) > 0 and max(steps) - min(steps) < 0.01 * max(steps)
    page.mouse.move(1, 1)
    wait_for(page, f"() => ({_LOOKED_AT})().length === 0")


def are_compared(page: Page, *names: str) -> None:
    """One line for each run goes across the settings that differ, up to what came out of it."""
    chart = page.locator(".st-key-train_parallel .js-plotly-plot")
    expect(chart.locator(".axis-title").filter(has_text="Best gain")).to_be_visible(timeout=SLOW)
    assert chart.locator(".axis-title").all_text_contents() == ["Run", "steps", "Best gain"]
    for name in names:
        expect(chart.locator(".axis").get_by_text(name, exact=True)).to_be_visible()
    expect(chart.get_by_text(re.compile("WebGL"))).to_have_count(0)


def test_a_run_of_another_machine_is_watched_and_its_policy_fetched(store, address, open_page, far_away):
    working = far_away(*train("theirs", 3000))
    wait_until(lambda: any(run.name == "theirs" and run.step for run in store.runs()))
    page = open_page(f"{address}/train")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=SLOW)
    status(page, "theirs", "running, step [1-9]")
    said(page, "It works on far-away and can be stopped only there.")
    expect(page.get_by_role("button", name=re.compile("Stop$"))).to_be_disabled()
    wait_for_curves_beyond(page, 0)
    wait_for_curves_beyond(page, last_point(page))
    view(page, "Log")
    expect(page.get_by_test_id("stCode").last).to_contain_text("step ", timeout=SLOW)
    said(page, "the whole log is in")

    working.send_signal(signal.SIGTERM)
    status(page, "theirs", "stopped at step [0-9,]+ of 3,000$")
    said(page, "there on far-away, and it can be resumed only there.")
    expect(page.get_by_role("button", name=re.compile("Resume$"))).to_be_disabled()
    view(page, "Timeline")
    said(page, "its record has copies.")
    page.get_by_role("button", name=re.compile("Fetch them$")).click()
    expect(page.get_by_text(re.compile(r"edges? changed")).first).to_be_visible(timeout=SLOW)

    assert far_away(*train("short", 20)).wait(120) == 0
    short, theirs = (next(run for run in store.runs() if run.name == name) for name in ("short", "theirs"))
    page.goto(f"{address}/train?runs={theirs.short_id},{short.short_id}")
    wait_for_curves_beyond(page, 20)
    settled(page)
    show_one_step(page)
    view(page, "Settings")
    are_compared(page, "theirs", "short")
    page.goto(f"{address}/train?runs={short.short_id}")
    status(page, "short", "finished, step 20 of 20")
    view(page, "Files")
    page.get_by_role("button", name=re.compile("Use it here$")).click()
    said(page, "The policy is in")
    used_on_transform(page, address, "short")
