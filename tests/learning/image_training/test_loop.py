import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import find
from nat_core.learning.image_training import loop as image_training
from nat_core.learning.image_training import rounds as image_rounds
from nat_core.learning.image_training import setting as image_setting
from nat_core.learning.image_training.loop import HEADLINE, train_on_images
from nat_core.learning.image_training.plan import Phase
from nat_core.learning.image_training.publish import publish_images
from nat_core.learning.image_training.rounds import check
from nat_core.learning.image_training.setting import PROBES, Setting
from nat_core.learning.image_training.state import new_image_state
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.data import Inputs
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.transformation import Options, transform
from tests.learning.image_training.cases import SCHEDULES, tiny, tiny_images


def run(config, path=None, stop_every=None):
    """Trains to the end, stopped after every so many steps; the result and everything that was reported."""
    reported, left = [], []

    def should_stop():
        left.append(1)
        return stop_every is not None and len(left) > stop_every

    while True:
        left.clear()
        hooks = Hooks(lambda step, metrics: reported.append((step, dict(metrics))), should_stop, path)
        trained = train_on_images(config, tiny_images(), hooks=hooks)
        if trained.finished:
            return trained, reported


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Trainings that nobody stopped, by schedule: the result, the reports and the last checkpoint's tensors."""

    def train(schedule):
        path = tmp_path_factory.mktemp(schedule) / "state.safetensors"
        return (*run(tiny(schedule=schedule), path), load_tensors(path)[0])

    return {schedule: train(schedule) for schedule in SCHEDULES}


@pytest.mark.parametrize(("schedule", "stop_every"), [("alternate", 5), ("two-stage", 4)])
def test_a_stopped_training_continues_bit_for_bit(whole, schedule, stop_every, tmp_path):
    path = tmp_path / "state.safetensors"
    trained, reported = run(tiny(schedule=schedule), path, stop_every)
    expected, expected_reports, tensors = whole[schedule]
    found, _ = load_tensors(path)
    assert found.keys() == tensors.keys()
    assert [name for name in tensors if not torch.equal(found[name], tensors[name])] == []
    assert reported == expected_reports
    assert trained.state.quality == expected.state.quality


ALTERNATING = {"reward", "gain", "policy_term", "entropy_term", "entropy", "weight_loss", "weight_accuracy_percent",
               HEADLINE, "share_worse", "macs_ratio", "probe_gain/DARTS", "test/held_out_gain"}  # fmt: skip
TWO_STAGES = ALTERNATING | {"modelled_gain", "modelled_reward", "reward_model_rank_correlation", "accepted",
                            "rival_gain", "reward_model_error_points", "evaluated_accuracy_percent"}  # fmt: skip


@pytest.mark.parametrize(("schedule", "names"), [("alternate", ALTERNATING), ("two-stage", TWO_STAGES)])
def test_every_term_is_reported_under_its_name(whole, schedule, names):
    _, reported, _ = whole[schedule]
    found = {name for _, metrics in reported for name in metrics}
    assert names <= found
    assert all(np.isfinite(value) for _, metrics in reported for value in metrics.values())
    steps = [step for step, _ in reported]
    assert steps == sorted(steps)


def test_a_checkpoint_of_another_configuration_is_refused(tmp_path):
    path = tmp_path / "state.safetensors"
    train_on_images(tiny(), tiny_images(), hooks=Hooks(checkpoint=path, should_stop=lambda: True))
    with pytest.raises(
        ValueError,
        match="schedule was 'two-stage' and is now 'alternate'; accepted: a",
    ):
        train_on_images(replace(tiny(), schedule="alternate"), tiny_images(), hooks=Hooks(checkpoint=path))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ValueError, match="truncated"):
        train_on_images(tiny(), tiny_images(), hooks=Hooks(checkpoint=path))


@pytest.mark.parametrize(("space", "name"), [("fully_concat", "DARTS"), ("loose_end", "ENAS")])
def test_a_published_policy_transforms_evaluated_by_its_own_shared_weights(whole, space, name, tmp_path):
    trained = whole["two-stage"][0] if space == "fully_concat" else run(tiny(space))[0]
    folder = publish_images(tmp_path / "policy", trained, "python -m nat_core train")
    architecture = find(name).architecture
    policy, card = catalogue.load_for(tmp_path, architecture)
    assert (card.folder, card.space) == (folder, space)
    assert card.quality["rounds"] == 2 and "rank_correlation" in card.quality["reward_model"]
    source = catalogue.accuracy_source(card, architecture)
    result = transform(architecture, policy, card.target_space, source, Options(samples=8, allow_costlier=True))
    assert result.accuracy_kind == "shared-weight" and "selection images" in result.accuracy_description
    finalists = [candidate for candidate in result.candidates if candidate.is_final]
    assert result.input in finalists and result.output in finalists and len(finalists) == 6
    assert result.output.accuracy_percent >= result.input.accuracy_percent
    assert result.evaluated == (9 + 6, 9 + 6)
    assert "accuracy_is_final" in json.dumps(result.to_dict())


