"""The command `predict`: what policies' accuracy sources say of architectures, one or thousands."""

import io
import json
import random
import time

import numpy as np
import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse, shortest
from nat_core.architecture.spaces import SPACES
from nat_core.cli import main
from nat_core.learning.accuracy import EstimatingSource, standard_errors_points
from nat_core.learning.nasbench201.table import TabularAccuracy, architecture_of_index
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.checkpoint import CARD, WEIGHTS, load_card
from nat_core.paths import PRETRAINED

DARTS = library()["DARTS"].architecture
NOWHERE = "|none~0|+|none~0|none~1|"


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main(["predict", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def rows(capsys, *arguments):
    status, out, err = run(capsys, *arguments, "--json")
    assert status == 0
    return [json.loads(line) for line in out.splitlines()], err


def test_each_architecture_is_judged_by_what_fits_it(capsys):
    (darts, cell, enas), err = rows(capsys, "DARTS", "nasbench201:7", "ENAS")
    model = catalogue.model_of(load_card(PRETRAINED / "fully_concat"))
    assert darts == {
        "architecture": "DARTS",
        "genotype": shortest(DARTS),
        "accuracy": pytest.approx(model.accuracy_percent([DARTS])[0]),
        "standard_error": pytest.approx(model.standard_error_points([DARTS])[0]),
        "accuracy_kind": "modelled",
        "policy": "fully_concat",
    }
    table = TabularAccuracy().accuracy_percent([architecture_of_index(7)])[0]
    assert (cell["accuracy"], cell["standard_error"], cell["accuracy_kind"]) == (table, None, "tabular")
    assert (enas["policy"], enas["accuracy_kind"]) == ("loose_end", "modelled")
    assert err.count("\n") == 3 and "nasbench201: NAS-Bench-201: CIFAR-10 validation" in err


def test_what_nothing_judges_is_null_and_said_once(capsys):
    found, err = rows(capsys, NOWHERE, "DARTS", NOWHERE)
    assert [item["accuracy"] is None for item in found] == [True, False, True]
    assert found[0]["standard_error"] is found[0]["accuracy_kind"] is found[0]["policy"] is None
    assert err.count("belongs to no space that a policy can be trained on") == 1


def test_a_policy_of_another_space_judges_nothing(capsys):
    found, err = rows(capsys, "DARTS", "ENAS", "--policy", "loose_end")
    assert [item["accuracy"] is None for item in found] == [True, False]
    assert err.splitlines()[0].startswith("The policy 'loose_end' does not fit: the normal cell's output is not what")


def test_no_such_policy(capsys):
    status, out, err = run(capsys, "DARTS", "--policy", "nowhere")
    assert (status, out) == (2, "") and err.startswith("error: no policy 'nowhere'; accepted: ")


def test_a_policy_without_accuracies(capsys, tmp_path):
    for name in (CARD, WEIGHTS):
        (tmp_path / name).write_bytes((PRETRAINED / "fully_concat" / name).read_bytes())
    [found], err = rows(capsys, "DARTS", "--policy", str(tmp_path))
    assert found["accuracy"] is None and "tells accuracies." in err


def test_readable_lines(capsys):
    _, out, _ = run(capsys, "DARTS", "nasbench201:7", NOWHERE)
    first, second, third = out.splitlines()
    assert first.startswith("DARTS ") and "(modelled)" in first and " ± " in first
    assert second.endswith(" % (tabular)") and " ± " not in second
    assert third.endswith(" no accuracy")


def test_thousands_take_seconds(capsys, tmp_path, monkeypatch):
    rng = random.Random(0)
    spaces = [SPACES[name] for name in ("fully_concat", "loose_end", "nasbench201")]
    architectures = [spaces[i % 3].sample(rng) for i in range(2000)]
    file = tmp_path / "many.txt"
    file.write_text("\n".join(map(shortest, architectures)) + "\n\n")
    began = time.process_time()
    found, err = rows(capsys, str(file))
    assert time.process_time() - began < 5
    assert [item["genotype"] for item in found] == [shortest(item) for item in architectures]
    assert all(item["accuracy"] is not None for item in found) and err.count("\n") == 3
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    again, _ = rows(capsys, "-")
    assert [item["accuracy"] for item in again] == [item["accuracy"] for item in found]


def test_a_line_that_cannot_be_read_is_named(capsys, tmp_path):
    file = tmp_path / "some.txt"
    file.write_text(f"DARTS\n\n{shortest(DARTS)}\nnobody\n")
    status, out, err = run(capsys, str(file))
    assert (status, out) == (2, "") and f"{file}: line 4 holds no architecture" in err and err.count("\n") == 1


def test_errors_grow_with_the_distance_from_what_was_trained():
    model = catalogue.model_of(load_card(PRETRAINED / "fully_concat"))
    assert isinstance(model, EstimatingSource)
    rng = random.Random(1)
    cells = [SPACES["fully_concat"].sample(rng) for _ in range(50)]
    sparse = [cell.with_operations(["null"] * len(cell.operations)) for cell in cells]
    known, strange = (standard_errors_points(model, items) for items in ([DARTS, *cells], sparse))
    assert (known > 0).all() and strange.mean() > known.mean()
    assert np.isnan(
        standard_errors_points(TabularAccuracy(), [parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")])
    ).all()
