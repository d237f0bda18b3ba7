"""States: which follow which, and what a record means once the process is gone."""

import pytest

from nat_core.runs.run import ACTIVE, RESUMABLE, TRANSITIONS, State, check_transition, state_of


def test_every_state_is_active_resumable_or_final():
    assert {*ACTIVE, *RESUMABLE, State.FINISHED} == set(State) and not ACTIVE & RESUMABLE
    assert set(TRANSITIONS) == set(State)


def test_the_life_of_a_run():
    for first, second in [
        ("queued", "running"), ("running", "finished"), ("running", "stopping"), ("stopping", "stopped"),
        ("stopped", "queued"), ("running", "failed"), ("failed", "queued"), ("running", "lost"), ("lost", "queued"),
        ("queued", "stopping"),
    ]:  # fmt: skip
        check_transition("r", State(first), State(second))


@pytest.mark.parametrize(
    ("first", "second", "accepted"),
    [
        ("finished", "queued", "nothing, it is final"),
        ("running", "queued", "failed, finished, lost, stopped, stopping"),
        ("stopped", "running", "queued"),
        ("queued", "finished", "failed, lost, running, stopped, stopping"),
    ],
)
def test_other_steps_are_refused(first, second, accepted):
    with pytest.raises(ValueError, match=f"the run r is {first} and cannot become {second}; accepted: {accepted}"):
        check_transition("r", State(first), State(second))


@pytest.mark.parametrize(
    ("recorded", "alive", "age_seconds", "true"),
    [
        ("running", True, 1000, "running"),  # suspended, or too busy for a sign of life, but there
        ("running", False, 0, "lost"),
        ("running", None, 19, "running"),
        ("running", None, 21, "lost"),
        ("queued", None, 21, "lost"),
        ("queued", False, 0, "lost"),
        ("stopping", False, 0, "stopped"),
        ("stopping", None, 21, "stopped"),
        ("finished", False, 1000, "finished"),
        ("stopped", None, 1000, "stopped"),
        ("failed", False, 1000, "failed"),
    ],
)
def test_without_a_process_active_runs_are_lost_or_stopped(recorded, alive, age_seconds, true):
    assert state_of(State(recorded), alive, age_seconds) == true
