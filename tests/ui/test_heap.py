"""What has been imported is not searched for garbage again and again, and what is remembered only so often."""

import gc
import sys
import types

import pytest
from streamlit import config

from ui import heap


@pytest.fixture(autouse=True)
def unfrozen(monkeypatch):
    monkeypatch.setattr(heap, "_modules", 0)
    yield
    gc.unfreeze()


def test_what_lives_is_frozen_once_and_again_after_an_import(monkeypatch):
    assert heap.settle() and gc.get_freeze_count() > 10_000
    assert not heap.settle()
    monkeypatch.setitem(sys.modules, "imported_by_a_page", types.ModuleType("imported_by_a_page"))
    assert heap.settle()


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


def test_a_collection_is_due_when_the_last_one_was_long_ago_for_its_length(monkeypatch):
    is_due()  # freezes, which collects
    now = 1000.0
    monkeypatch.setattr(heap.time, "monotonic", lambda: now)
    heap._timed("start", {"generation": 2})
    now += 0.2
    heap._timed("stop", {"generation": 2})
    assert not is_due()
    now += 9.0
    assert not is_due()
    now += 1.0
    assert is_due()


def test_only_collections_of_everything_count(monkeypatch):
    is_due()
    now = 2000.0
    monkeypatch.setattr(heap, "_due", now)
    monkeypatch.setattr(heap.time, "monotonic", lambda: now)
    heap._timed("start", {"generation": 1})
    now += 5.0
    heap._timed("stop", {"generation": 1})
    assert is_due()


def test_python_tells_of_its_collections(monkeypatch):
    monkeypatch.setattr(heap, "_due", 0.0)
    gc.collect()
    assert heap._due > 0
