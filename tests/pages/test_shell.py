"""A page whose file Streamlit opens alone shows the whole app, as `app.py` does."""

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.paths import PROJECT
from ui import shell


@pytest.mark.parametrize("name", shell._PAGES)
def test_a_page_that_is_started_itself_opens_the_app_and_stays_in_it(name):
    app = AppTest.from_file(str(PROJECT / "pages" / f"{name}.py"), default_timeout=120)
    for _ in range(2):  # nothing of the first run is left that lets the file be run alone
        app.run()
        assert not app.exception and [title.value for title in app.title] == ["Transform a cell"]
    app.switch_page("learn.py").run()
    assert not app.exception and [title.value for title in app.title] == ["How it works"]
    assert app.button


def test_the_first_page_is_the_one_that_opens():
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120).run()
    assert not app.exception and [title.value for title in app.title] == ["Transform a cell"]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("learn", {"step": ""}),
        ("compare", {"compare": "", "x": "", "y": "", "cell201": "", "output": "", "reachable": ""}),
        ("compare", {"compare": "Architectures", "network": "", "channels-cifar": "", "two_cell": ""}),
        ("compare", {"compare": "Fronts", "fronts_space": ""}),
        ("train", {"runs": "", "smoothing": ""}),
    ],
)
def test_empty_values_in_an_address_stand_for_defaults(page, query):
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for name, text in query.items():
        app.query_params[name] = text
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception and app.title
