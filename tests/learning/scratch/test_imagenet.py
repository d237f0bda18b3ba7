"""ImageNet's recipe on a folder of its layout: streamed, resumed in the middle of an epoch, top-1 and top-5."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import count

import psutil
import pytest
import torch

from nat_core.architecture.library import find
from nat_core.learning.images.images import load_images
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.scratch.queue import evaluate, images_of
from nat_core.learning.scratch.state import new_state
from nat_core.learning.scratch.training import Trainer
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.hooks import Hooks
from tests.learning.scratch.cases import TINY, coloured_images, named
from tests.support.image_folder import make_image_folder

STEPS = 5  # of an epoch: 48 images in batches of 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 images of six classes."""
    return make_image_folder(tmp_path_factory.mktemp("imagenet"), images=60, classes=6, sides=(70, 120))


def queue(folder, **changes):
    small = {"channels": 2, "layers": 3, "resolution": 64, "auxiliary": False, "epochs": 2, "batch": 10}
    budget = preset_budget("imagenet", find("DARTS").architecture, data=str(folder), **{**small, **changes})
    return EvaluationConfig((NamedArchitecture.of(find("DARTS").architecture, "DARTS"),), budget, (0,), "imagenet")


def stop_after(questions):
    asked = count()
    return lambda: next(asked) >= questions


def weights(path):
    return {name: value for name, value in load_tensors(path)[0].items() if name.startswith(("network.", "momentum."))}


def test_it_learns_and_reports_top_five_and_its_pace(folder):
    seen = []
    (result,) = evaluate(
        queue(folder, epochs=6, channels=4), hooks=Hooks(lambda step, found: seen.append(found))
    ).results
    assert result.network == "ImageNet, C 4, L 3, 64×64, no auxiliary head" and result.preset == "imagenet"
    assert 0 <= result.accuracy <= result.top5_accuracy <= 100 and result.top5_accuracy > 80
    assert all(found["images_per_second"] > 0 and 0 <= found["waiting_percent"] <= 100 for found in seen[:-1])
    assert seen[-1] == {"accuracy": result.accuracy, "top5_accuracy": result.top5_accuracy}
    assert seen[-2]["loss"] < seen[0]["loss"]


@pytest.mark.parametrize("changes", [{}, {"crop": "shifted", "jitter": False, "images": "streamed", "padding": 4}])
def test_stopped_in_the_middle_of_an_epoch_it_continues_bit_for_bit(folder, tmp_path, changes):
    config = queue(folder, **changes)
    paths = [tmp_path / name for name in ("straight.safetensors", "stopped.safetensors")]
    evaluate(config, hooks=Hooks(should_stop=stop_after(2 * STEPS), checkpoint=paths[0]))
    for questions in (3, 4, 2 * STEPS - 7):
        evaluate(config, hooks=Hooks(should_stop=stop_after(questions), checkpoint=paths[1]))
    expected, found = map(weights, paths)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_streamed_and_held_images_train_alike_but_for_their_mean(folder):
    """The same images in the same order, shifted alike."""
    budget = queue(folder, crop="shifted", jitter=False, padding=4).budget
    states = []
    for way in ("streamed", "held"):
        data = replace(load_images(str(folder), resolution=64, way=way), mean=(1.0,) * 3, deviation=(2.0,) * 3)
        state = new_state(find("DARTS").architecture, budget.network(6), budget, 0)
        trainer = Trainer(replace(budget, images="auto"), data)
        for _ in range(STEPS + 2):
            trainer.step(state)
        states.append(state)
    one, other = (state.network.state_dict() for state in states)
    assert all(torch.equal(one[name], other[name]) for name in one)


_KILLED = """
import sys
from nat_core.learning.scratch.queue import evaluate
from nat_core.learning.support.hooks import Hooks
from pathlib import Path
from tests.learning.scratch.test_imagenet import queue, stop_after
if __name__ == "__main__":
    evaluate(queue(sys.argv[1], epochs=40), hooks=Hooks(checkpoint=Path(sys.argv[2]), save_seconds=0.0))
"""


