"""Models in files: what comes back is what was written, and what is broken says so."""

import json

import pytest

from nat_core.learning.accuracies.cell_network import NetworkShape
from nat_core.learning.accuracies.trainings_fit import fit_student, fit_trainings_model
from nat_core.learning.accuracies.trainings_model_files import (
    FILE,
    NETWORK_FILE,
    load_trainings_model,
    save_trainings_model,
    shipped_trainings_model,
)
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import load_card
from nat_core.paths import PRETRAINED
from tests.learning.accuracies.trained import SPACE, cells, table

NEW = cells(20, seed=4)


@pytest.fixture(scope="module")
def model():
    return fit_trainings_model([table(40)], SPACE.name, students=[fit_student("another", table(60, seed=2))])[0]


def test_a_model_comes_back(tmp_path, model):
    assert save_trainings_model(tmp_path, model) == tmp_path / FILE
    found = load_trainings_model(tmp_path)
    assert found.accuracy_percent(NEW) == pytest.approx(model.accuracy_percent(NEW), abs=1e-4)
    assert found.standard_error_points(NEW) == pytest.approx(model.standard_error_points(NEW), abs=1e-4)
    assert (found.left_out.rows, found.description) == (40, model.description)
    save_trainings_model(tmp_path, found)
    assert load_trainings_model(tmp_path) == found


def test_so_does_one_with_a_network(tmp_path):
    shape = NetworkShape(width=4, layers=1, embedding=4, steps=5)
    model, _ = fit_trainings_model([table(1000)], SPACE.name, shape=shape)
    save_trainings_model(tmp_path, model)
    found = load_trainings_model(tmp_path)
    assert found.accuracy_percent(NEW) == pytest.approx(model.accuracy_percent(NEW), abs=1e-3)
    (tmp_path / NETWORK_FILE).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="accepted: a model written by `train`"):
        load_trainings_model(tmp_path)
    (tmp_path / NETWORK_FILE).unlink()
    with pytest.raises(ValueError, match="accepted: a model written by `train`"):
        load_trainings_model(tmp_path)


BROKEN = {
    "no JSON": lambda facts: "nothing",
    "a list": lambda facts: [],
    "a field too many": lambda facts: facts | {"_known": {}},
    "another space": lambda facts: facts | {"space": "mine"},
    "a weight too few": lambda facts: facts | {"students": []},
    "no number": lambda facts: facts | {"line": facts["line"] | {"intercept": None}},
    "no end": lambda facts: facts | {"line": facts["line"] | {"intercept": 1e999}},
    "falling knots": lambda facts: facts | {"knots": {"accuracies_percent": [2, 1], "targets": [0, 1]}},
    "negative variance": lambda facts: facts | {"unexplained": facts["unexplained"] | {"variances": [-1.0]}},
    "a student of other counts": lambda facts: (
        facts | {"students": [facts["students"][0] | {"weights": facts["students"][0]["weights"][1:]}]}
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused(tmp_path, model, name):
    path = save_trainings_model(tmp_path, model)
    path.write_text(json.dumps(BROKEN[name](json.loads(path.read_text()))))
    with pytest.raises(ValueError, match="accepted: a model written by `train`"):
        load_trainings_model(tmp_path)


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_the_shipped_models_name_their_sources_and_licences(space):
    model = shipped_trainings_model(space)
    assert catalogue.model_of(load_card(PRETRAINED / space)) == model
    licences = {source.licence for source in model.sources}
    assert ("CC BY-NC 4.0" in licences) == (space == "loose_end")
    assert all(source.name and source.rows for source in model.sources)
    assert model.left_out.rank_correlation > 0.6
    assert 0.6 < model.left_out.within_one < 0.8 and 0.9 < model.left_out.within_two < 0.99
