"""The policies of checkpoints: equal to the trained ones, kept evenly, found by the catalogue."""

import random
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from nat_core.learning.image_training.presets import preset
from nat_core.learning.image_training.state import new_image_state, save_image_state
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import load_policy, save_policy
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import BudgetsConfig, InputsConfig, TrainingConfig
from nat_core.learning.training.loop import Schedule, train
from nat_core.runs.artifacts import KEPT, Snapshots
from nat_core.runs.kinds import request_for
from nat_core.runs.kinds.training import policy_of_checkpoint
from nat_core.runs.run import State
from nat_core.runs.worker import execute

SMALL = PolicyConfig(width=8, layers=1, embedding=8, key=8)
CONFIG = TrainingConfig(policy=SMALL, steps=40, batch=4, samples=2, inputs=InputsConfig(60, 10))


def same(one, other) -> bool:
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, budgets=BudgetsConfig("macs")), replace(CONFIG, rule="nat")]
)
def test_the_policy_of_a_tables_checkpoint_is_the_one_being_trained(tmp_path, config):
    path = tmp_path / "state.safetensors"
    trained = train(config, hooks=Hooks(checkpoint=path, should_stop=iter([False] * 7 + [True]).__next__))
    policy, card = policy_of_checkpoint(path, "python -m nat_core train")
    assert same(policy, trained.policy)
    save_policy(tmp_path / "kept", policy, card)
    kept, _ = load_policy(tmp_path / "kept")
    assert same(kept, trained.policy) and kept.rule == policy.rule == trained.policy.rule
    assert (card.training["steps_done"], card.space, card.command) == (7, "nasbench201", "python -m nat_core train")


def test_the_policy_of_an_images_checkpoint_is_the_accepted_one(tmp_path):
    config = preset("smoke", "fully_concat")
    config = replace(config, policy=replace(config.policy, policy=SMALL))
    state = new_image_state(config, config.network(10), torch.device("cpu"))
    path = tmp_path / "state.safetensors"
    for accepted in (0, 1):
        state.accepted = accepted
        torch.nn.init.constant_(next(state.best.parameters()), 0.25)
        save_image_state(path, config, state)
        policy, card = policy_of_checkpoint(path)
        assert same(policy, state.policy) and card.space == "fully_concat"
    assert not same(state.best, state.learner.policy)


@pytest.mark.parametrize("content", [b"", b"nonsense" * 20])
def test_what_is_no_checkpoint_is_one_sentence(tmp_path, content):
    path = tmp_path / "state.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"state\.safetensors: .*accepted: the checkpoint of a training"):
        policy_of_checkpoint(path)


def test_about_sixteen_are_kept_evenly(tmp_path):
    checkpoint = tmp_path / "state.safetensors"
    snapshots = Snapshots(tmp_path / "kept", tmp_path / "latest", CONFIG.steps)
    for step in range(1, CONFIG.steps + 1):
        train(
            CONFIG,
            schedule=Schedule(save=10**6),
            hooks=Hooks(checkpoint=checkpoint, should_stop=iter([False, True]).__next__),
        )
        snapshots.take(checkpoint, policy_of_checkpoint, "")
        assert load_policy(tmp_path / "latest")[1].training["steps_done"] == step
    steps = list(snapshots.kept())
    assert steps[0] == 1 and KEPT <= len(steps) <= KEPT + 1
    assert max(b - a for a, b in pairwise(steps)) <= 3


def test_a_stopped_runs_policy_is_found_until_the_finished_one_takes_its_place(tracking, tmp_path):
    run = tracking.create(request_for("train", CONFIG, name="mine/../x"))
    snapshots = Snapshots.of(tracking.folders, run)
    assert snapshots.latest.parent == tracking.folders.latest
    assert execute(tracking, run.id) is State.FINISHED
    cell = CONFIG.target_space.sample(random.Random(1))
    names = catalogue.fitting(tracking.folders.policy_roots, cell)
    assert list(names) == ["mine/../x"] and snapshots.kept() and not snapshots.latest.exists()
    policy, _ = catalogue.load_for(tracking.folders.policy_roots, cell, "mine/../x")
    assert same(policy, load_policy(tracking.output_of(run))[0])

    tracking.rename(run.id, "yours")
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["yours"]
    assert tracking.get(run.id).name == "yours" and tracking.output_of(tracking.get(run.id)).exists()
    shutil.rmtree(tracking.folders.policies)


def test_a_policy_in_another_folder_is_found_among_the_others_and_outlives_its_run(tracking, tmp_path):
    from nat_core.runs.launcher import delete

    run = tracking.create(request_for("train", CONFIG, output=tmp_path / "mine", name="elsewhere"))
    execute(tracking, run.id)
    assert tracking.output_of(run) == tmp_path / "mine"
    assert list(catalogue.cards(tracking.folders.policy_roots)) == ["elsewhere"]
    delete(tracking, run.id)
    assert catalogue.cards(tracking.folders.policy_roots) == {}
    assert catalogue.cards(tmp_path / "mine") and not tracking.folders.snapshots(run.id).exists()