def test_a_policy_from_a_table_takes_the_whole_place_of_one_from_images(whole, tmp_path):
    folder = publish_images(tmp_path / "policy", whole["two-stage"][0], "python -m nat_core train")
    before = {path.name for path in folder.iterdir()}
    shape = PolicyConfig(width=8, layers=1, embedding=4, key=4)
    config = TrainingConfig(policy=shape, steps=1, batch=8, samples=2, inputs=InputsConfig(20, 15))
    publish(folder, train(config), "python -m nat_core train")
    assert before > {path.name for path in folder.iterdir()} == {"card.json", "policy.safetensors"}
    publish_images(folder, whole["two-stage"][0], "python -m nat_core train")
    assert {path.name for path in folder.iterdir()} == before


def test_probes_are_the_published_cells():
    assert [names[0] for names in PROBES.values()] == ["DARTS", "ENAS"]


def calls_of(monkeypatch):
    """Architectures that shared weights are asked about from here on, call by call."""
    calls = []

    class Noting(image_setting.SharedWeightAccuracy):
        def accuracy_percent(self, architectures):
            calls.append(list(architectures))
            return super().accuracy_percent(architectures)

        def _percent(self, architectures):
            evaluated.extend(architectures)
            return super()._percent(architectures)

    evaluated = []
    monkeypatch.setattr(image_setting, "SharedWeightAccuracy", Noting)
    return calls, evaluated


def test_in_a_step_equal_architectures_are_evaluated_once_and_an_input_once_for_all_samples(monkeypatch):
    calls, evaluated = calls_of(monkeypatch)
    cell = Cell(2, 3, (Edge("skip_connect", 0, 2), Edge("skip_connect", 1, 2)), (2,))
    architecture = Architecture(cell, cell)  # has 16 transformations
    setting = Setting(tiny(schedule="alternate", policy={"samples": 200}), tiny_images(), torch.device("cpu"))
    setting.inputs = Inputs((architecture,), ())
    state = new_image_state(setting.config, setting.network)
    image_training.PHASES["policy"](setting, state, Phase("policy", 0, 4), 0)
    assert len(calls) == 1 and architecture in calls[0]
    assert len(evaluated) == len(set(evaluated)) == len({item.effective for item in calls[0]}) <= 16


class Fixed:
    """Judges every architecture by a table; what is not in it gets 50 %."""

    kind, stable, description = "shared-weight", True, "a table"

    def __init__(self, accuracies):
        self.accuracies = accuracies

    def mismatch(self, architecture):
        return None

    def accuracy_percent(self, architectures):
        return np.array([self.accuracies.get(item, 50.0) for item in architectures])


@pytest.mark.parametrize(("accuracy", "accepted"), [(60.0, 1), (50.0, 0), (40.0, 0)])
def test_a_round_is_accepted_only_if_the_true_gain_rises(monkeypatch, accuracy, accepted):
    config = tiny()
    setting = Setting(config, tiny_images(), torch.device("cpu"))
    state = new_image_state(config, setting.network)
    outputs = image_rounds.outputs_of(setting, state.learner.policy, list(setting.inputs.training))
    inputs = set(setting.inputs.training)
    judge = Fixed(dict.fromkeys((item for item in outputs if item not in inputs), accuracy))
    monkeypatch.setattr(setting, "evaluator", lambda *_: judge)
    monkeypatch.setattr(image_rounds, "ensemble", lambda models: judge)
    phase = Phase("check", 0, 2)
    assert check(setting, state, phase, 0) == {}
    metrics = check(setting, state, phase, 1)
    assert metrics["accepted"] == state.accepted == accepted
    assert metrics["gain"] == pytest.approx(accuracy - 50, abs=2)
    if accepted:  # the same policy again gains no more than itself
        check(setting, state, phase, 0)
        assert check(setting, state, phase, 1)["accepted"] == 0 and state.accepted == 1


def test_rounds_use_other_images_and_checks_fresh_ones():
    config = tiny()
    setting = Setting(config, tiny_images(), torch.device("cpu"))

    def seen(part):
        return {image.numpy().tobytes() for image in part.images}

    rewards, checks = [seen(setting.reward_images(i)) for i in (0, 1)], [seen(setting.check_images(i)) for i in (0, 1)]
    assert rewards[0] != rewards[1] and checks[0] != checks[1]
    assert not (rewards[0] | rewards[1]) & (checks[0] | checks[1])


def test_shared_weights_that_diverge_are_told():
    setting = Setting(tiny(), tiny_images(), torch.device("cpu"))
    state = new_image_state(setting.config, setting.network)
    next(state.supernet.classifier.parameters()).data.fill_(torch.inf)
    with pytest.raises(ValueError, match="diverged; the learning rate is 0\\.1"):
        image_training.PHASES["weights"](setting, state, Phase("weights", 0, 4), 0)


def test_a_cost_weight_is_part_of_the_reward():
    config = tiny(policy={"reward.cost_weight": 0.5})
    setting = Setting(config, tiny_images(), torch.device("cpu"))
    light, heavy = (find(name).architecture for name in ("GDAS_V1", "DARTS"))
    objective = setting.objective(Fixed({}))([light, heavy])
    assert (objective < 50).all()
    assert (objective >= 0).all()
