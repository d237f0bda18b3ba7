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
