"""The Learn page in a real browser: clicks and keys on drawings."""

import pytest

from tests.support.browser import fits, settled

pytestmark = pytest.mark.browser
STEPS = ("Cell", "Transitions", "Costs", "Policy", "Training")


def open_learn(page) -> None:
    page.get_by_role("link", name="Learn").first.click(timeout=60_000)
    page.get_by_text("1 of 5:").wait_for(timeout=60_000)


def go(page, step: str) -> None:
    page.get_by_role("radio", name=step, exact=True).click()
    page.get_by_text(f"{STEPS.index(step) + 1} of 5:").wait_for(timeout=60_000)


def test_drawings_answer_to_clicks_and_keys(visit):
    page = visit("/")
    open_learn(page)
    page.locator("#normal-node-2 text").first.click(timeout=60_000)
    page.get_by_text("Node 0 adds up what enters it").wait_for()
    page.locator("#normal-edge-7").press("Enter")
    page.get_by_text("dil 3×3 is a dilated convolution").wait_for()

    go(page, "Transitions")
    page.get_by_text("13 of 13").wait_for()
    page.locator("#op-sep_conv_5x5 text").click()
    page.get_by_text("10 of 13").wait_for()
    page.locator("#op-conv_1x1").press("Enter")
    page.get_by_text("3 of 13").wait_for()

    go(page, "Policy")
    page.locator("#normal-edge-7.chosen").wait_for(timeout=60_000)
    assert page.locator("g.faint").count() > 4
    settled(page)  # a drawing that is drawn again loses a click
    page.locator("#normal-edge-4 text").last.click()
    page.get_by_role("combobox", name="Edge", exact=True).and_(page.locator("[value='0 → 2: conv 3×3']")).wait_for()
    page.get_by_role("combobox", name="Becomes").and_(page.locator("[value='conv 3×3']")).wait_for()
    assert page.problems == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1024)])
def test_every_step_fits_without_an_error_in_the_console(visit, theme, width):
    page = visit("/", width=width, height=1150, theme=theme)
    open_learn(page)
    for step in STEPS:
        go(page, step)
        page.locator("svg.cell-drawing, svg.transitions, .js-plotly-plot .main-svg").last.wait_for(timeout=60_000)
        settled(page)
        assert fits(page)
    assert page.problems == []
