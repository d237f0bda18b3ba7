"""What has been imported is not searched for garbage again and again, and what is remembered only so often."""

import gc
import sys
import types

import pytest
from streamlit import config

from ui import heap


@pytest.fixture(autouse=True)
def unfrozen(monkeypatch):
    monkeypatch.setattr(heap, "_modules", len(sys.modules))
    monkeypatch.setattr(heap, "_frozen", 0)
    yield
    gc.unfreeze()


def test_what_lives_is_frozen_once_and_again_after_an_import(monkeypatch):
    assert heap.settle() and gc.get_freeze_count() > 10_000
    assert not heap.settle()
    monkeypatch.setitem(sys.modules, "imported_by_a_page", types.ModuleType("imported_by_a_page"))
    assert not heap.settle()
    assert heap.settle()


def test_a_run_that_imports_is_not_followed_by_a_collection(monkeypatch):
    monkeypatch.setattr(heap, "_due", 0.0)
    monkeypatch.setitem(sys.modules, "imported_by_a_page", types.ModuleType("imported_by_a_page"))
    assert not is_due()
    monkeypatch.setattr(heap, "_due", 0.0)
    assert is_due()


def test_garbage_made_later_is_still_collected():
    heap.settle()
    gc.collect()
    ring = []
    ring.append(ring)
    del ring
    assert gc.collect() > 0


def is_due() -> bool:
    """Whether Streamlit collects garbage after the run of a script that ends now."""
    heap.settle()
    return config.get_option("runner.postScriptGC")


@pytest.fixture
def spent(monkeypatch):
    """Lets processor time pass: `spent(seconds)`; nothing has been collected for long."""
    clock = [1000.0]
    heap.settle()
    monkeypatch.setattr(heap, "_due", 0.0)
    for name in ("process_time", "thread_time"):
        monkeypatch.setattr(heap.time, name, lambda: clock[0])

    def spend(seconds: float) -> None:
        clock[0] += seconds

    return spend


def collect(generation: int, seconds: float, spent) -> None:
    heap._timed("start", {"generation": generation})
    spent(seconds)
    heap._timed("stop", {"generation": generation})


def test_a_collection_is_due_when_twenty_times_as_much_has_been_done_as_the_last_one_took(spent):
    assert is_due()
    collect(2, 0.2, spent)
    assert not is_due()
    spent(3.7)
    assert not is_due()
    spent(0.2)
    assert is_due()


def test_only_collections_of_everything_count(spent):
    collect(1, 5.0, spent)
    assert is_due()


def test_python_tells_of_its_collections(monkeypatch):
    monkeypatch.setattr(heap, "_due", 0.0)
    gc.collect()
    assert heap._due > 0
