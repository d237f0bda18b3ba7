"""Queues of trainings: they stop anywhere, continue exactly, and go on with the next one."""

from dataclasses import replace
from itertools import count

import pytest
import torch

from nat_core.learning.scratch.queue import TICKS_PER_EPOCH, evaluate, label, ticks
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from tests.learning.scratch.cases import TINY, coloured_images, config

PACE = ("images_per_second", "waiting_percent")  # no two runs have the same
STEPS = 8  # of a training: 30 images in batches of 8, twice


@pytest.fixture(scope="module")
def data():
    return coloured_images()


def stop_after(questions):
    """Whoever asks whether to stop hears yes after so many times no."""
    asked = count()
    return lambda: next(asked) >= questions


def weights(path):
    """The network and momentum in a checkpoint."""
    return {name: value for name, value in load_tensors(path)[0].items() if name.startswith(("network.", "momentum."))}


def run(queue, data, path, *interruptions):
    """Reports by (ticks, name), and results, of a queue that is stopped and continued so many times, then finished."""
    reports, results = {}, []

    def progress(done, metrics):
        for name, value in metrics.items():
            if name.endswith(PACE):
                continue
            assert reports.get((done, name), value) == value
            reports[done, name] = value

    for questions in (*interruptions, 10**9):
        hooks = Hooks(progress, stop_after(questions), path)
        evaluation = evaluate(queue, data, hooks=hooks, record=results.append)
    assert evaluation.finished and evaluation.results == tuple(results)
    return reports, [(item.architecture, item.seed, item.accuracy) for item in results]


@pytest.mark.parametrize("interruptions", [(0,), (1,), (3, 2), (4,), (7,), (8,)], ids=str)
def test_a_stopped_training_continues_bit_for_bit(data, tmp_path, interruptions):
    queue = config()
    straight, stopped = tmp_path / "straight.safetensors", tmp_path / "stopped.safetensors"
    # Stopped before the verdict, a training leaves its last weights in the checkpoint.
    evaluate(queue, data, hooks=Hooks(should_stop=stop_after(STEPS), checkpoint=straight))
    for questions in (*interruptions, STEPS - sum(interruptions)):
        evaluate(queue, data, hooks=Hooks(should_stop=stop_after(questions), checkpoint=stopped))
    expected, found = weights(straight), weights(stopped)
    assert expected.keys() == found.keys() and any(name.startswith("momentum.") for name in expected)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    reports, results = run(queue, data, tmp_path / "one.safetensors")
    assert run(queue, data, tmp_path / "other.safetensors", *interruptions) == (reports, results)


def test_a_queue_goes_on_with_the_second_after_a_stop(data, tmp_path):
    queue = config("NAT_DARTS", "NATv2_DARTS")
    expected = run(queue, data, tmp_path / "straight.safetensors")
    # One question before each step and one before the verdict: this stops in the second training.
    path = tmp_path / "stopped.safetensors"
    first = evaluate(queue, data, hooks=Hooks(should_stop=stop_after(STEPS + 1 + 3), checkpoint=path))
    assert not first.finished and [item.architecture for item in first.results] == ["NAT_DARTS"]
    recorded = []
    second = evaluate(queue, data, hooks=Hooks(checkpoint=path), record=recorded.append)
    assert second.finished and [item.architecture for item in recorded] == ["NATv2_DARTS"]
    assert second.results[0] == first.results[0]
    assert [(item.architecture, item.seed, item.accuracy) for item in second.results] == expected[1]
    again = evaluate(queue, data, hooks=Hooks(checkpoint=path), record=recorded.append)
    assert again == second and len(recorded) == 1  # nothing is left to do


def test_every_result_is_what_it_is_alone(data):
    budget = replace(TINY, epochs=1)
    together = evaluate(config("NAT_DARTS", "DARTS", seeds=(0, 5), budget=budget), data).results
    alone = evaluate(config("DARTS", seeds=(5,), budget=budget), data).results[0]
    assert [(item.architecture, item.seed) for item in together][3] == ("DARTS", 5)
    assert (together[3].key, together[3].accuracy) == (alone.key, alone.accuracy)


def test_progress_counts_over_the_whole_queue(data, tmp_path):
    queue = config("NAT_DARTS", seeds=(0, 1))
    reports, _ = run(queue, data, tmp_path / "state.safetensors")
    each = TINY.epochs * TICKS_PER_EPOCH
    assert ticks(queue) == 2 * each
    assert [done for done, name in reports if name == "accuracy"] == [each, 2 * each]
    losses = [(done, name) for done, name in reports if name.endswith("/loss")]
    assert losses == [(position * each + 5 * (step + 1), f"1 NAT_DARTS seed {position}/loss")
                      for position in range(2) for step in range(STEPS)]  # fmt: skip
    assert {name for _, name in run(config(), data, tmp_path / "alone.safetensors")[0]} == {
        "loss", "training_accuracy", "learning_rate", "drop_path", "accuracy",
    }  # fmt: skip


def test_labels_are_fit_for_names_of_metrics():
    queue = config("NAT_DARTS")
    odd = replace(queue, architectures=(replace(queue.architectures[0], name="cells/ä (1).txt"),))
    assert label(odd, 0) == "1 cells____1_.txt"


def test_it_saves_by_the_clock(data, tmp_path):
    saves = []

    class Saving:
        def __enter__(self):
            saves.append(True)

        def __exit__(self, *_):
            pass

    path = tmp_path / "state.safetensors"
    evaluate(config(), data, hooks=Hooks(checkpoint=path, saving=Saving, save_seconds=0.0))
    assert len(saves) == STEPS + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "truncated or not a safetensors file"),
        (lambda path: None, r"seeds was .* and is now .*; accepted: a checkpoint of the same configuration"),
    ],
)
def test_a_checkpoint_that_does_not_belong_is_refused(data, tmp_path, change, message):
    path = tmp_path / "state.safetensors"
    evaluate(config(), data, hooks=Hooks(should_stop=stop_after(2), checkpoint=path))
    change(path)
    with pytest.raises(ValueError, match=message):
        evaluate(config(seeds=(1,)), data, hooks=Hooks(checkpoint=path))
