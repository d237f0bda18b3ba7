import json
from dataclasses import replace

import pytest
import torch

from nat_core.learning.support import checkpoint
from nat_core.learning.support.files import save_tensors
from nat_core.learning.training.config import AdamConfig, TrainingConfig

KIND = checkpoint.Kind("training", version=3, writer="`train`")
CONFIG = TrainingConfig(steps=7, optimizer=AdamConfig(betas=(0.5, 0.9)))
TENSORS = {"a": torch.arange(6.0).reshape(2, 3).T, "n.b": torch.tensor(3)}


def test_tensors_and_facts_come_back(tmp_path):
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, KIND, CONFIG, TENSORS, {"step": 5, "pending": {"loss": [0.5]}})
    with checkpoint.loading(path, KIND, CONFIG) as (tensors, facts):
        assert tensors.keys() == TENSORS.keys() and all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
        assert (facts["step"], facts["pending"]) == (5, {"loss": [0.5]})
        assert checkpoint.under("n.", tensors).keys() == {"b"}


@pytest.mark.parametrize(
    ("kind", "config", "message"),
    [
        (KIND, replace(CONFIG, steps=8), "steps was 7 and is now 8; accepted: a checkpoint of the same configuration"),
        (replace(KIND, version=4), CONFIG, "format_version is 3, not 4"),
        (
            replace(KIND, name="evaluation"),
            CONFIG,
            "'evaluation' is missing; accepted: a .* by `train`",
        ),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, kind, config, message):
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, KIND, CONFIG, TENSORS, {})
    with pytest.raises(ValueError, match=message), checkpoint.loading(path, kind, config):
        pass


def test_what_a_block_does_not_find_is_said_with_the_file(tmp_path):
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, KIND, CONFIG, TENSORS, {})
    with (
        pytest.raises(ValueError, match=r"state.safetensors: 'step' is missing"),
        checkpoint.loading(path, KIND, CONFIG) as (_, facts),
    ):
        facts["step"]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="truncated"), checkpoint.loading(path, KIND, CONFIG):
        pass
    save_tensors(path, {}, {"training": json.dumps([1])})
    with pytest.raises(ValueError, match="accepted: a checkpoint"), checkpoint.loading(path, KIND, CONFIG):
        pass
