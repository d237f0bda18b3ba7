"""A process looks for garbage seldom while it starts, and as usual while it works."""

import gc
import subprocess
import sys

import pytest

from nat_core.garbage import search_as_usual, search_seldom
from nat_core.paths import PROJECT


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_work_that_begins_ends_the_start():
    gc.set_threshold(700, 10, 10)
    search_seldom()
    search_seldom()
    assert gc.isenabled() and gc.get_threshold()[0] >= 10_000
    search_as_usual()
    assert gc.get_freeze_count() > 10_000 and gc.get_threshold() == (700, 10, 10)
    ring = []
    ring.append(ring)
    del ring
    assert gc.collect() > 0


def test_a_process_that_was_not_told_is_left_alone():
    gc.set_threshold(1234, 10, 10)
    search_as_usual()
    assert gc.get_threshold()[0] == 1234


@pytest.mark.parametrize("module", ["nat_core", "ui"])
def test_a_command_and_the_app_start_so(module):
    code = f"""
import atexit, gc, runpy, sys
atexit.register(lambda: print(gc.get_threshold()[0]))
sys.argv = ["nat-lab", "notations"]
runpy.run_module("nat_core", run_name="__main__") if {module == "nat_core"} else __import__("ui")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert int(done.stdout.split()[-1]) >= 10_000
