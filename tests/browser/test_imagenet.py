"""A training by ImageNet's recipe in a real browser: launched, watched, stopped, resumed, and found on Compare."""

import re
import shutil

import pytest
from playwright.sync_api import expect

from nat_core.learning.scratch.measured import read_measured
from nat_core.paths import PROJECT
from nat_core.runs.folders import Folders
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from tests.support.browser import SLOW, fill, press, settled, status, wait_for_curves_beyond
from tests.support.calibration import write_calibration
from tests.support.image_folder import make_image_folder

pytestmark = [pytest.mark.browser, pytest.mark.journey]
SCREENSHOTS = PROJECT / "build" / "screenshots"
_HEIGHTS = """[...document.querySelectorAll('.js-plotly-plot')]
  .flatMap(chart => chart.data.flatMap(line => Array.from(line.y)))"""


def test_an_evaluation_is_launched_watched_stopped_resumed_and_compared(serve, open_page, empty_database, tmp_path):
    folder = make_image_folder(tmp_path / "pictures", images=60, classes=6, sides=(70, 120))
    (folder / "train" / "n00000000" / "00000.jpg").write_bytes(b"no image")
    runs = tmp_path / "runs"
    runs.mkdir()
    shutil.copy(empty_database, runs)
    write_calibration(runs)
    with serve(NAT_LAB_RUNS=str(runs), NAT_LAB_WORKERS="1") as address:
        page = open_page(f"{address}/train")
        page.get_by_text("No run yet").wait_for(timeout=SLOW)
        settled(page)
        page.get_by_text("New run", exact=True).click()  # closes it
        page.get_by_text("Train from scratch", exact=True).first.click()
        page.get_by_role("radio", name="ImageNet").click(timeout=SLOW)
        settled(page)
        page.get_by_text("More", exact=True).click()
        for label, text in {
            "Images": str(folder), "Epochs": "80", "Channels": "2", "Layers": "3", "Resolution, pixels": "64",
        }.items():  # fmt: skip
            fill(page, label, text)
        expect(page.get_by_text("accepts 193 or more")).to_be_visible(timeout=SLOW)
        page.get_by_role("combobox", name="Auxiliary head").click()
        page.get_by_role("option", name="No").click()
        settled(page)
        fill(page, "Images per step", "10")
        fill(page, "Run's name", "pictures")
        expect(page.get_by_text("ImageNet, C 2, L 3, 64×64, no auxiliary head")).to_be_visible(timeout=SLOW)
        expect(page.get_by_text("streamed", exact=True).first).to_be_visible()
        press(page, "Train from scratch")
        status(
            page, "pictures", r"running, .* images/s, \d+ % of the time waiting for images.*; 1 broken image skipped"
        )
        press(page, "Stop")
        status(page, "pictures", "stopped at step")
        wait_for_curves_beyond(page, 0)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "imagenet-stopped.png", full_page=True)
        store = open_tracking(f"sqlite:///{runs / 'mlflow.db'}", Folders(runs))
        (run,) = store.runs()
        assert run.state is State.STOPPED and 0 < run.step < run.steps
        press(page, "Resume")
        status(page, "pictures", "finished", 2 * SLOW)
        (result,) = read_measured(Folders(runs).measured)
        assert result.network.startswith("ImageNet, C 2, L 3") and result.accuracy <= result.top5_accuracy
        assert any("skipped, 1 of at most 50: " in line for line in store.log_lines(run.id, 2000))

        page.goto(f"{address}/compare?compare=Architectures&network=ImageNet")
        page.get_by_role("combobox", name="Measured accuracies").click(timeout=SLOW)
        page.get_by_role("option", name=re.compile("80 epochs, test images")).click()
        settled(page)
        for choice in ("Accuracy (measured)", "Top-5 (measured)"):
            page.get_by_role("radio", name=choice).click()
            settled(page)
            expect(page.get_by_text(re.compile("epochs 80, test images of pictures")).first).to_be_visible(timeout=SLOW)
            shown = page.evaluate(_HEIGHTS)
            assert (result.accuracy if choice.startswith("Acc") else result.top5_accuracy) in shown
        page.screenshot(path=SCREENSHOTS / "imagenet-compare.png", full_page=True)
