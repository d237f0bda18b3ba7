"""Models of accuracies after whole trainings, on trainings whose truth is known."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES
from nat_core.cli.forms import form_for
from nat_core.learning.accuracies.regression import Penalties
from nat_core.learning.accuracies.structure import features
from nat_core.learning.accuracies.structure_model import (
    FILE,
    fit_structure_model,
    load_structure_model,
    of_main_budget,
    save_structure_model,
    shipped_structure_model,
)
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.policies import catalogue
from nat_core.learning.scratch.measured import MeasuredResult, read_measured
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.support.ranks import rank_correlation
from nat_core.learning.training.config import TrainingConfig, trainings_recipe
from nat_core.learning.training.data import inputs_of
from nat_core.learning.training.loop import train
from nat_core.learning.training.publish import publish
from nat_core.transform import Options, transform

SPACE = SPACES["fully_concat"]
RNG = random.Random(0)
ARCHITECTURES = [SPACE.sample(RNG) for _ in range(80)]
BUDGET = preset_budget("short", ARCHITECTURES[0], data="nowhere")


def truth(architecture: Architecture) -> float:
    """Convolutions of the normal cell are good, poolings bad, MACs help a little."""
    counts = features([architecture], BUDGET.network(10))[0]
    return 50 + 0.4 * counts[0] + 3 * counts[1] - 2 * counts[3]


def trained(
    architecture: Architecture, seed: int = 0, shift: float = 0.0, judged_on: str = "selection", budget: str = "b"
) -> MeasuredResult:
    return MeasuredResult(
        "", notation.shortest(architecture), truth(architecture) + shift, judged_on, budget, seed, 1, 1, "C 8, L 5",
        "cifar10: 45,000 images", "short", 3, 180.0, "2026-11-25", BUDGET.to_dict(), {},
    )  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return fit_structure_model([trained(item) for item in ARCHITECTURES[:60]], SPACE.name)


def test_it_predicts_what_it_has_not_seen(model):
    unseen = ARCHITECTURES[60:]
    predicted, true = model.accuracy_percent(unseen), np.array([truth(item) for item in unseen])
    assert rank_correlation(predicted, true) > 0.97 and np.abs(predicted - true).max() < 1
    assert model.left_out.rank_correlation > 0.97 and model.left_out.error_points < 0.5
    assert (model.observed, model.penalty) == (60, 0.3)


def test_it_keeps_the_contract_of_accuracy_sources(model):
    assert isinstance(model, AccuracySource)
    assert (model.kind, model.stable) == ("modelled", True)
    assert model.description.startswith("cifar10 selection accuracy after 3 epochs at C 8, L 5: predicted from")
    assert model.accuracy_percent([]).shape == (0,)
    loose = next(item for item in map(SPACES["loose_end"].sample, [RNG] * 50) if SPACE.mismatch(item))
    assert model.mismatch(loose) and model.mismatch(ARCHITECTURES[0]) is None
    with pytest.raises(ValueError, match="architecture 1 is not of the model's space"):
        model.accuracy_percent([ARCHITECTURES[0], loose])


def test_seeds_are_averaged():
    results = [trained(item, seed, shift=0.5 - seed) for item in ARCHITECTURES[:60] for seed in (0, 1)]
    single = fit_structure_model([trained(item) for item in ARCHITECTURES[:60]], SPACE.name)
    assert fit_structure_model(results, SPACE.name) == single


def test_noise_is_penalised_more():
    rng = random.Random(1)
    noisy = [trained(item, shift=rng.gauss(0, 5)) for item in ARCHITECTURES[:30]]
    found = fit_structure_model(noisy, SPACE.name)
    assert found.penalty > 0.3 and found.left_out.error_points > 3


def changed(architecture: Architecture, rng: random.Random) -> Architecture:
    return architecture.with_operations([rng.choice(SPACE.targets(name)) for name in architecture.operations])


def test_gains_are_predicted_where_topologies_differ_in_what_is_not_counted():
    rng = random.Random(2)
    families = [[item, *(changed(item, rng) for _ in range(3))] for item in ARCHITECTURES[:15]]
    results = [trained(item, shift=shift) for family in families for shift in [rng.gauss(0, 8)] for item in family]
    found = fit_structure_model(results, SPACE.name)
    assert found.left_out.gain_correlation > 0.95 and found.left_out.gain_error_points < 0.5
    assert found.left_out.error_points > 4  # what is not counted cannot be known
    pairs = [(item, changed(item, rng)) for item in ARCHITECTURES[15:45]]
    gains = [after - before for before, after in (found.accuracy_percent(pair) for pair in pairs)]
    true = [truth(after) - truth(before) for before, after in pairs]
    assert np.corrcoef(gains, true)[0, 1] > 0.95 and np.abs(np.subtract(gains, true)).mean() < 0.5


def test_errors_of_gains_are_as_large_as_it_says():
    """Fitted on noisy trainings, gains of other topologies are off by one standard error in two of three cases."""
    rng, noise = random.Random(3), 3.0
    families = [[item, *(changed(item, rng) for _ in range(2))] for item in ARCHITECTURES[:40]]
    pairs = [(item, changed(item, rng)) for item in ARCHITECTURES[40:]]
    true = np.array([truth(after) - truth(before) for before, after in pairs])
    off = []
    for _ in range(8):
        results = [trained(item, shift=rng.gauss(0, noise)) for family in families for item in family]
        found = fit_structure_model(results, SPACE.name, Penalties(0.3, 1.0))
        gains = np.subtract(*(found.accuracy_percent(items) for items in list(zip(*pairs, strict=True))[::-1]))
        off.append((gains - true) / found.gain_error_points(*zip(*pairs, strict=True)))
    assert 0.55 < (np.abs(off) < 1).mean() < 0.85
    assert found.gain_error_points(ARCHITECTURES[:2], ARCHITECTURES[:2]).tolist() == [0, 0]
    inputs, outputs = zip(*pairs, strict=True)
    one, mean = (found.mean_gain_error_points(inputs[:n], outputs[:n]) for n in (1, len(pairs)))
    assert one == pytest.approx(found.gain_error_points(inputs[:1], outputs[:1])[0])
    assert 0 < mean < found.gain_error_points(inputs, outputs).mean()
    few = fit_structure_model(results[:30], SPACE.name, Penalties(0.3, 1.0))
    errors = [
        item.gain_error_points(*zip(*pairs, strict=True)) / item.left_out.gain_error_points for item in (few, found)
    ]
    assert (errors[0] > errors[1]).all()


def test_without_several_of_a_topology_errors_of_gains_are_those_of_accuracies():
    rng = random.Random(4)
    found = fit_structure_model([trained(item, shift=rng.gauss(0, 3)) for item in ARCHITECTURES[:30]], SPACE.name)
    assert found.left_out.gain_error_points == 0
    assert found.gain_error_points(ARCHITECTURES[:9], ARCHITECTURES[9:18]).min() > 0


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="19 trained architectures; at least 20 are needed"):
        fit_structure_model([trained(item) for item in ARCHITECTURES[:19]], SPACE.name)
    with pytest.raises(ValueError, match="no trainings of fully_concat's network; at least 20"):
        fit_structure_model([], SPACE.name)
    mixed = [trained(item, budget="ab"[number % 2]) for number, item in enumerate(ARCHITECTURES[:30])]
    with pytest.raises(ValueError, match="results of 2 budgets"):
        fit_structure_model(mixed, SPACE.name)


def test_test_images_do_not_choose():
    results = [trained(item, judged_on="test", budget="t") for item in ARCHITECTURES[:30]]
    results += [trained(item, budget="b") for item in ARCHITECTURES[:2]] + [trained(ARCHITECTURES[3], budget="a")]
    assert {item.budget for item in of_main_budget(results, "selection")} == {"b"}
    assert {item.budget for item in of_main_budget(results, "test")} == {"t"}
    assert of_main_budget([], "test") == []


def test_a_main_budget_can_be_asked_for_by_its_epochs():
    longer = [replace(trained(item, judged_on="test", budget="long"), epochs=12) for item in ARCHITECTURES[:3]]
    shorter = [trained(item, judged_on="test", budget="short") for item in ARCHITECTURES[:2]]
    assert of_main_budget([*longer, *shorter], "test") == longer
    assert of_main_budget([*longer, *shorter], "test", shorter[0].epochs) == shorter
    assert of_main_budget([*longer, *shorter], "test", 7) == []


def test_a_model_survives_a_file_and_a_broken_one_is_named(model, tmp_path):
    path = save_structure_model(tmp_path, model)
    assert load_structure_model(tmp_path) == model
    facts = json.loads(path.read_text())
    for broken, sentence in [
        ("{", "accepted: a model written by `train`"),
        (json.dumps({**facts, "weights": [1.0]}), "weights are 1 numbers; accepted: 15 finite ones"),
        (json.dumps({**facts, "deviations": [0.0] * 15}), "deviations must be above 0"),
        (json.dumps({**facts, "covariance": [[1.0]]}), "covariance is not 15 rows of 15 numbers"),
        (json.dumps({**facts, "covariance": [[-1.0] * 15] * 15}), "variances 0 or more"),
        (json.dumps({**facts, "space": "nowhere"}), "space is 'nowhere'; accepted: fully_concat"),
        (json.dumps({**facts, "counted": facts["counted"][::-1]}), "counted are not the features of this version"),
        (json.dumps({**facts, "intercept": "high"}), "intercept is 'high'; it must be a number"),
    ]:
        path.write_text(broken)
        with pytest.raises(ValueError, match=f"{FILE}: .*{sentence}"):
            load_structure_model(tmp_path)


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_a_policy_is_trained_on_the_shipped_trainings_and_judged_by_their_model(tmp_path, space):
    config = trainings_recipe(space=space, steps=2, batch=8, inputs=24, held_out=4)
    done = train(config)
    publish(tmp_path / "policy", done, "train")
    given = SPACES[space].sample(random.Random(3))
    policy, card = catalogue.load_for(tmp_path, given)
    source = catalogue.accuracy_source(card, given)
    assert source == done.source == shipped_structure_model(space) and source.description == card.data
    assert card.quality["inputs"] == "4 held-out random architectures" and card.quality["greedy"]["macs_ratio"] <= 1.2
    held_out = inputs_of(config).held_out
    greedy = [
        transform(item, policy, card.target_space, None, Options(samples=1, allow_costlier=True)) for item in held_out
    ]
    outputs = [next((item for item in one.candidates if item.number), one.input).architecture for one in greedy]
    gains = source.accuracy_percent(outputs) - source.accuracy_percent(held_out)
    assert card.quality["greedy"]["gain"] == pytest.approx(gains.mean(), abs=0.006)
    outcome = transform(given, policy, card.target_space, source)
    assert outcome.accuracy_kind == "modelled"
    assert outcome.gain_percent >= -source.tolerance_points and outcome.output.cost.macs <= outcome.input.cost.macs


def test_trainings_reward_image_spaces_only():
    with pytest.raises(ValueError, match="nasbench201 has a table; accepted for data_set: cifar10_valid"):
        trainings_recipe(space="nasbench201")
    with pytest.raises(ValueError, match="loose_end has no table of accuracies; accepted for data_set: trainings"):
        train(TrainingConfig(space="loose_end"))


def test_missing_trainings_are_said_before_a_run_is_recorded(monkeypatch):
    form = form_for(SPACE.name, {"recipe": "trainings"})
    config = form.config(SPACE.name, {"recipe": "trainings"})
    form.check(config)
    shipped_structure_model.cache_clear()
    monkeypatch.setattr("nat_core.learning.accuracies.structure_model.read_measured", lambda path: ())
    with pytest.raises(ValueError, match="no trainings of fully_concat's network"):
        form.check(config)
    shipped_structure_model.cache_clear()


def test_the_shipped_trainings_that_choose_were_never_judged_on_test_images():
    from nat_core.learning.scratch.measured import SHIPPED

    chosen = of_main_budget(read_measured(SHIPPED), "selection")
    assert chosen and all(item.judged_on == "selection" for item in chosen)
    assert all(item.settings["trained_on"] == "fitting" for item in chosen)
