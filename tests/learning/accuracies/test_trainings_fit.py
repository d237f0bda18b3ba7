"""Models of trained cells: what they predict, how surely, and what they refuse."""

import random
from itertools import product

import numpy as np
import pytest

from nat_core.architecture.cell import Architecture, Edge
from nat_core.architecture.library import library
from nat_core.architecture.operations import INDEX, NAMES
from nat_core.architecture.rows import ArchitectureRows
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies import counts
from nat_core.learning.accuracies.beside import expected_of, shipped_trainings
from nat_core.learning.accuracies.cell_network import NetworkShape
from nat_core.learning.accuracies.trained_cells import TrainedCells
from nat_core.learning.accuracies.trainings_fit import fit_student, fit_trainings_model
from nat_core.learning.accuracies.trainings_model import Source
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from nat_core.learning.accuracy import OperationsSource, UncertainSource
from nat_core.learning.support.ranks import rank_correlation
from tests.learning.accuracies.trained import KNOWN, SPACE, cells, table, truth

NEW = cells(200, seed=9)
TRUE = np.array([truth(item) for item in NEW])
DARTS = library()["DARTS"].architecture


@pytest.fixture(scope="module")
def fit():
    return fit_trainings_model([table(150), table(60, seed=1, shift=-1.0)], SPACE.name, noise_points=0.1)


def test_levels_of_new_cells_are_predicted_on_the_first_tables_level(fit):
    model, _ = fit
    found = model.accuracy_percent(NEW)
    assert rank_correlation(found, TRUE) > 0.9 and np.abs(found - TRUE).mean() < 0.1
    assert isinstance(model, UncertainSource) and model.kind == "modelled" and model.stable


def test_errors_of_levels_and_gains_are_as_large_as_they_say(fit):
    model, judged = fit
    rng = np.random.default_rng(3)
    one = np.abs(model.accuracy_percent(NEW) - (TRUE + 0.1 * rng.normal(size=len(NEW)))) / model.standard_error_points(
        NEW
    )
    assert np.mean(one < 1) == pytest.approx(0.68, abs=0.12) and np.mean(one < 2) > 0.9
    assert judged.quality == model.left_out
    assert judged.quality.within_one == pytest.approx(0.68, abs=0.12) and judged.quality.within_two > 0.9
    made = [item.with_operations([*cells(1, n)[0].operations[:8], *item.operations[8:]]) for n, item in enumerate(NEW)]
    gains = model.accuracy_percent(made) - model.accuracy_percent(NEW)
    off = np.abs(gains - (np.array([truth(item) for item in made]) - TRUE)) / model.gain_error_points(NEW, made)
    assert np.mean(off < 2) > 0.85


def test_a_gain_is_the_surer_the_less_is_changed(fit):
    model, _ = fit
    little = [item.with_operations(["skip_connect", *item.operations[1:]]) for item in NEW]
    much = [item.with_operations(["skip_connect"] * len(item.operations)) for item in NEW]
    assert model.gain_error_points(NEW, NEW) == pytest.approx(0)
    assert model.gain_error_points(NEW, little).mean() < model.gain_error_points(NEW, much).mean()
    mean = model.mean_gain_error_points(NEW, much)
    assert 0 < mean < model.gain_error_points(NEW, much).mean()


def test_tables_have_levels_of_their_own(fit):
    _, judged = fit
    assert set(judged.rank_correlations()) == {0, 1} and min(judged.rank_correlations().values()) > 0.75


def test_what_the_trainings_lack_has_larger_errors(fit):
    model, _ = fit
    strange = [item.with_operations(["null", "conv_5x5", "max_pool_5x5", *item.operations[3:]]) for item in NEW]
    assert (model.standard_error_points(strange) > model.standard_error_points(NEW)).mean() > 0.9


def test_cells_of_hardly_any_convolution_are_worth_less_than_a_line_says(fit):
    model, _ = fit
    skips, some = (
        DARTS.with_operations([name] * 8 + ["skip_connect"] * 8) for name in ("skip_connect", "sep_conv_3x3")
    )
    one, other = model.accuracy_percent([skips, some])
    assert one + 0.2 < other


def test_a_student_says_what_its_source_says_and_helps_where_there_are_few():
    student = fit_student("many", table(600, seed=5, noise=0.0))
    assert student.rank_correlation > 0.95
    assert rank_correlation(student(counts.detailed(ArchitectureRows.of(NEW))), TRUE) > 0.95
    few = table(40, seed=6, noise=0.2)
    alone, taught = (fit_trainings_model([few], SPACE.name, students=who)[0] for who in ((), (student,)))
    quality = [rank_correlation(model.accuracy_percent(NEW), TRUE) for model in (alone, taught)]
    assert quality[1] > quality[0]
    by_rank = fit_student("many", table(600, seed=5, noise=0.0), by_rank=True)
    assert rank_correlation(by_rank(counts.detailed(ArchitectureRows.of(NEW))), TRUE) > 0.95


