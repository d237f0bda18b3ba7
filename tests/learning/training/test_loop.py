"""Trainings: they improve, repeat by seed, stop, resume exactly, and report named terms."""

from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import RECIPES, InputsConfig, TrainingConfig
from nat_core.learning.training.data import inputs_of, objective_of
from nat_core.learning.training.loop import Schedule, reward_scale, train
from nat_core.options import with_fields

SMALL = PolicyConfig(width=16, layers=2, embedding=8, key=16)


def _config(parts: dict[str, Any] | None = None, **changes) -> TrainingConfig:
    """A small training; `parts` are fields of its parts by dotted names."""
    small = {"policy": SMALL, "steps": 12, "batch": 32, "samples": 4, "inputs": InputsConfig(200, 50)}
    return with_fields(TrainingConfig(), {"optimizer.warmup_steps": 2, **small, **changes, **(parts or {})})


def _weights(trained) -> dict[str, torch.Tensor]:
    return trained.policy.state_dict()


def _equal(first, second) -> bool:
    return all(torch.equal(tensor, _weights(second)[name]) for name, tensor in _weights(first).items())


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_short_training_improves():
    logged = []
    config = _config({"optimizer.learning_rate": 5e-3}, steps=120, batch=64, inputs=InputsConfig(1000, 50))
    trained = train(
        config, schedule=Schedule(10, 60), hooks=Hooks(progress=lambda step, metrics: logged.append((step, metrics)))
    )
    assert trained.finished
    assert [step for step, _ in logged] == list(range(10, 121, 10))
    assert logged[-1][1]["gain"] > logged[0][1]["gain"] + 3  # points
    assert logged[-1][1]["held_out_gain"] > 3
    assert [step for step, metrics in logged if "held_out_gain" in metrics] == [60, 120]


def test_the_authors_recipe_runs():
    config = replace(
        RECIPES["authors"], steps=3, inputs=InputsConfig(100, 10), policy=PolicyConfig("gcn", 16, 2, 8, 16)
    )
    logged = []
    train(config, hooks=Hooks(progress=lambda step, metrics: logged.append(metrics)))
    assert np.isfinite(list(logged[-1].values())).all()


def test_every_loss_term_is_reported_under_its_name():
    logged = []
    train(
        _config(steps=2),
        schedule=Schedule(report=1),
        hooks=Hooks(progress=lambda step, metrics: logged.append(metrics)),
    )
    names = {"reward", "gain", "best_sample_gain", "policy_term", "entropy_term", "entropy", "learning_rate"}
    assert set(logged[0]) == names
    assert set(logged[1]) == names | {"held_out_gain", "held_out_worse", "macs_ratio"}
    assert 0 < logged[1]["macs_ratio"] < 2


def test_a_seed_determines_the_policy():
    torch.manual_seed(9)
    first = train(_config(steps=4))
    expected = torch.rand(3, generator=torch.Generator().manual_seed(9))
    assert torch.equal(torch.rand(3), expected)  # torch's own random state is untouched
    assert _equal(first, train(_config(steps=4)))
    assert not _equal(first, train(_config(steps=4, seed=1)))


def test_what_search_finds_is_imitated():
    logged, drawn = {}, {}
    parts = {"optimizer.learning_rate": 5e-3, "reinforce.searched_share": 1.0}
    config = _config(parts, steps=60, batch=64, seed=1, inputs=InputsConfig(100, 50))
    assert train(config, hooks=Hooks(progress=logged.__setitem__)).finished
    terms = [metrics["imitation_term"] for metrics in logged.values()]
    assert terms[-1] < 0.8 * terms[0]
    train(with_fields(config, {"reinforce.searched_share": 0.0, "steps": 1}), hooks=Hooks(progress=drawn.__setitem__))
    assert "imitation_term" not in drawn[1]


@pytest.mark.parametrize("parts", [{}, {"reinforce.estimator": "moving_average"}, {"reinforce.searched_share": 0.5}])
def test_stop_and_resume_equal_one_go(tmp_path, parts):
    config, path = _config(parts), tmp_path / "state.safetensors"
    reported, expected = {}, {}
    asked = iter(range(100))
    stopped = train(
        config, hooks=Hooks(should_stop=lambda: next(asked) >= 5, checkpoint=path, progress=reported.__setitem__)
    )
    assert (stopped.steps_done, stopped.finished) == (5, False)
    resumed = train(config, hooks=Hooks(checkpoint=path, progress=reported.__setitem__))
    assert resumed.finished
    assert resumed.elapsed_seconds > stopped.elapsed_seconds
    assert _equal(resumed, train(config, hooks=Hooks(progress=expected.__setitem__)))
    assert list(reported) == [10, 12] and reported == expected


