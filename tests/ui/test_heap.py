"""What has been imported is not searched for garbage again and again."""

import gc
import sys
import types

import pytest

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
