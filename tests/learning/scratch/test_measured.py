"""The table of what was measured, and the accuracy source and reward model that read it."""

import hashlib
import json
import random
from dataclasses import replace
from multiprocessing import get_context
from typing import get_args

import numpy as np
import pytest

from nat_core.architecture import notation
from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.reward_model import RewardModelConfig, fit_reward_model
from nat_core.learning.accuracy import AccuracyKind, AccuracySource
from nat_core.learning.scratch.measured import (
    MeasuredAccuracy,
    MeasuredResult,
    Verdict,
    add_measured,
    budget_id,
    budgets,
    measured_result,
    read_measured,
)
from nat_core.learning.support.ranks import rank_correlation
from tests.learning.scratch.cases import TINY, coloured_images, config


@pytest.fixture(scope="module")
def data():
    return coloured_images()


@pytest.fixture(scope="module")
def result(data) -> MeasuredResult:
    queue = config()
    return measured_result(queue.architectures[0], 3, Verdict(61.5, None), 12.0, queue, data)


def of(result, name, accuracy, seed=0, budget="b"):
    genotype = notation.shortest(find(name).architecture)
    return replace(result, architecture=name, genotype=genotype, accuracy=accuracy, seed=seed, budget=budget)


def test_a_result_says_all_about_itself(result):
    value = json.loads(json.dumps(result.to_dict()))
    assert MeasuredResult.from_dict(value) == result
    assert (value["architecture"], value["accuracy"], value["accuracy_kind"]) == ("NAT_DARTS", 61.5, "measured")
    assert (value["seed"], value["epochs"], value["preset"], value["judged_on"]) == (3, 2, "tiny", "test")
    assert value["network"] == "CIFAR, C 2, L 2, 8×8, no auxiliary head"
    assert value["settings"] == TINY.to_dict()
    assert value["parameters"] > 0 and value["macs"] > 0 and value["machine"]["device"] == "CPU"
    assert value["date"].endswith("+00:00")


def test_the_budget_is_everything_but_architecture_seed_and_where_the_images_were(data):
    def identifier(images=data, **changes):
        return budget_id(config(budget=replace(TINY, **changes)), images)

    same = identifier()
    assert len(same) == 12
    assert identifier(data="elsewhere") == same
    assert budget_id(config("DARTS", seeds=(7,)), data) == same
    others = [identifier(epochs=3), identifier(cutout=1), identifier(coloured_images(seed=1)), identifier(channels=4)]
    assert len({same, *others}) == 5


def test_the_table_makes_the_round_trip_and_replaces_what_is_measured_again(result, tmp_path):
    path = tmp_path / "below" / "measured.jsonl"
    first, second = of(result, "DARTS", 50.0), of(result, "ENAS", 60.0)
    add_measured(path, first)
    add_measured(path, second, replace(first, seed=1))
    assert read_measured(path) == (first, second, replace(first, seed=1))
    add_measured(path, replace(first, accuracy=55.0, elapsed_seconds=1.0))
    assert [(item.architecture, item.seed, item.accuracy) for item in read_measured(path)] == [
        ("DARTS", 0, 55.0), ("ENAS", 0, 60.0), ("DARTS", 1, 50.0),
    ]  # fmt: skip
    assert len(path.read_text().splitlines()) == 3


def test_several_tables_are_one_and_missing_ones_are_empty(result, tmp_path):
    paths = [tmp_path / name for name in ("shipped", "own", "missing")]
    add_measured(paths[0], of(result, "DARTS", 50.0), of(result, "ENAS", 60.0))
    add_measured(paths[1], of(result, "DARTS", 70.0))
    assert [item.accuracy for item in read_measured(*paths)] == [70.0, 60.0]
    assert read_measured(paths[2]) == ()


def _add(path, result, seeds):
    for seed in seeds:
        add_measured(path, replace(result, seed=seed))


def test_processes_that_write_at_once_lose_nothing(result, tmp_path):
    path = tmp_path / "measured.jsonl"
    context = get_context("fork")
    workers = [context.Process(target=_add, args=(path, result, range(k, 20, 2))) for k in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(item.seed for item in read_measured(path)) == list(range(20))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "measured.jsonl, line 2"),
        ("[]", "measured.jsonl, line 2"),
        ("{}", "the field 'architecture' is missing"),
        ('{"color": 1}', "unknown field 'color'"),
    ],
)
def test_a_damaged_line_is_named_and_the_file_left_alone(result, tmp_path, line, message):
    path = tmp_path / "measured.jsonl"
    add_measured(path, result)
    path.write_text(path.read_text() + line + "\n")
    before = path.read_text()
    with pytest.raises(ValueError, match=message):
        add_measured(path, result)
    assert path.read_text() == before


