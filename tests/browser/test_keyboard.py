"""The journey through all pages by keyboard alone: nothing here touches the mouse."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import SLOW, settled, wait_for
from tests.support.keyboard import Keyboard

pytestmark = [pytest.mark.browser, pytest.mark.journey]
MOST_STOPS = 60  # of a page
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"


def test_a_cell_is_pasted_edited_exported_compared_and_a_run_launched_by_keyboard_alone(visit):
    page = visit("/?cell=DARTS")
    page.locator(".figures .verdict").wait_for(timeout=SLOW)
    settled(page)
    keys, counts = Keyboard(page), {}
    counts["Transform"] = len(keys.walk())

    keys.go("^Library$", "radio")
    keys.press(*["ArrowRight"] * 3, "Space")  # Paste
    keys.go("Any text that holds a cell", "textbox")
    keys.type(CELL)
    keys.go("Use this cell", "button")
    keys.press("Enter")
    wait_for(page, "location.search.includes('nor_conv')")
    settled(page)

    keys.go("→", "button")  # an edge of the drawing
    keys.press("Enter")
    keys.go("MACs", "button")  # its own operation in the palette
    before = page.url
    keys.press("ArrowRight", "Enter")
    wait_for(page, "before => location.href !== before", before)
    settled(page)

    keys.go("Share of the input's MACs", "slider", backwards=True)
    verdict = page.locator(".figures .verdict")
    said = verdict.inner_text()
    keys.press("End", "ArrowLeft", "ArrowLeft")
    assert "MACs" in said and verdict.inner_text() != said

    keys.go("^Edges$", "tab")
    keys.move("ArrowRight", "^Export$")
    keys.press("Enter")
    page.get_by_role("button", name="SVG").first.wait_for(timeout=SLOW)
    settled(page)
    keys.go("SVG", "button")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith("-output.svg")

    def open_page(name: str, text: str, backwards: bool = True) -> None:
        keys.go(f"^{name}$", "link", backwards=backwards)
        keys.press("Enter")
        page.get_by_text(text).wait_for(timeout=SLOW)
        settled(page)
        counts[name] = len(keys.walk())

    open_page("Compare", "How far from optimal", backwards=False)
    keys.go("^NAS-Bench-201$", "radio")
    keys.press("ArrowRight", "Space")
    page.get_by_text("Two of them, edge by edge").wait_for(timeout=SLOW)
    settled(page)

    open_page("Train", "Train a policy")
    keys.go("^All budgets$", "radio")
    keys.press("ArrowRight", "ArrowRight", "Space")  # Smoke
    for label, text in (("Policy steps", "20"), ("Name", "by keyboard")):
        keys.go(f"^{label}$", "textbox")
        keys.type(text)
    keys.go("Launch$", "button")
    keys.press("Enter")
    line = page.get_by_test_id("stMarkdown").filter(has_text="by keyboard · finished")
    expect(line.first).to_be_visible(timeout=3 * SLOW)
    keys.go("Delete$", "button")
    keys.press("Enter")
    keys.go("Delete it", "button")
    keys.press("Enter")
    expect(line).to_have_count(0, timeout=SLOW)

    open_page("Learn", "1 of 5:")
    keys.go("^Cell$", "radio")
    keys.press("ArrowRight", "Space")
    page.get_by_text("2 of 5:").wait_for(timeout=SLOW)

    print("Stops for Tab, to the page's end:", counts)
    assert max(counts.values()) <= MOST_STOPS, counts
    assert [str(stop) for stop in keys.stops if not stop.name and stop.role not in ("table", "main")] == []
    unframed = [stop for stop in keys.stops if stop.looks_focused is False and stop.role not in ("table", "gridcell")]
    assert not {str(stop) for stop in unframed} and all(stop.is_in_window for stop in keys.stops)
    assert page.problems == []