def test_an_interrupt_leaves_the_last_saved_state_whole(tmp_path):
    config, path = _config(), tmp_path / "state.safetensors"

    def interrupt(step, metrics):
        if step == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, schedule=Schedule(report=1, save=6), hooks=Hooks(checkpoint=path, progress=interrupt))
    assert [item.name for item in tmp_path.iterdir()] == ["state.safetensors"]
    assert _equal(train(config, hooks=Hooks(checkpoint=path)), train(config))


def test_saves_come_at_least_every_so_many_seconds_inside_the_given_context(tmp_path):
    config, path, saves = _config(steps=3), tmp_path / "state.safetensors", []

    @contextmanager
    def saving():
        before = path.exists()
        yield
        saves.append((before, path.exists()))

    train(config, hooks=Hooks(checkpoint=path, saving=saving, save_seconds=0))
    assert saves == [(False, True), (True, True), (True, True), (True, True)]


def test_without_a_checkpoint_what_is_pending_is_reported_at_a_stop():
    asked, reported = iter(range(100)), []
    train(
        _config(),
        hooks=Hooks(should_stop=lambda: next(asked) >= 5, progress=lambda step, metrics: reported.append(step)),
    )
    assert reported == [5]


def test_a_finished_training_is_not_repeated(tmp_path):
    config, path = _config(steps=3), tmp_path / "state.safetensors"
    first = train(config, hooks=Hooks(checkpoint=path))
    assert _equal(first, train(config, hooks=Hooks(checkpoint=path, progress=lambda *_: pytest.fail("took a step"))))


def test_another_configurations_state_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    train(_config(steps=1), hooks=Hooks(checkpoint=path))
    with pytest.raises(ValueError, match=r"state.safetensors: seed was 0 and is now 4; accepted: a checkpoint"):
        train(_config(steps=1, seed=4), hooks=Hooks(checkpoint=path))


@pytest.mark.parametrize("damage", [lambda raw: raw[:200], lambda raw: b"", lambda raw: b"junk" * 100])
def test_a_damaged_state_is_refused(tmp_path, damage):
    path = tmp_path / "state.safetensors"
    train(_config(steps=1), hooks=Hooks(checkpoint=path))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="truncated or not a safetensors file"):
        train(_config(steps=1), hooks=Hooks(checkpoint=path))


def test_other_spaces_train_on_any_source():
    class Pooling:
        kind, description, stable = "modelled", "pooling counted", False

        def mismatch(self, architecture):
            return None

        def accuracy_percent(self, architectures):
            return np.array([sum("pool" in name for name in item.operations) for item in architectures], float)

    config = _config(space="loose_end", steps=2, inputs=InputsConfig(20, 5), batch=8)
    trained = train(config, Pooling())
    assert (trained.source.description, trained.steps_done) == ("pooling counted", 2)


class _Constant:
    """A source that finds all architectures alike."""

    kind, description = "modelled", "always the same"

    def __init__(self, stable: bool) -> None:
        self.stable = stable

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        return np.full(len(architectures), 50.0)


def test_rewards_are_compared_by_normal_scores_of_the_inputs():
    config = _config()
    objective, inputs = objective_of(config), inputs_of(config).training
    scale = reward_scale(config, objective, inputs)
    scores = scale.to_target(objective(inputs))
    assert np.median(scores) == pytest.approx(0, abs=0.02)
    assert scores.std() == pytest.approx(1, abs=0.03)
    points = np.sort(np.unique(objective(inputs)))
    assert (np.diff(scale.to_target(points)) > 0).all()  # monotone: the best transformation stays the best


@pytest.mark.parametrize(
    ("parts", "source"),
    [
        ({"reinforce.reward_scale": "points"}, None),
        ({"reinforce.estimator": "moving_average"}, None),
        ({}, _Constant(stable=False)),
        ({}, _Constant(stable=True)),
    ],
)
def test_points_are_compared_where_no_scale_fits(parts, source):
    config = _config(parts)
    assert reward_scale(config, objective_of(config, source), inputs_of(config).training) is None
    assert train(_config(parts, steps=1), source).finished
