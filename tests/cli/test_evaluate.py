"""The command `evaluate`: one line of JSON per architecture, a record, and one line for whatever is wrong."""

import json

import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse, shortest
from nat_core.cli import evaluate, main
from nat_core.learning.scratch.measured import read_measured
from nat_core.runs.folders import default_folders
from nat_core.runs.kinds.evaluation import arguments
from tests.learning.scratch.cases import CELL

QUICK = ["--preset", "smoke", "--channels", "2", "--epochs", "1"]


def run(capsys, *arguments):
    status = main(["evaluate", *arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_json_and_record(capsys):
    status, out, err = run(capsys, CELL, *QUICK, "--json")
    row = json.loads(out)
    assert status == 0 and out.count("\n") == 1
    assert parse(row["genotype"]) == parse(CELL) and row["architecture"] == CELL
    assert (row["accuracy_kind"], row["preset"], row["epochs"], row["seed"]) == ("measured", "smoke", 1, 0)
    assert row["network"] == "NAS-Bench-201, C 2, 3 cells, 32×32, stem of stride 2"
    assert row["parameters"] > 0 and row["macs"] > 0 and row["elapsed_seconds"] > 0
    assert 0 <= row["accuracy"] <= 100
    assert "(evaluate-smoke-1)" in err and "accuracy" in err
    (kept,) = read_measured(default_folders().measured)
    assert (kept.genotype, kept.accuracy, kept.budget) == (row["genotype"], row["accuracy"], row["budget"])
    assert main(["runs", "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (recorded["kind"], recorded["state"], recorded["last"]) == ("evaluate", "finished", row["accuracy"])


def test_a_queue_without_a_record_learns_and_keeps_nothing(capsys):
    """The smoke preset in full size: above chance, which is 10 %."""
    before = read_measured(default_folders().measured)
    status, out, _ = run(capsys, CELL, "--preset", "smoke", "--seed", "3", "--seed", "4", "--no-record", "--json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and [row["seed"] for row in rows] == [3, 4]
    assert all(row["accuracy"] > 16 for row in rows)
    assert read_measured(default_folders().measured) == before


@pytest.mark.parametrize(
    "given",
    [
        ["--preset", "imagenet", "--no-auxiliary", "--resolution", "64", "--pieces", "4", "--most-broken", "3"],
        ["--preset", "imagenet", "--images", "streamed", "--first-classes", "10", "--split", "selection"],
        ["--preset", "paper", "--data", "cifar100", "--seed", "3", "--seed", "4"],
        ["--preset", "short", "--data", "imagenet16-120", "--batch", "64"],
        ["--preset", "smoke", "--auxiliary", "--images", "held"],
    ],
    ids=" ".join,
)
def test_the_command_that_a_record_shows_means_the_same(monkeypatch, given):
    asked = []
    monkeypatch.setattr(evaluate, "_evaluate_unrecorded", lambda config, threads, show: asked.append(config))
    if "--auxiliary" in given:
        assert main(["evaluate", "DARTS", *given, "--no-record"]) == 2  # no room for it after a stem of stride 2
        given = [*given, "--resolution", "64"]
    assert main(["evaluate", "DARTS", *given, "--no-record"]) == 0
    assert main([*arguments(asked[0], given[1]), "--no-record"]) == 0
    assert asked[1] == asked[0]


def test_selection_is_judged_on_by_leaving_it_out(capsys):
    status, out, _ = run(capsys, CELL, *QUICK, "--judged-on", "selection", "--no-record", "--json")
    row = json.loads(out)
    assert status == 0 and (row["judged_on"], row["settings"]["trained_on"]) == ("selection", "fitting")


def test_text_for_people(capsys):
    status, out, _ = run(capsys, "NAT_DARTS", *QUICK, "--layers", "2", "--no-record")
    assert status == 0 and out.startswith("NAT_DARTS  ") and "% of test images" in out and "(measured: 1 epoch, " in out


def test_a_queue_whose_genotypes_no_tag_of_mlflow_can_hold(capsys):
    distinct = {shortest(entry.architecture): name for name, entry in library().items() if entry.architecture.reduction}
    genotypes, names = zip(*list(distinct.items())[:15], strict=True)
    assert sum(map(len, genotypes)) > 6000
    status, out, err = run(capsys, *names, *QUICK, "--layers", "2", "--batch", "500", "--name", "fifteen", "--json")
    assert status == 0, err
    assert [json.loads(line)["genotype"] for line in out.splitlines()] == list(genotypes)
    assert main(["runs", "--json"]) == 0
    (row,) = [row for row in map(json.loads, capsys.readouterr().out.splitlines()) if row["name"] == "fifteen"]
    assert [item["genotype"] for item in row["config"]["architectures"]] == list(genotypes)
    assert row["measure"] == "accuracy_percent" and 0 <= row["last"] <= row["best"] <= 100
    assert main(["runs"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if " fifteen " in line)
    assert f" {row['best']:.2f} %  {row['last']:.2f} %" in line and "+" not in line


BAD = [
    ([], "ARCH"),
    (["DARTZ", *QUICK], "no architecture 'DARTZ' in the library"),
    (["DARTS", "--preset", "long"], "unknown preset 'long'; accepted: paper, imagenet, short, smoke"),
    (["DARTS", *QUICK, "--epochs", "0"], "epochs is 0; accepted: whole numbers from 1"),
    (["DARTS", *QUICK, "--channels", "3"], "it must be even"),
    (["DARTS", *QUICK, "--seed", "-1"], "seeds[0] is -1"),
    (["DARTS", *QUICK, "--batch", "x"], "--batch"),
    (["DARTS", *QUICK, "--threads", "0"], "threads is 0"),
    (["DARTS", CELL, *QUICK], "evaluate it by itself"),
    (["DARTS", "DARTS", *QUICK], "number 2 is the same as number 1"),
    (["DARTS", *QUICK, "--judged-on", "luck"], "split is 'luck'; accepted: test, selection"),
    (["DARTS", *QUICK, "--data", "/nowhere/x", "--no-record"], "choose other images with --data"),
    (["DARTS", *QUICK, "--detach", "--no-record"], "--detach needs a record"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_clear_line_and_status_2(capsys, arguments, message):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and out == ""
    assert message in err and err.count("\n") == 1 and len(err) < 700