def test_large_tables_have_a_network_that_reads_what_it_does_not_know_as_what_it_does():
    space = SPACES["loose_end"]
    names = ("sep_conv_3x3", "max_pool_3x3", "skip_connect")
    many = table(1000, names=names, space=space)
    model, judged = fit_trainings_model(
        [many],
        space.name,
        shape=NetworkShape(width=8, layers=1, embedding=4, steps=60),
        sources=[Source("x", "y", 1, "z")],
    )
    assert model.network is not None and judged.quality.rank_correlation > 0.6
    assert {item.operation for item in model.lacking} == {"sep5", "dil3", "dil5", "avg"}
    assert next(item for item in model.lacking if item.operation == "dil3").as_operation == "sep3"
    others = cells(30, seed=3, names=(*KNOWN, "null", "conv_3x3", "conv_1x1", "avg_pool_5x5"), space=space)
    assert np.isfinite(model.accuracy_percent(others)).all() and (model.standard_error_points(others) > 0).all()
    assert model.gain_error_points(others, others) == pytest.approx(0)
    assert model.accuracy_percent([]).size == 0
    again, _ = fit_trainings_model([many], space.name, shape=NetworkShape(width=8, layers=1, embedding=4, steps=60))
    assert again.accuracy_percent(others) == pytest.approx(model.accuracy_percent(others))


def test_many_cells_tell_where_errors_are_large():
    drawn = table(700, noise=0.02)
    low = np.argsort(drawn.accuracies_percent)[:350]
    values = drawn.accuracies_percent.copy()
    values[low] += np.random.default_rng(0).normal(scale=0.3, size=350)
    model, _ = fit_trainings_model(
        [TrainedCells("mine", drawn.architectures, values)], SPACE.name, beside=shipped_trainings()
    )
    assert len(model.unexplained.variances) > 1
    assert model.unexplained.variances[0] > 2 * model.unexplained.variances[-1]


def test_gains_of_cells_that_lose_their_convolutions_are_not_believed(fit):
    model, _ = fit
    skips = DARTS.with_operations(["skip_connect"] * 16)
    few, enough = (DARTS.with_operations(["sep_conv_3x3"] * n + ["skip_connect"] * (16 - n)) for n in (3, 4))
    assert model.believable([DARTS] * 3, [few, enough, DARTS]).tolist() == [False, True, True]
    assert model.believable([skips, few], [skips, few]).all()  # their inputs had no more


@pytest.mark.parametrize(
    ("tables", "said"),
    [([table(19)], "19 trained cells"), ([TrainedCells("same", cells(30), np.full(30, 90.0))], "are the same")],
)
def test_too_little_is_refused(tables, said):
    with pytest.raises(ValueError, match=said):
        fit_trainings_model(tables, SPACE.name)


def test_a_cell_of_another_space_is_refused(fit):
    model, _ = fit
    with pytest.raises(ValueError, match="architecture 1 is not of the model's space"):
        model.accuracy_percent([DARTS, library()["ENAS"].architecture])


def test_what_other_trainings_say_of_few_convolutions_is_that_they_cost():
    names = [*counts.both(counts.PLAIN), *counts.FOREIGN_COLUMNS]
    wanted = [f"{counts.FEW}, normal cell", "unread inputs, normal cell"]
    rows = np.eye(len(names))[[names.index(name) for name in wanted]]
    found = expected_of(rows, shipped_trainings())
    assert (found.means + found.deviations < 0).all()
    nothing = expected_of(rows, [])
    assert (nothing.means == 0).all() and (nothing.deviations > found.deviations).all()


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_transformations_as_rows_are_judged_as_architectures_are(space):
    model, rng = shipped_trainings_model(space), random.Random(0)
    inputs = [SPACES[space].sample(rng) for _ in range(6)]
    inputs += [entry.architecture for entry in library().values() if model.mismatch(entry.architecture) is None][:6]
    drawn = [[[rng.choice(NAMES) for _ in item.edges] for _ in range(number % 4)] for number, item in enumerate(inputs)]
    operations = [
        np.array([[INDEX[name] for name in row] for row in rows], dtype=np.int64).reshape(-1, len(item.edges))
        for item, rows in zip(inputs, drawn, strict=True)
    ]
    pairs = [(item, item.with_operations(row)) for item, rows in zip(inputs, drawn, strict=True) for row in rows]
    before, after = zip(*pairs, strict=True)
    found = model.evaluate_operations(inputs, operations)
    assert isinstance(model, OperationsSource)
    for values, wanted in (
        (found.inputs_percent, model.accuracy_percent(inputs)),
        (found.accuracy_percent, model.accuracy_percent(after)),
        (found.standard_error_points, model.standard_error_points(after)),
        (found.gain_error_points, model.gain_error_points(before, after)),
        (found.believable, model.believable(before, after)),
    ):
        assert np.abs(values.astype(float) - wanted).max() < (1e-9 if space == "fully_concat" else 1e-4)
    nasbench = library()["DARTS"].architecture
    with pytest.raises(ValueError, match="architecture 1 is not of the model's space"):
        model.evaluate_operations([inputs[0], Architecture(nasbench.normal)], [operations[0], operations[0]])


def test_the_least_believable_cost_is_what_a_believable_output_costs():
    model, rng, space = shipped_trainings_model("fully_concat"), random.Random(1), SPACES["fully_concat"]
    names = ("conv_3x3", "sep_conv_3x3", "max_pool_3x3", "null")
    cell = space.cell(tuple(Edge(name, place % 2, 2 + place // 2) for place, name in enumerate(names)), 4)
    given = Architecture(cell, cell.with_operations(["null"] * 4))
    for _ in range(5):
        costs = np.full((1, 8, len(NAMES)), np.inf)
        choices = [space.targets(name) for name in given.operations]
        for place, targets in enumerate(choices):
            costs[0, place, [INDEX[name] for name in targets]] = [rng.randrange(9) for _ in targets]
        rows = np.array([[INDEX[name] for name in row] for row in product(*choices)])
        (believed,) = model.believable_operations([given], [rows])
        cheapest = costs[0][np.arange(8), rows[believed]].sum(axis=1).min()
        assert model.least_believable([given], costs)[0] == cheapest
