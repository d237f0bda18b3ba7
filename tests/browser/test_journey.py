"""Whole journeys in a real browser."""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import TimeoutError

from nat_core.architecture.notation import MAX_BYTES
from tests.support.browser import Dragged, fits, settled, wait_for

pytestmark = pytest.mark.browser
FIRST = "/?cell=nasbench201:5982"
CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
OF_NO_SPACE = (  # the node in the middle is in no output and feeds none
    "Genotype(normal=[('conv_3x3', 0, 2), ('conv_3x3', 1, 3), ('conv_3x3', 3, 4)], normal_concat=[2], "
    "reduce=[('conv_3x3', 0, 2)], reduce_concat=[2])"
)


def ready(page) -> None:
    """Waits until the page has been computed and drawn."""
    page.locator(".figures .value, [data-testid='stMetricValue']").first.wait_for(timeout=60_000)
    page.locator("svg.cell-drawing").first.wait_for()  # in the component's shadow root, which locators see into
    settled(page)


def figures(page) -> list[str]:
    return page.locator(".figures .value").all_inner_texts()


def addressed(page, parameter: str) -> None:
    """Waits until the address has `parameter` and the page is drawn."""
    wait_for(page, "text => decodeURIComponent(location.search).includes(text)", parameter)
    ready(page)


def test_a_cell_is_edited_in_its_drawing_transformed_exported_and_reopened(visit):
    page = visit(FIRST)
    ready(page)
    page.get_by_role("button", name="Worst", exact=True).click()
    addressed(page, "|none~0|")
    page.goto(f"{page.url.split('?')[0]}?cell={CELL.replace('+', '%2B')}")
    ready(page)
    assert "points on" in page.locator(".figures .change").nth(2).inner_text()

    page.locator("#before-normal-edge-3 text").first.click()
    page.get_by_role("combobox", name="Selected").and_(page.locator("[value='Edge cₖ₋₁ → 2']")).wait_for()
    ready(page)  # a click on what is being drawn again would be lost
    page.locator(".palette.beside button[data-operation=conv_3x3]").click()
    addressed(page, "|nor_conv_3x3~0|nor_conv_3x3~1|none~2|")
    page.locator("#before-normal-edge-3[data-operation=conv_3x3]").wait_for()

    advanced(page)
    choose(page, "Shown as output", r"^3: ")
    addressed(page, "candidate=")
    chosen = figures(page)

    page.get_by_role("tab", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert Path(download.value.path()).read_text().lstrip().startswith("<svg")
    assert download.value.suggested_filename.endswith("-output.svg") and len(download.value.suggested_filename) > 11
    with page.expect_download() as download:
        page.get_by_role("button", name="PyTorch module").click()
    assert "def build_network() -> Network:" in Path(download.value.path()).read_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="ONNX").click()
    assert b"NAT Lab" in Path(download.value.path()).read_bytes()
    assert page.locator("[data-testid='stCode']").first.inner_text().startswith("|")

    other = visit("/" + page.url.partition("//")[2].partition("/")[2])
    ready(other)
    assert figures(other) == chosen
    other.locator("#after-normal-edge-3").wait_for()
    assert drawing(other) == drawing(page)
    assert page.problems == [] and other.problems == []


def choose(page, label: str, option: str) -> None:
    """Chooses from a box; opens it again if the page was drawn anew and closed it."""
    for patience in (8_000, 8_000, 60_000):
        page.get_by_label(label).click()
        with suppress(TimeoutError):
            page.get_by_role("option", name=re.compile(option)).click(timeout=patience)
            return
        page.keyboard.press("Escape")
    pytest.fail(f"no option {option} of {label}")


def drawing(page, place: int = 1) -> str:
    return page.locator("svg.cell-drawing").nth(place).inner_html()