def test_killed_it_continues_from_its_checkpoint_bit_for_bit(folder, tmp_path):
    path, straight = tmp_path / "state.safetensors", tmp_path / "straight.safetensors"
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(path)], env={**os.environ, "PYTHONPATH": "."}
    )
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    decoding = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert decoding and not psutil.wait_procs(decoding, timeout=30)[1]  # they end, too
    config = queue(folder, epochs=40)
    step = _step(path)
    evaluate(config, hooks=Hooks(should_stop=stop_after(12), checkpoint=path))
    evaluate(config, hooks=Hooks(should_stop=stop_after(step + 12), checkpoint=straight))
    expected, found = weights(straight), weights(path)
    assert _step(path) == _step(straight) == step + 12
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def _step(path):
    import json

    return json.loads(load_tensors(path)[1]["evaluation"])["step"]


def test_broken_images_are_counted_across_an_interruption(tmp_path):
    root = make_image_folder(tmp_path / "broken", images=60, classes=6, sides=(70, 120))
    for number in range(2):
        (root / "train" / "n00000000" / f"0000{number}.jpg").write_bytes(b"no image")
    path, told, seen = tmp_path / "state.safetensors", [], []
    config = queue(root, epochs=1, most_broken=2)
    evaluate(config, hooks=Hooks(should_stop=stop_after(3), checkpoint=path, tell=told.append))
    result = evaluate(config, hooks=Hooks(lambda step, found: seen.append(found), checkpoint=path, tell=told.append))
    assert result.finished and len(told) == 2 and seen[-2]["broken_images"] == 2
    assert sorted(sentence[:24] for sentence in told) == ["skipped, 1 of at most 2:", "skipped, 2 of at most 2:"]
    with pytest.raises(ValueError, match="2 images cannot be read, and 1 may be; the last one: "):
        evaluate(queue(root, epochs=1, most_broken=1))


def test_pieces_add_up_to_the_gradient_of_their_mean(device, monkeypatch):
    """Without batch norm's statistics over the whole batch nothing else differs, so its layers are frozen here."""
    data = coloured_images()
    budget = replace(TINY, drop_path=0.0, cutout=0, padding=0, flip=False, weight_decay=0.0)
    moved = []
    for pieces in (1, 4):
        data = data.to(device)
        state = new_state(named("NAT_DARTS")[0].architecture, budget.network(3), budget, 0, device)
        trainer = Trainer(replace(budget, pieces=pieces), data)
        state.network.eval()
        with monkeypatch.context() as patch:
            patch.setattr(torch.nn.Module, "train", lambda self, mode=True: self)
            trainer.step(state)
        moved.append(torch.cat([parameter.detach().flatten() for parameter in state.network.parameters()]))
        assert state.pending[2].item() == 8
    assert torch.allclose(moved[0], moved[1], atol=1e-6)


def test_precision_and_memory_format_follow_the_device(device):
    budget = replace(TINY, family="imagenet", resolution=32)
    state = new_state(find("DARTS").architecture, budget.network(3), budget, 0, device)
    trainer = Trainer(budget, coloured_images(side=32).to(device))
    trainer.step(state)
    assert trainer.report(state)["loss"] > 0
    images = next(trainer.part.sequence([torch.arange(4, device=device)])).images
    assert images.is_contiguous(memory_format=torch.channels_last)
    heavy = [parameter for parameter in state.network.parameters() if parameter.dim() == 4 and parameter.shape[1] > 1]
    assert all(parameter.is_contiguous(memory_format=torch.channels_last) for parameter in heavy)


def test_the_images_of_a_budget(folder):
    data = images_of(queue(folder).budget)
    assert data.is_streamed and data.training.pool.decoder.share == 7 / 8
    assert not images_of(queue(folder, crop="shifted", jitter=False).budget).is_streamed
