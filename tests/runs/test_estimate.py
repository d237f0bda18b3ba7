"""Estimates: in proportion to the work, near a real training, and refused where the machine is too small."""

import time

import pytest

from nat_core.architecture.library import find
from nat_core.learning.forms import with_options
from nat_core.learning.image_training.presets import PRESETS, preset
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.training.config import RECIPES, TRAININGS, InputsConfig, TrainingConfig
from nat_core.learning.training.loop import train
from nat_core.network.supernet import Supernet
from nat_core.options import with_fields
from nat_core.runs import estimate as module
from nat_core.runs.estimate import Calibration, calibration, check_memory, estimate

SPEED = Calibration(0.05, 3e-10, 0.02, 1e-10, 1e-5, 1e-5)


def test_more_work_takes_longer_and_more_memory():
    config = preset("cpu", "fully_concat")
    base = estimate(config, SPEED)
    for changes in ({"epochs": 240}, {"rounds": 8}, {"steps": 3000}, {"reward_images": 4000}, {"channels": 16}):
        assert estimate(with_options(config, changes), SPEED).seconds > base.seconds
    for changes in ({"channels": 16}, {"layers": 10}, {"batch": 256}, {"resolution": 64}):
        assert estimate(with_options(config, changes), SPEED).memory_bytes > base.memory_bytes


def test_modelled_rewards_take_longer_than_a_table():
    share_of, standard = "reinforce.searched_share", RECIPES[TRAININGS]
    modelled = with_fields(standard, {share_of: 0.0})
    table = TrainingConfig(steps=modelled.steps, batch=modelled.batch)
    assert estimate(modelled, SPEED).seconds > 3 * estimate(table, SPEED).seconds
    searched = estimate(with_fields(standard, {share_of: 1.0}), SPEED)
    assert searched.seconds > estimate(modelled, SPEED).seconds + 0.01 * modelled.inputs.training
    free, shown = (
        estimate(with_fields(standard, {"steps": 5, share_of: share}), SPEED).seconds for share in (0.0, 1.0)
    )
    assert free < shown < free + (searched.seconds - estimate(modelled, SPEED).seconds) / 2  # few inputs are met


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_presets_are_ordered(space):
    for schedule in ("alternate", "two-stage"):
        smoke, cpu, paper = (estimate(preset(name, space, schedule), SPEED) for name in ("smoke", "cpu", "paper"))
        assert smoke.seconds < cpu.seconds < paper.seconds
        assert smoke.memory_bytes < cpu.memory_bytes < paper.memory_bytes
    assert set(PRESETS) == {"smoke", "cpu", "paper"}


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_shared_weights_are_counted_about_right(space):
    config = preset("smoke", space)
    true = sum(item.numel() for item in Supernet(config.target_space, config.network(10)).parameters())
    assert module._supernet_parameters(config) == pytest.approx(true, rel=0.2)


def test_a_real_training_takes_about_as_long(tmp_path):
    speed = calibration(tmp_path / "calibration.json")
    assert calibration(tmp_path / "calibration.json") == speed  # from the file
    config = TrainingConfig(steps=150, batch=64, inputs=InputsConfig(500, 20), policy=PolicyConfig())
    train(TrainingConfig(steps=2, batch=64, inputs=InputsConfig(500, 20)))  # the table is read once
    began = time.perf_counter()
    train(config)
    real = time.perf_counter() - began
    assert real / 8 < estimate(config, speed).seconds - 5 < real * 8  # other work shares the machine


def test_a_broken_file_is_measured_again(tmp_path):
    (tmp_path / "calibration.json").write_text("[1, 2")
    assert calibration(tmp_path / "calibration.json").weight_step > 0


def test_too_much_memory_is_one_sentence():
    config = preset("paper", "fully_concat")
    needed = estimate(config, SPEED).memory_bytes
    check_memory(config, available_bytes=needed)
    with pytest.raises(ValueError, match=r"about \d+ GB of memory are needed, and cuda:0 has 1 GB; fewer channels"):
        check_memory(config, "cuda:0", 2**30)
    check_memory(TrainingConfig())  # of this machine
    with pytest.raises(ValueError, match="a dict is no training"):
        estimate({}, SPEED)


def _evaluation(preset_name="imagenet", **changes):
    budget = preset_budget(preset_name, find("DARTS").architecture, **changes)
    return EvaluationConfig((NamedArchitecture.of(find("DARTS").architecture, "DARTS"),), budget)


def test_a_training_from_scratch_is_estimated_too(monkeypatch):
    monkeypatch.setenv("NAT_LAB_WORKERS", "4")
    base = estimate(_evaluation(), SPEED)
    assert base.seconds > 250 * 1_281_167 * 5.3e8 * SPEED.weight_mac
    assert 7 * 2**30 < base.memory_bytes < 16 * 2**30  # 6.2 GB are kept for the gradient; images are not held
    for changes in ({"epochs": 500}, {"channels": 64}, {"layers": 20}):
        assert estimate(_evaluation(**changes), SPEED).seconds > base.seconds
    assert estimate(_evaluation(pieces=4), SPEED).memory_bytes < base.memory_bytes / 2.5
    assert estimate(_evaluation(data="sample"), SPEED).seconds < base.seconds / 100
    with pytest.raises(ValueError, match=r"GB of memory are needed.* or a batch in more pieces need less"):
        check_memory(_evaluation(), available_bytes=2**30)


def test_where_decoding_is_slower_than_the_network_it_is_what_counts(monkeypatch):
    tiny = _evaluation(channels=2, layers=3, data="tiny-imagenet", epochs=1)
    monkeypatch.setenv("NAT_LAB_WORKERS", "1")
    slow = estimate(tiny, SPEED).seconds
    monkeypatch.setenv("NAT_LAB_WORKERS", "8")
    assert estimate(tiny, SPEED).seconds < slow


def test_streamed_images_take_no_memory_of_their_own(monkeypatch):
    monkeypatch.setenv("NAT_LAB_WORKERS", "1")
    config = with_options(preset("smoke", "fully_concat"), {"resolution": 64})
    held, streamed = (
        estimate(with_options(config, {"images": way}), SPEED).memory_bytes for way in ("held", "streamed")
    )
    assert streamed < held
