"""Answers are computed on one processor thread, however many torch would take by itself."""

from threading import Thread

import pytest
import torch
from streamlit.testing.v1 import AppTest

from nat_core.paths import PROJECT
from ui import processors


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(processors, "_usual", 1)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def threads_of_a_new_thread() -> int:
    found: list[int] = []
    thread = Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_one_thread_holds_here_and_in_later_threads_and_the_usual_number_stays_known():
    processors.one()
    assert (torch.get_num_threads(), threads_of_a_new_thread()) == (1, 1)
    processors.one()
    assert processors.usual() == 3


def test_a_page_runs_on_one_thread():
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.query_params["cell"] = "nasbench201:7"
    app.run()
    assert not app.exception
    assert threads_of_a_new_thread() == 1
