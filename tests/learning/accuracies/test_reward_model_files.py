import random

import numpy as np
import pytest

from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.accuracies.reward_model_files import FILE, ensemble, load_reward_model, save_reward_model

SPACE = SPACES["fully_concat"]
RNG = random.Random(0)
ARCHITECTURES = [SPACE.sample(RNG) for _ in range(24)]


@pytest.fixture(scope="module")
def models():
    accuracies = np.linspace(10, 60, 24)
    configs = [RewardModelConfig(members=1, width=8, layers=1, embedding=4, steps=5, seed=seed) for seed in (0, 1)]
    return [fit_reward_model(ARCHITECTURES, accuracies, SPACE, config) for config in configs]


def test_an_ensemble_is_cautious(models):
    single = [model.accuracy_percent(ARCHITECTURES) for model in models]
    together = ensemble(models)
    assert together.accuracy_percent(ARCHITECTURES).tolist() == pytest.approx(np.minimum(*single).tolist())
    assert len(together.members) == together.config.members == 2
    correlations = [model.quality.rank_correlation for model in models]
    assert together.quality.rank_correlation == pytest.approx(sum(correlations) / 2)


def test_a_model_survives_a_file(models, tmp_path):
    model = ensemble(models)
    save_reward_model(tmp_path, model)
    loaded = load_reward_model(tmp_path)
    assert loaded.accuracy_percent(ARCHITECTURES).tolist() == model.accuracy_percent(ARCHITECTURES).tolist()
    assert (loaded.quality, loaded.config, loaded.description) == (model.quality, model.config, model.description)


def test_a_broken_file_is_named(models, tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load_reward_model(tmp_path)
    (tmp_path / FILE).write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=f"{FILE}: truncated or not a safetensors file"):
        load_reward_model(tmp_path)
