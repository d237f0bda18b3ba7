"""A policy for anyone's trained cells, from their file to a transformation."""

import json

import pandas as pd
import pytest

from nat_core.architecture import notation
from nat_core.cli import main
from nat_core.learning.training.config import RECIPES, TRAININGS
from nat_core.options import with_fields
from nat_core.runs.kinds.training import table_arguments
from tests.learning.accuracies.trained import table

QUICK = ("--space", "fully_concat", "--recipe", "trainings", "--steps", "2", "--searched-share", "0", "--no-record")


def run(capsys, *words):
    status = main(["train", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture
def mine(tmp_path):
    found, path = table(40), tmp_path / "mine.csv"
    texts = [notation.shortest(item) for item in found.architectures]
    pd.DataFrame({"genotype": texts, "accuracy": found.accuracies_percent}).to_csv(path, index=False)
    return path


def test_own_trained_cells_become_a_policy_that_transforms(capsys, tmp_path, mine):
    folder = tmp_path / "policy"
    status, out, err = run(capsys, *QUICK, "--trainings", str(mine), "--output", str(folder))
    assert (status, out.strip()) == (0, str(folder))
    assert "read mine (40 cells); cells of other topologies are predicted with rank correlation" in err
    card = json.loads((folder / "card.json").read_text())
    assert card["training"]["reward"]["trainings"] == [str(mine)] and card["data"].startswith(
        "predicted for the trainings of mine"
    )
    assert card["quality"]["sources"] == [
        {"name": "mine", "licence": "yours", "rows": 40, "use": "fitted", "address": ""}
    ]
    assert main(["transform", "DARTS", "--policy", str(folder), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["output"]["accuracy_kind"] == "modelled" and value["accuracy_description"] == card["data"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trainings", "none.csv"), "none.csv cannot be read"),
        (("--trainings", "README.md"), "README.md: ends with '.md'; accepted: CSV or parquet"),
        (("--space", "nasbench201", "--recipe", "group", "--trainings", "x.csv"), " does not apply where"),
    ],
)
def test_what_is_no_table_is_one_clear_line_and_status_2(capsys, tmp_path, words, said):
    status, out, err = run(capsys, *QUICK, "--output", str(tmp_path / "policy"), *words)
    assert (status, out) == (2, "") and said in err and err.count("\n") == 1


def test_a_run_names_its_files_in_its_command(mine):
    config = with_fields(RECIPES[TRAININGS], {"reward.trainings": (str(mine),), "steps": 7})
    assert table_arguments(config, "trainings")[-2:] == ["--trainings", str(mine)]