@pytest.mark.parametrize("accuracy", [-1.0, 100.5, float("nan"), "90"])
def test_an_accuracy_is_a_percentage(result, accuracy):
    with pytest.raises(ValueError, match="accepted: numbers from 0 to 100"):
        replace(result, accuracy=accuracy)


def test_an_accuracy_source_of_means_over_seeds(result):
    source = MeasuredAccuracy([of(result, "DARTS", 50.0), of(result, "DARTS", 53.0, seed=1), of(result, "ENAS", 60.0)])
    darts, enas, stranger = (find(name).architecture for name in ("DARTS", "ENAS", "NAT_ENAS"))
    assert isinstance(source, AccuracySource) and source.kind in get_args(AccuracyKind) and source.stable
    values = source.accuracy_percent([enas, darts, enas])
    assert values.tolist() == [60.0, 51.5, 60.0] and values.dtype == np.float64
    assert source.accuracy_percent([]).shape == (0,)
    assert source.mismatch(darts) is None
    assert (
        "epochs 2" in source.description and "test images" in source.description and "seed 0, 1" in source.description
    )
    reason = source.mismatch(stranger)
    assert "2 others were" in reason
    with pytest.raises(ValueError, match="architecture 1 is not in the table") as caught:
        source.accuracy_percent([darts, stranger])
    assert reason in str(caught.value)


def test_dead_edges_make_no_difference(result):
    dead = SPACES["nasbench201"].sample(random.Random(0))
    dead = dead.with_operations(["conv_3x3", "conv_3x3", "conv_3x3", "conv_3x3", "null", "null"])
    source = MeasuredAccuracy([replace(result, genotype=notation.shortest(dead), accuracy=40.0)])
    assert dead.effective != dead and dead.normal.dead_edges
    assert source.accuracy_percent([dead.effective, dead]).tolist() == [40.0, 40.0]


def test_what_came_later_leaves_old_identifiers_as_they_are(data):
    """The identifier of this budget before there were crops, pieces and streams."""
    settings = {
        name: value for name, value in TINY.to_dict().items()
        if name not in ("data", "images", "first_classes", "most_broken", "pieces", "decay", "crop", "jitter")
    }  # fmt: skip
    images = [[12, 15, 3, 30], 3, data.mean, data.deviation]
    text = json.dumps([settings, images], sort_keys=True)
    assert budget_id(config(), data) == hashlib.sha256(text.encode()).hexdigest()[:12]
    assert budget_id(config(budget=replace(TINY, pieces=2)), data) != budget_id(config(), data)
    assert budget_id(config(budget=replace(TINY, images="streamed", most_broken=3)), data) == budget_id(config(), data)


def test_top_five_is_a_mean_over_seeds_where_it_is_known(result):
    results = [replace(of(result, "DARTS", 50.0, seed=seed), top5_accuracy=80.0 + seed) for seed in (0, 1)]
    source = MeasuredAccuracy([*results, of(result, "ENAS", 60.0)])
    assert source.top5_percent(find("DARTS").architecture) == 80.5
    assert source.top5_percent(find("ENAS").architecture) is None
    with pytest.raises(ValueError, match="top5_accuracy is 101"):
        replace(result, top5_accuracy=101)


def test_budgets_do_not_mix(result):
    results = [of(result, "DARTS", 50.0, budget="b"), of(result, "ENAS", 60.0, budget="c")]
    with pytest.raises(ValueError, match=r"results of 2 budgets \(b, c\); accepted: one"):
        MeasuredAccuracy(results)
    with pytest.raises(ValueError, match="results of 0 budgets"):
        MeasuredAccuracy([])
    groups = budgets([*results, of(result, "ENAS", 61.0, budget="c", seed=1)])
    assert {name: len(group) for name, group in groups.items()} == {"c": 2, "b": 1} and next(iter(groups)) == "c"


def test_a_reward_model_learns_from_it(result):
    """Accuracies that count 3×3 convolutions: easy, but nothing that the model knows beforehand."""
    space, rng = SPACES["nasbench201"], random.Random(0)
    cells = [*dict.fromkeys(space.sample(rng).effective for _ in range(120))]

    def accuracy(cell):
        return 50.0 + 6.0 * cell.operations.count("conv_3x3") + 2.0 * cell.operations.count("conv_1x1")

    rows = [replace(result, genotype=notation.shortest(cell), accuracy=accuracy(cell)) for cell in cells]
    source = MeasuredAccuracy(rows[:90])
    known = source.architectures
    model = fit_reward_model(
        known, source.accuracy_percent(known), space, RewardModelConfig(steps=150, width=32, batch=64)
    )
    unseen = cells[90:]
    assert rank_correlation(model.accuracy_percent(unseen), np.array([accuracy(cell) for cell in unseen])) > 0.6


def test_a_line_nested_too_deep_is_named(tmp_path):
    (path := tmp_path / "measured.jsonl").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="line 1: brackets are nested too deep; accepted: a result"):
        read_measured(path)