def test_parts_are_reached_and_chosen_by_keyboard(visit):
    page = visit(FIRST)
    ready(page)
    page.locator("#before-normal-node-2").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Part of the output", exact=True).wait_for()
    ready(page)
    page.locator("#before-normal-edge-1").focus()
    page.keyboard.press("Space")
    page.locator("#before-normal-edge-1[aria-pressed=true]").wait_for()
    ready(page)
    page.locator("button[data-operation=skip_connect]").focus()
    page.keyboard.press("Enter")
    addressed(page, "|skip_connect~0|avg_pool_3x3~1|")
    page.get_by_role("button", name="Undo").press("Enter")
    addressed(page, "|avg_pool_3x3~0|avg_pool_3x3~1|")

    page.locator("#before-normal-edge-1").focus()
    page.keyboard.press("ArrowLeft")
    assert focused_part(page).startswith("before-normal-node"), "arrows walk the graph"
    page.keyboard.press("ArrowRight")
    assert focused_part(page).startswith("before-normal-edge")
    page.locator("#before-normal-edge-1").focus()
    page.keyboard.press("Delete")
    wait_for(page, "() => !decodeURIComponent(location.search).includes('avg_pool_3x3~0|avg')")
    ready(page)
    wait_for(page, f"() => ({FOCUSED}).includes('normal-')")
    page.keyboard.press("Control+z")
    addressed(page, "|avg_pool_3x3~0|avg_pool_3x3~1|")
    wait_for(page, f"() => ({FOCUSED}).includes('normal-')")
    assert page.locator("svg.cell-drawing").first.locator("[tabindex='0']").count() == 1, "one stop for Tab"
    assert page.problems == []


# The id of the element that has the focus, inside components, too.
FOCUSED = (
    "(() => { let e = document.activeElement; while (e.shadowRoot) e = e.shadowRoot.activeElement; return e.id; })()"
)


def focused_part(page) -> str:
    return page.evaluate(FOCUSED)


def advanced(page) -> None:
    """Opens what is behind Advanced."""
    page.get_by_text("Advanced", exact=True).click()
    page.get_by_label("Shown as output").wait_for()
    settled(page)


def test_a_click_in_the_chart_chooses_a_candidate_and_moves_the_slider(visit):
    page = visit(FIRST)
    ready(page)
    before = slider(page).get_attribute("aria-valuetext")
    point = page.locator(".js-plotly-plot .scatterlayer .trace .point").nth(-3)  # of the front, by rising MACs
    point.wait_for()
    settled(page)
    box = point.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    addressed(page, "candidate=")
    assert slider(page).get_attribute("aria-valuetext") != before
    assert page.problems == []


def slider(page):
    return page.get_by_role("slider", name="Share of the input's MACs")


