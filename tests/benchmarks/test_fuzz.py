"""A few thousand damaged inputs; `python -m benchmarks.fuzz` tries as many as there is time for."""

import time
from pathlib import Path

import pytest

from benchmarks import fuzz
from benchmarks.fuzz import DOORS, Door, Failure, run

CASES = 250
# Seeds of these are not there, or are refused by their names.
NOT_THERE = {"image source", "text", "argument"}


@pytest.mark.parametrize("name", DOORS)
def test_damaged_input_is_understood_or_refused_in_a_sentence(name):
    results = [run(name, number) for number in range(round(CASES * DOORS[name].share))]
    assert [result for result in results if isinstance(result, Failure)] == []
    assert name.endswith("page") or not all(results)  # a page leaves aside what it cannot use


@pytest.mark.parametrize("name", [name for name in DOORS if name not in NOT_THERE])
def test_what_is_damaged_there_was_good(name):
    for seed in DOORS[name].seeds():
        DOORS[name].enter(seed)


def test_a_crash_an_empty_sentence_and_a_delay_are_found(monkeypatch):
    def enter(case):
        if case == "crash":
            raise KeyError("x")
        if case == "silence":
            raise ValueError(" ")
        began = time.process_time()
        while time.process_time() < began + 0.02:
            pass

    monkeypatch.setattr(fuzz, "SLOW_SECONDS", 0.01)
    for case in ("crash", "silence", "delay"):
        door = Door(lambda: ("fine",), lambda seed, rng, case=case: case, enter)
        monkeypatch.setitem(DOORS, case, door)
        assert isinstance(run(case, 0), Failure)


def test_what_a_text_must_never_do_is_noticed(monkeypatch):
    for case, enter in (("executes", lambda case: eval("1 + 1")), ("opens", lambda case: Path(__file__).read_text())):
        monkeypatch.setitem(DOORS, case, Door(lambda: ("fine",), lambda seed, rng: seed, enter, guarded=True))
        failure = run(case, 0)
        assert isinstance(failure, Failure) and failure.reason.startswith(("compile", "exec", "opened"))
