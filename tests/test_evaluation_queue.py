import random
import time
from threading import Event

import numpy as np
import pytest
import torch

from nat_core.architecture.spaces import SPACES
from nat_core.evaluation_queue import EvaluationQueue
from nat_core.learning.accuracies.supernet_source import CoarseToFine
from nat_core.learning.nasbench201.table import TabularAccuracy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.transformation import Options, evaluation_steps, propose, transform

SPACE = SPACES["nasbench201"]
torch.manual_seed(0)
POLICY = Policy(PolicyConfig(width=8, layers=1, embedding=4, key=4)).eval()
TABLE = TabularAccuracy()


class Gate(TabularAccuracy):
    """The benchmark's table, which answers only when it is let, and notes who was served."""

    def __init__(self, name="", served=None):
        super().__init__()
        object.__setattr__(self, "open", Event())
        object.__setattr__(self, "asked", Event())
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "served", served if served is not None else [])

    def accuracy_percent(self, architectures):
        self.asked.set()
        assert self.open.wait(20)
        self.served.append(self.name)
        return super().accuracy_percent(architectures)


def proposal(seed=0, samples=8):
    with torch.random.fork_rng():
        return propose(SPACE.sample(random.Random(seed)), POLICY, SPACE, Options(samples=samples, allow_costlier=True))


def until(queue, key, item, source, state):
    deadline = time.monotonic() + 20
    while (progress := queue.ask(key, item, source)).state != state:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return progress


def test_the_proposal_is_there_at_once_and_its_accuracies_come():
    gate, item = Gate(), proposal()
    source, queue = CoarseToFine(TABLE, gate, finalists=3), EvaluationQueue(pause_seconds=0)
    first = queue.ask("a", item, source)
    assert first.state == "running" and first.outcome.evaluated[0] <= first.outcome.evaluated[1]
    gate.open.set()
    last = until(queue, "a", item, source, "finished").outcome
    assert last.evaluated == (9 + 4, 9 + 4)
    expected = transform(item.input.architecture, POLICY, SPACE, source, Options(samples=8, allow_costlier=True))
    assert last == expected


def test_all_who_ask_are_served_in_turn():
    served = []
    sources = {name: CoarseToFine(TABLE, Gate(name, served), finalists=9) for name in "ab"}
    items = {"a": proposal(0), "b": proposal(1)}
    queue = EvaluationQueue(pause_seconds=0)
    for name, source in sources.items():
        queue.ask(name, items[name], source)
    for source in sources.values():
        source.source.open.set()
    for name, source in sources.items():
        until(queue, name, items[name], source, "finished")
    assert served.count("a") == served.count("b") == 9
    assert "b" in served[:3] and "a" in served[:3]


def test_a_stopped_job_stands_still_until_it_goes_on():
    gate, item = Gate(), proposal()
    source, queue = CoarseToFine(TABLE, gate, finalists=9), EvaluationQueue(pause_seconds=0)
    queue.ask("a", item, source)
    queue.stop("a")
    gate.open.set()
    time.sleep(0.2)
    stopped = queue.ask("a", item, source)
    assert stopped.state == "stopped" and stopped.outcome.evaluated[0] <= 1
    queue.go_on("a")
    assert until(queue, "a", item, source, "finished").outcome.evaluated == (9, 9)


def test_what_nobody_asks_for_rests():
    served = []
    gate, item = Gate(served=served), proposal()
    source, queue = CoarseToFine(TABLE, gate, finalists=9), EvaluationQueue(lease_seconds=0.1, pause_seconds=0)
    for _ in range(2000):  # until an evaluation has begun; the thread may start late
        queue.ask("a", item, source)
        if gate.asked.wait(0.01):
            break
    time.sleep(0.2)
    gate.open.set()
    time.sleep(0.3)
    assert len(served) == 1  # the evaluation that had begun
    until(queue, "a", item, source, "finished")


def test_a_failure_is_one_sentence_and_others_go_on():
    class Broken(TabularAccuracy):
        def accuracy_percent(self, architectures):
            raise RuntimeError("out of\nmemory")

    queue = EvaluationQueue(pause_seconds=0)
    failed = until(queue, "a", proposal(), Broken(), "failed")
    assert failed.problem == "out of memory" and failed.outcome.output.accuracy_percent is None
    fine = until(queue, "b", proposal(1), TABLE, "finished").outcome
    assert np.isfinite([item.accuracy_percent for item in fine.candidates]).all()


def test_only_the_last_jobs_are_remembered():
    queue = EvaluationQueue(most_jobs=2, pause_seconds=0)
    for seed in range(5):
        until(queue, seed, proposal(seed), TABLE, "finished")
    assert list(queue._jobs) == [3, 4]


@pytest.mark.parametrize("known", [0, 2])
def test_partial_accuracies_rank_before_unknown_ones(known):
    item = proposal()
    steps = list(evaluation_steps(item, CoarseToFine(TABLE, TABLE, 2)))
    candidates = steps[known].candidates
    judged = [entry.accuracy_percent for entry in candidates if entry.accuracy_percent is not None]
    assert len(judged) == known + 1 and judged == sorted(judged, reverse=True)
    assert all(entry.accuracy_percent is None for entry in candidates[known + 1 :])
    rest = [entry.log_probability for entry in candidates[known + 1 :]]
    assert rest == sorted(rest, reverse=True)


def test_a_closed_queue_ends_its_thread():
    queue = EvaluationQueue(pause_seconds=0)
    until(queue, "a", proposal(), TABLE, "finished")
    queue.close()
    assert not queue._thread.is_alive()
    assert queue.ask("b", proposal(1), TABLE).state == "running"  # and stays so


def test_a_new_job_waits_a_moment():
    queue, item = EvaluationQueue(pause_seconds=0.3), proposal()
    start = time.monotonic()
    queue.ask("a", item, TABLE)
    until(queue, "a", item, TABLE, "finished")
    assert time.monotonic() - start >= 0.3
    queue.close()


def test_evaluations_take_as_many_threads_as_they_were_given():
    class Counted(TabularAccuracy):
        def accuracy_percent(self, architectures):
            used.append(torch.get_num_threads())
            return super().accuracy_percent(architectures)

    used: list[int] = []
    before = torch.get_num_threads()
    source, queue = CoarseToFine(TABLE, Counted(), finalists=3), EvaluationQueue(pause_seconds=0, threads=3)
    try:
        until(queue, "a", proposal(), source, "finished")
    finally:
        queue.close()
        torch.set_num_threads(before)
    assert set(used) == {3}