def test_no_key_stroke_is_lost_on_the_slider_and_everything_follows_it(visit):
    page = visit("/?cell=nasbench201:5982")
    ready(page)
    along = slider(page)
    assert along.input_value() == "0" and int(along.get_attribute("max")) >= 4
    along.focus()
    drawn, said = drawing(page, 0), figures(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(100)
    assert figures(page) != said and drawing(page, 0) != drawn  # long before the server has answered
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    most = int(along.get_attribute("max"))
    assert along.input_value() == str(most)
    settled(page)
    assert along.input_value() == str(most) and is_focused(along)
    for expected in range(1, 4):
        page.keyboard.press("ArrowLeft")
        assert along.input_value() == str(most - expected)
    addressed(page, "candidate=")
    settled(page)
    assert along.input_value() == str(most - 3)
    share = float(along.get_attribute("aria-valuetext").split()[0])
    assert share == pytest.approx(100 * float(figures(page)[0].split()[0]) / 113.95, abs=0.6)

    other = visit("/" + page.url.partition("//")[2].partition("/")[2])
    ready(other)
    assert figures(other) == figures(page) and drawing(other, 0) == drawing(page, 0)
    assert slider(other).get_attribute("aria-valuetext") == along.get_attribute("aria-valuetext")
    assert page.problems == [] and other.problems == []


def is_focused(locator) -> bool:
    return locator.evaluate("item => item.getRootNode().activeElement === item")


@pytest.mark.parametrize(("theme", "width", "height"), [("light", 1440, 900), ("dark", 1024, 900), ("light", 390, 844)])
def test_the_first_page_shows_a_fifth_fewer_macs_and_a_changed_cell(visit, theme, width, height):
    page = visit("/", width=width, height=height, theme=theme)
    ready(page)
    share = float(page.locator(".figures .verdict").inner_text().split()[0])
    assert share >= 20 and float(page.locator(".figures .change").first.inner_text().split()[0][1:]) >= 20
    changed = page.locator("g.edge[data-change]:not([data-change=unchanged])").first
    changed.wait_for()
    if width == 1440:
        assert changed.bounding_box()["y"] < height
    assert fits(page) and page.problems == []


def test_the_output_is_clicked_and_a_node_taken_out_of_it(visit):
    page = visit("/?cell=DARTS")
    ready(page)
    page.locator("[id$=normal-node-output] text").first.click()
    page.get_by_text("Nodes that the output is made of").wait_for()
    ready(page)
    page.get_by_role("button", name="1", exact=True).click()
    page.get_by_text("Valid cells, of no known space").wait_for()
    assert page.locator("g.node.selected").first.get_attribute("data-node") == "output"
    assert page.problems == []


def test_bad_text_is_one_sentence_and_nothing_is_lost(visit):
    page = visit(FIRST)
    ready(page)
    before = figures(page)
    settled(page)  # a click on what is being drawn again would be lost
    page.get_by_role("radio", name="Paste").click()
    page.get_by_role("textbox", name="Any text that holds a cell").fill("|nor_conv_9x9~0|")
    page.get_by_role("button", name="Use this cell").click()
    page.wait_for_selector("text=unknown operation 'nor_conv_9x9'")
    ready(page)
    assert figures(page) == before and page.problems == []


def test_a_file_dropped_anywhere_is_read_and_a_field_for_files_keeps_its_own(visit, tmp_path):
    page = visit(FIRST)
    ready(page)
    cell, broken, large = (tmp_path / name for name in ("cell.log", "broken.txt", "large.txt"))
    cell.write_text(f"epoch 3, genotype = {CELL}\n")
    broken.write_text("|nor_conv_9x9~0|")
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    drawn, cover = page.locator("svg.cell-drawing").first, page.get_by_text("Drop the file to read its cell")
    alert, before = page.get_by_test_id("stAlert"), figures(page)

    dragged = Dragged(page, cell)
    dragged.tell("dragEnter", drawn)
    cover.wait_for()
    dragged.leave()
    cover.wait_for(state="hidden")
    for file, said in (
        (broken, "unknown operation 'nor_conv_9x9'"),
        (tmp_path, "cannot be read; accepted: a file, not a folder"),
        (large, f"'large.txt' has {MAX_BYTES + 1:,} bytes; accepted: at most {MAX_BYTES:,}"),
    ):
        Dragged(page, file).drop(drawn)
        alert.filter(has_text=said).wait_for()
        assert figures(page) == before
    dragged.drop(page.locator("h1"))
    page.get_by_text("File cell.log: a cell that is not in the library").wait_for()
    addressed(page, CELL)
    assert alert.count() == 0 and not cover.is_visible()

    page.get_by_role("radio", name="Upload").click()
    field = page.get_by_test_id("stFileUploaderDropzone").first
    field.wait_for()
    settled(page)
    uploaded = Dragged(page, broken)
    uploaded.tell("dragEnter", field)
    uploaded.tell("dragOver", field)
    assert not cover.is_visible()
    uploaded.tell("drop", field)
    page.get_by_test_id("stFileUploader").get_by_text("broken.txt").wait_for()
    alert.filter(has_text="unknown operation 'nor_conv_9x9'").wait_for()
    assert page.problems == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1024)])
def test_every_tab_fits_without_an_error_in_the_console(visit, theme, width):
    page = visit(FIRST, width=width, theme=theme)
    ready(page)
    advanced(page)
    for tab in ("Edges", "Probabilities", "Benchmark", "History", "Export"):
        page.get_by_role("tab", name=tab).click()
        settled(page)
        assert fits(page)
    assert side_by_side(page) == (width > 1200)
    page.goto(f"{page.url.split('?')[0]}?{urlencode({'cell': OF_NO_SPACE})}")
    page.wait_for_selector("text=This architecture belongs to no space")
    ready(page)
    assert page.problems == []


def side_by_side(page) -> bool:
    """Whether input and output stand beside each other rather than one below the other, each fit to be read."""
    before, after = (page.locator("svg.cell-drawing").nth(place).bounding_box() for place in range(2))
    assert min(before["width"], after["width"]) > 400
    return after["y"] < before["y"] + before["height"]
