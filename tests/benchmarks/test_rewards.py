"""What the rewards are worth is printed from tables that are not part of the project."""

import re

import numpy as np
import pandas as pd
import pytest

from benchmarks import reward_sources, rewards
from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.counts import convolution_share
from nat_core.learning.accuracies.trainings_model_files import shipped_trainings_model
from tests.learning.accuracies.trained import KNOWN, table

ROWS = {"full_214": 60, "full_100": 40, "dense": 40, "small": 60, "loose": 60}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tables like the published ones, of a few cells each."""
    path = tmp_path_factory.mktemp("trained")
    for number, (name, rows) in enumerate(ROWS.items()):
        space = SPACES["loose_end" if name == "loose" else "fully_concat"]
        found = table(rows, seed=number, space=space, names=(*KNOWN, "null") if name == "small" else KNOWN)
        columns = {
            "genotype": [notation.shortest(item) for item in found.architectures],
            "accuracy": found.accuracies_percent,
        }
        pd.DataFrame(columns).to_parquet(path / reward_sources.TABLES[name].files[0])
    return path


@pytest.fixture(scope="module")
def found(folder):
    return reward_sources.evidence(folder)


@pytest.fixture(autouse=True)
def little_work(monkeypatch):
    monkeypatch.setattr(rewards, "SEEDS", range(1))
    monkeypatch.setattr(rewards, "_SAMPLES", 20)
    monkeypatch.setattr(rewards, "EVALUATIONS", 300)


def test_a_table_that_is_not_there_is_asked_for_with_its_address(tmp_path):
    with pytest.raises(ValueError, match=r"darts_full_214\.parquet; accepted: a table made of https://"):
        reward_sources.evidence(tmp_path)


def test_the_models_name_what_they_learned_from(found):
    full, loose = (reward_sources.MODELS[space](found)[0] for space in ("fully_concat", "loose_end"))
    assert [student.name for student in full.students] == [reward_sources.SURROGATE, reward_sources.DENSE]
    assert {source.licence for source in full.sources} >= {"GPL-3.0", "Apache-2.0", "no licence file"}
    assert "CC BY-NC 4.0" in {source.licence for source in loose.sources} - {source.licence for source in full.sources}
    assert full.sources[0].rows == 60 and loose.sources[0].rows == 60


def test_ranks_are_printed_beside_every_single_source(found):
    lines = list(rewards.levels(found, None))
    for title in ("the model, folds by topology", "MACs alone", "plain counts alone", "the student of"):
        assert sum(title in line for line in lines) >= 2
    value = re.search(r"folds by topology \| \*\*(\S+) ± ", lines[2]).group(1)
    assert float(value) > 0.3
    (within,) = (line for line in lines if line.startswith("\nWithin"))
    assert re.search(r": \d+% and \d+% of 100;", within)
    assert any(line.startswith("| above 88 %") for line in rewards.loose(found))


def test_every_published_output_has_a_row():
    models = {space: shipped_trainings_model(space) for space in ("fully_concat", "loose_end")}
    lines = list(rewards.papers(models))[2:]
    assert len(lines) == sum(bool(entry.derived_from) for entry in library().values())
    errors = [float(line.split("|")[4]) for line in lines]
    assert min(errors) > -2, "the papers' outputs are not worse than their inputs"


def test_what_an_optimiser_finds_is_judged_by_what_the_model_has_not_seen(found):
    models = {"fully_concat": shipped_trainings_model("fully_concat")}
    head, _, *lines = rewards.guard(found, models, None)
    assert head.count("|") == 6 and len(lines) == 3
    values = {line.split("|")[1].strip(): [float(part) for part in line.split("|")[2:-1]] for line in lines}
    assert values["skips alone"][1] == 0 and values["skips alone"][0] < values["random"][0]


def test_halves_share_no_topology(found):
    one, other = (rewards.half(found, "fully_concat", number, seed=0) for number in (0, 1))
    assert one.sources[0].rows + other.sources[0].rows == ROWS["full_214"]
    assert one.line != other.line


def test_the_share_of_convolutions_counts_nulls_as_edges():
    given = library()["DARTS"].architecture
    assert convolution_share(given) == pytest.approx(6 / 16)
    nulls = given.with_operations(["null"] * 8 + ["conv_1x1"] * 8)
    assert convolution_share(nulls) == 0.5 and np.isfinite(convolution_share(library()["ENAS"].architecture))
