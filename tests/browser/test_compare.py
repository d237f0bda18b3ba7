"""The Compare page in a real browser: clicks on points, downloads, a link."""

import re
from pathlib import Path

import pytest

from nat_core.architecture.library import library
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from tests.support.browser import fits, settled, wait_for

pytestmark = pytest.mark.browser
MACS, VALID = QUANTITIES["macs"].values, QUANTITIES["cifar10_valid"].values
HEAVIEST = int(MACS.argmax())  # alone at its place, so that a click cannot mean another cell

# Where a pair of coordinates lies on the screen.
_PLACE = """([x, y]) => {
  const chart = document.querySelector(".js-plotly-plot"), layout = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return [box.x + layout.xaxis._offset + layout.xaxis.d2p(x), box.y + layout.yaxis._offset + layout.yaxis.d2p(y)];
}"""


def open_compare(page) -> None:
    """From the first page to Compare, as a visitor would."""
    page.get_by_role("link", name="Compare").first.click(timeout=60_000)
    ready(page)


def ready(page) -> None:
    page.get_by_text("How far from optimal").wait_for(timeout=60_000)
    page.locator(".js-plotly-plot .modebar").first.wait_for(timeout=60_000, state="attached")
    page.locator("svg.cell-drawing").nth(2).wait_for(timeout=60_000)
    settled(page)


def test_a_point_is_clicked_its_output_and_oracle_shown_taken_away_and_reopened(visit):
    page = visit("/")
    open_compare(page)
    index = int(table.benchmark_indices()[HEAVIEST])
    page.mouse.click(*page.evaluate(_PLACE, [float(MACS[HEAVIEST]), float(VALID[HEAVIEST])]))
    wait_for(page, "index => location.search.includes(`cell201=${index}`)", index)
    page.get_by_text(f"Input: cell {index:,}", exact=True).wait_for(timeout=60_000)  # after the address
    ready(page)
    assert page.get_by_text(re.compile(r"^Policy's output: cell [\d,]+, \d edges? changed")).count() == 1
    assert page.get_by_text(re.compile(r"^Oracle: cell [\d,]+, \d edges? changed")).count() == 1
    assert page.evaluate("document.querySelector('.js-plotly-plot').layout.annotations.length") == 2

    with page.expect_download() as download:
        page.get_by_role("button", name="Pareto front as CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0].startswith("index,cell,macs_millions") and len(lines) > 5
    with page.expect_download() as download:
        page.locator(".modebar-btn[data-title^='Download plot']").first.dispatch_event("click")
    assert download.value.suggested_filename == "nasbench201-macs-cifar10_valid.svg"
    assert "<svg" in Path(download.value.path()).read_text()[:200]

    figures = page.locator("[data-testid='stMetricValue']").all_inner_texts()
    page.reload()
    ready(page)
    assert page.locator("[data-testid='stMetricValue']").all_inner_texts() == figures
    assert all("404" in problem for problem in page.problems)  # the server's own probing


def test_a_clicked_transformation_is_compared_with_its_input_edge_by_edge(visit):
    page = visit("/compare?compare=Architectures")
    page.get_by_text("Two of them, edge by edge").wait_for(timeout=60_000)
    page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=60_000)
    settled(page)
    macs = cost_model(NETWORKS["cifar"]).cost(library()["NATv2_VGG"].architecture).macs / 1e6
    row = page.evaluate("document.querySelector('.js-plotly-plot').layout.yaxis.ticktext.indexOf('VGG')")
    page.mouse.click(*page.evaluate(_PLACE, [macs, row]))
    page.get_by_role("combobox", name="After").and_(page.locator("[value=NATv2_VGG]")).wait_for(timeout=60_000)
    assert page.get_by_role("combobox", name="Before").input_value() == "VGG"
    wait_for(page, "location.search.includes('first=VGG&second=NATv2_VGG')")
    assert page.locator("svg.cell-drawing").count() == 2
    assert all("404" in problem for problem in page.problems)  # the server's own probing


def test_the_number_does_what_a_click_does(visit):
    page = visit("/")
    open_compare(page)
    number = page.get_by_role("spinbutton", name="Input")
    number.fill("77")
    number.press("Enter")
    wait_for(page, "location.search.includes('cell201=77')")
    page.get_by_text("Input: cell 77", exact=True).wait_for()
    assert page.problems == []


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1024)])
def test_both_views_fit_without_an_error_in_the_console(visit, theme, width):
    page = visit("/", width=width, height=1500, theme=theme)
    open_compare(page)
    assert fits(page)
    page.get_by_role("radio", name="Architectures").click()
    page.get_by_text(re.compile(r"^\d+ architectures$")).wait_for(timeout=60_000)
    page.locator("[data-testid='stDataFrame'] canvas").first.wait_for(timeout=60_000)
    settled(page)
    assert fits(page) and page.problems == []
