"""Every page on a telephone, at 200 % zoom, and with text twice as large: nothing is cut off, nothing overlaps."""

import pytest

from tests.support.browser import settled
from tests.support.layout import faults

pytestmark = pytest.mark.browser
# Where to go, what to open there by role and name, and what shows that it has been drawn.
PAGES = (
    ("/?cell=DARTS", ("tab Probabilities", "tab Export", "radio Upload"), ".js-plotly-plot .scatterlayer"),
    ("/compare", ("radio Architectures", "radio Fronts"), ".js-plotly-plot .main-svg"),
    ("/train", ("text Train from scratch",), "text=Launch"),
    ("/learn", ("radio Transitions", "radio Costs", "radio Policy", "radio Training"), "text=1 of 5"),
)


# A window of 1440×900 at 200 % is one of 720×450 with larger pixels. Charts do not follow the size of text alone.
@pytest.mark.parametrize(
    ("width", "height", "text_percent"), [(390, 844, 100), (720, 450, 100), (1440, 900, 200)],
    ids=["telephone", "zoom-200", "text-200"],
)  # fmt: skip
def test_nothing_is_cut_off_and_nothing_overlaps(visit, server, width, height, text_percent):
    page = visit("/_stcore/health", width=width, height=height)
    found = {}
    for path, parts, drawn in PAGES:
        page.goto(server + path)
        page.wait_for_selector(drawn, timeout=90_000)
        page.add_style_tag(content=f"html {{ font-size: {15 * text_percent / 100}px !important }}")
        for part in ("", *parts):
            if part:
                role, _, name = part.partition(" ")
                item = page.get_by_text(name, exact=True) if role == "text" else page.get_by_role(role, name=name)
                item.first.click()
            settled(page)
            page.wait_for_timeout(300)  # charts are drawn after the server's answer
            if problems := faults(page, charts=text_percent == 100):
                found[f"{path} {part}"] = problems
    assert not found, "\n".join(f"{place}: {problem}" for place, problems in found.items() for problem in problems)
