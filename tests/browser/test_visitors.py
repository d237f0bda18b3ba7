"""Ten visitors at once: each sees and changes a cell of their own."""

import time

import pytest

from tests.support.browser import wait_for

pytestmark = pytest.mark.browser
VISITORS = 10
READY = """() => document.querySelector(".js-plotly-plot .scatterlayer")
    && !document.querySelector("[data-testid='stApp'][data-test-script-state='running']")"""


def shown(page) -> str:
    """The index of the input."""
    return page.get_by_role("spinbutton", name="Index").input_value()


def all_ready(pages, indices) -> float:
    """Seconds until every page shows its index and its result."""
    began = time.monotonic()
    for page, index in zip(pages, indices, strict=True):
        wait_for(page, READY)
        wait_for(page, "index => document.querySelector('input[aria-label=Index]')?.value == index", index)
    return time.monotonic() - began


def test_visitors_do_not_see_each_other_and_share_the_time_fairly(visit):
    alone = visit("/?cell=nasbench201:7")
    all_ready([alone], ["7"])
    change(alone, "8")
    one = all_ready([alone], ["8"])

    pages = [visit(f"/?cell=nasbench201:{1000 + number}") for number in range(VISITORS)]
    all_ready(pages, [str(1000 + number) for number in range(VISITORS)])
    targets = [str(2000 + 31 * number) for number in range(VISITORS)]
    for page, target in zip(pages, targets, strict=True):
        change(page, target)
    together = all_ready(pages, targets)

    assert [shown(page) for page in pages] == targets
    assert shown(alone) == "8"
    outputs = {page.locator(".figures .value").all_inner_texts()[2] for page in pages}
    assert len(outputs) > 1
    assert together < 3 * VISITORS * max(one, 0.5)
    assert all(page.problems == [] for page in pages)


def change(page, index: str) -> None:
    box = page.get_by_role("spinbutton", name="Index")
    box.fill(index)
    box.press("Enter")
