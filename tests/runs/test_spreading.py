"""When a task on a cluster sends its reports; the actor is a plain object here, and Ray's in test_cluster.py."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from nat_core.runs.cluster.progress import Progress
from nat_core.runs.kinds import spreading
from nat_core.runs.kinds.spreading import _Sender


class Reached:
    """The actor as a task sees it; calls are counted, and fail once it is gone."""

    def __init__(self) -> None:
        self.actor, self.calls, self.gone = Progress(), 0, False
        self.report = SimpleNamespace(remote=self._report)

    def _report(self, position, reports):
        self.calls += 1
        answer: Future[bool] = Future()
        if self.gone:
            answer.set_exception(ConnectionError("the actor has died"))
        else:
            answer.set_result(self.actor.report(position, reports))
        return SimpleNamespace(future=lambda: answer)


@pytest.fixture
def reached() -> Reached:
    return Reached()


def test_dozens_of_reports_are_few_calls_and_arrive_in_order_before_a_checkpoint(reached):
    sender = _Sender(reached, 3)
    sender.log("begins")
    assert [report.text for report in reached.actor.take()] == ["begins"], "at once: only begun tasks are asked to stop"
    for done in range(50):
        sender.progress(done, {"loss": done / 2})
        assert not sender.should_stop()
    assert reached.calls <= 2
    sender.flush()
    assert [(report.position, report.done, report.metrics["loss"]) for report in reached.actor.take()] == [
        (3, done, done / 2) for done in range(50)
    ]
    assert reached.calls <= 3
    sender.flush()
    assert reached.actor.take() == []


def test_a_task_learns_that_it_shall_stop(reached, monkeypatch):
    monkeypatch.setattr(spreading, "_TURN_SECONDS", 0.0)
    sender = _Sender(reached, 0)
    sender.log("begins")
    assert not sender.should_stop()
    assert reached.actor.stop() == {0}
    assert [sender.should_stop() for _ in range(3)][-1]


def test_a_lost_actor_means_stop(reached):
    sender = _Sender(reached, 0)
    sender.log("begins")
    sender.flush()
    reached.gone = True
    sender.progress(1, {"loss": 1.0})
    sender.flush()
    assert sender.should_stop()
