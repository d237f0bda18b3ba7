"""Every page, light and dark, as people with other senses meet it: axe-core finds nothing serious."""

import pytest

from tests.support.browser import settled

pytestmark = pytest.mark.browser
axe_playwright = pytest.importorskip("axe_playwright_python.sync_playwright")

GRAVE = ("serious", "critical")
# Every rule of WCAG 2.2, levels A and AA: each control has a name, and text has a contrast of 4.5 to 1 or more.
OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}


def findings(page) -> list[str]:
    """What axe-core finds that is serious or critical: the rule, what is wrong and where."""
    found = axe_playwright.Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{item['id']}: {node['failureSummary'][:200]} {node['html'][:160]}"
        for item in found
        if item["impact"] in GRAVE
        for node in item["nodes"][:4]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_fault(visit, theme):
    page = visit("/?cell=DARTS", theme=theme)
    page.wait_for_selector(".js-plotly-plot .scatterlayer", timeout=90_000)
    settled(page)
    assert findings(page) == [], "as it opens"
    page.get_by_role("slider").first.press("ArrowLeft")  # which builds the slider anew
    settled(page)
    page.get_by_text("Advanced", exact=True).first.click()
    settled(page)
    assert findings(page) == [], "after the slider was moved, with everything open"
    for name in ("Compare", "Train", "Learn"):
        page.get_by_role("link", name=name, exact=True).first.click()
        page.wait_for_url(f"**/{name.lower()}*")
        page.wait_for_timeout(500)
        settled(page)
        assert page.locator("h1").count() == 1 and findings(page) == [], name
