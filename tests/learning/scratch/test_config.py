import json
import math
from dataclasses import replace

import pytest

from nat_core.architecture.library import find
from nat_core.architecture.notation import parse
from nat_core.learning.scratch.config import Budget, EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import PRESETS, evaluation, preset_budget
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


@pytest.mark.parametrize(
    ("preset", "architecture", "family"),
    [("imagenet", find("ENAS").architecture, "imagenet")]
    + [
        (name, architecture, family)
        for name in ("paper", "short", "smoke")
        for architecture, family in ((find("ENAS").architecture, "cifar"), (parse(CELL), "nasbench201"))
    ],
)
def test_presets_have_a_network_for_the_architectures_they_are_for(preset, architecture, family):
    budget = preset_budget(preset, architecture, epochs=7)
    assert (budget.family, budget.epochs) == (family, 7)
    assert budget.network(10).mismatch(architecture) is None


def test_the_recipe_for_imagenet_is_that_of_darts():
    budget = preset_budget("imagenet", find("DARTS").architecture)
    expected = {
        "family": "imagenet", "channels": 48, "layers": 14, "resolution": 224, "auxiliary": True, "epochs": 250,
        "batch": 128, "learning_rate": 0.1, "momentum": 0.9, "nesterov": False, "weight_decay": 3e-5, "drop_path": 0.0,
        "auxiliary_weight": 0.4, "gradient_clip": 5.0, "label_smoothing": 0.1, "crop": "resized", "jitter": True,
        "flip": True, "cutout": 0, "warmup_epochs": 0.0,
    }  # fmt: skip
    assert {name: budget.to_dict()[name] for name in expected} == expected
    rates = [budget.learning_rate_at(step, 10) for step in range(30)]
    assert rates == pytest.approx([0.1] * 10 + [0.097] * 10 + [0.09409] * 10)
    assert budget.network(1000).description == "ImageNet, C 48, L 14, 224×224, auxiliary head"
    assert (budget.way, budget.share) == ("streamed", 7 / 8)


def test_data_known_by_name_bring_their_resolution():
    for data, resolution in (("imagenet16-120", 16), ("cifar100", 32), ("tiny-imagenet", 64), ("sample", 32)):
        assert evaluation(named("cell"), {"data": data}).budget.resolution == resolution
    assert evaluation(named("cell"), {"data": "imagenet16-120", "resolution": 24}).budget.resolution == 24
    assert evaluation(named("DARTS"), {"preset": "imagenet", "data": "tiny-imagenet"}).budget.resolution == 224


def test_it_survives_json():
    one = config("DARTS", "ENAS", seeds=(3, 4))
    assert EvaluationConfig.from_dict(json.loads(json.dumps(one.to_dict()))) == one
    assert one.budget.to_dict()["channels"] == 2


def test_images_of_earlier_configurations_stay_held():
    value = config("DARTS").to_dict()
    assert EvaluationConfig.from_dict(value).budget.images == "auto"
    del value["budget"]["images"]
    assert EvaluationConfig.from_dict(value).budget.images == "held"


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
    (lambda: preset_budget("long", named("DARTS")[0].architecture), "'long'; accepted: paper, imagenet, short"),
    (lambda: preset_budget("imagenet", parse(CELL)), "the network 'nasbench201'; accepted: imagenet"),
    (lambda: preset_budget("imagenet", named("DARTS")[0].architecture, resolution=64), "accepts 193 or more"),
    (lambda: preset_budget("imagenet", named("DARTS")[0].architecture, images="held"), "accepted are: auto, streamed"),
    (lambda: replace(TINY, pieces=5), "pieces is 5; of a batch of 8 each needs two images"),
    (lambda: replace(TINY, jitter=True), "colours change with resized crops only"),
    (lambda: replace(TINY, crop="cut"), "crop is 'cut'; accepted: shifted, resized"),
    (lambda: replace(TINY, decay="linear"), "decay is 'linear'; accepted: cosine, exponential"),
    (lambda: PRESETS["short"].budget("imagenet"), "no settings for the network 'imagenet'; accepted: cifar"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert message in str(caught.value)
