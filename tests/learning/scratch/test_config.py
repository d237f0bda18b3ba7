import json
import math
from dataclasses import replace

import pytest

from nat_core.architecture.library import find
from nat_core.architecture.notation import parse
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import PRESETS, preset_budget
from tests.learning.scratch.cases import CELL, TINY, config, named


def test_the_cosine_falls_from_the_full_rate_to_zero():
    budget = replace(TINY, epochs=4, learning_rate=0.2)
    rates = [budget.learning_rate_at(step, 2) for step in range(8)]
    assert rates[0] == 0.2
    assert rates[4] == pytest.approx(0.1)  # half of the steps
    assert rates[2] == pytest.approx(0.2 * (1 + math.sqrt(0.5)) / 2)  # a quarter of them
    assert budget.learning_rate_at(8, 2) == pytest.approx(0)


def test_warm_up_rises_linearly_and_the_cosine_takes_the_rest():
    budget = replace(TINY, epochs=3, learning_rate=0.3, warmup_epochs=1.0)
    rates = [budget.learning_rate_at(step, 4) for step in range(12)]
    assert rates[:5] == pytest.approx([0.075, 0.15, 0.225, 0.3, 0.3])
    assert rates[8] == pytest.approx(0.15)
    assert sorted(rates[4:], reverse=True) == rates[4:]


def test_drop_path_rises_with_the_epochs():
    budget = replace(TINY, epochs=4, drop_path=0.2)
    assert [budget.drop_path_at(epoch) for epoch in range(4)] == pytest.approx([0, 0.05, 0.1, 0.15])


def test_the_paper_preset_is_darts_recipe():
    budget = preset_budget("paper", find("DARTS").architecture)
    expected = {
        "family": "cifar", "channels": 36, "layers": 20, "auxiliary": True, "epochs": 600, "batch": 96,
        "learning_rate": 0.025, "momentum": 0.9, "weight_decay": 3e-4, "drop_path": 0.2, "auxiliary_weight": 0.4,
        "cutout": 16, "gradient_clip": 5.0, "label_smoothing": 0.0, "warmup_epochs": 0.0, "data": "uoft-cs/cifar10",
    }  # fmt: skip
    assert {name: budget.to_dict()[name] for name in expected} == expected


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    ("architecture", "family"), [(find("ENAS").architecture, "cifar"), (parse(CELL), "nasbench201")]
)
def test_every_preset_has_a_network_for_every_space(preset, architecture, family):
    budget = preset_budget(preset, architecture, epochs=7)
    assert (budget.family, budget.epochs) == (family, 7)
    assert budget.network(10).mismatch(architecture) is None


def test_it_survives_json():
    one = config("DARTS", "ENAS", seeds=(3, 4))
    assert EvaluationConfig.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert one.budget.to_dict()["channels"] == 2


def test_the_first_seed_of_all_comes_first():
    jobs = [(item.name, seed) for item, seed in config("DARTS", "ENAS", seeds=(3, 4)).jobs]
    assert jobs == [("DARTS", 3), ("ENAS", 3), ("DARTS", 4), ("ENAS", 4)]


BAD = [
    (lambda: replace(TINY, epochs=0), "epochs is 0; accepted: whole numbers from 1"),
    (lambda: replace(TINY, batch=1), "batch is 1"),
    (lambda: replace(TINY, drop_path=1.0), "drop_path is 1.0; accepted: numbers from 0 to 0.99"),
    (lambda: replace(TINY, learning_rate=float("nan")), "learning_rate is nan"),
    (lambda: replace(TINY, trained_on="most"), "accepted: all, fitting, weights, rewards"),
    (lambda: replace(TINY, judged_on="selection"), "trained_on must be fitting or weights or rewards"),
    (lambda: replace(TINY, warmup_epochs=3.0), "warmup_epochs is 3.0; at most the 2 epochs"),
    (lambda: replace(TINY, nesterov=True, momentum=0.0), "it needs a momentum"),
    (lambda: replace(TINY, channels=3), "it must be even"),
    (lambda: replace(TINY, auxiliary=True), "auxiliary head"),
    (lambda: replace(TINY, cutout=-1), "cutout is -1"),
    (lambda: Budget.from_dict({"epoch": 3}), "unknown field 'epoch'; accepted: family, data, epochs"),
    (lambda: EvaluationConfig((), TINY), "no architectures given"),
    (lambda: config("DARTS", "DARTS_V2"), "architectures: number 2 is the same as number 1"),
    (lambda: config(seeds=(1, 1)), "seeds: number 2"),
    (lambda: config(seeds=(-1,)), "seeds[0] is -1"),
    (lambda: config("DARTS", "cell"), "cell: the CIFAR network needs"),
    (lambda: NamedArchitecture("x", "Genotype("), "Genotype"),
    (lambda: preset_budget("long", named("DARTS")[0].architecture), "unknown preset 'long'; accepted: paper, short"),
    (lambda: PRESETS["short"].budget("imagenet"), "no settings for the network 'imagenet'; accepted: cifar"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)
