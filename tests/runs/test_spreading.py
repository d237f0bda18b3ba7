"""What a task on a cluster says to the desk, and when; the desk answers here, and in test_cluster.py as Ray's actor."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from nat_core.runs.cluster.desk import Desk
from nat_core.runs.kinds import spreading
from nat_core.runs.kinds.spreading import _Talk


class Reached:
    """A desk as a task has it; calls are counted, and fail once nobody is there any more."""

    def __init__(self) -> None:
        self.desk, self.calls, self.gone = Desk(), 0, False
        self.report = SimpleNamespace(remote=self._report)

    def _report(self, position, reports):
        self.calls += 1
        answer: Future[bool] = Future()
        if self.gone:
            answer.set_exception(ConnectionError("the actor has died"))
        else:
            answer.set_result(self.desk.report(position, reports))
        return SimpleNamespace(future=lambda: answer)


@pytest.fixture
def reached() -> Reached:
    return Reached()


def test_dozens_of_reports_are_few_calls_and_arrive_in_order_before_a_checkpoint(reached):
    talk = _Talk(reached, 3)
    talk.say("begins")
    assert [report.text for report in reached.desk.take()] == ["begins"], "at once: who has begun is asked to stop"
    for done in range(50):
        talk.progress(done, {"loss": done / 2})
        assert not talk.should_stop()
    assert reached.calls <= 2
    talk.settle()
    assert [(report.position, report.done, report.metrics["loss"]) for report in reached.desk.take()] == [
        (3, done, done / 2) for done in range(50)
    ]
    assert reached.calls <= 3
    talk.settle()
    assert reached.desk.take() == []


def test_a_task_learns_that_it_shall_stop(reached, monkeypatch):
    monkeypatch.setattr(spreading, "_TURN_SECONDS", 0.0)
    talk = _Talk(reached, 0)
    talk.say("begins")
    assert not talk.should_stop()
    assert reached.desk.stop() == {0}
    assert [talk.should_stop() for _ in range(3)][-1]


def test_nobody_at_the_desk_means_stop(reached):
    talk = _Talk(reached, 0)
    talk.say("begins")
    talk.settle()
    reached.gone = True
    talk.progress(1, {"loss": 1.0})
    talk.settle()
    assert talk.should_stop()
