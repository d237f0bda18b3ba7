import json

import pytest

from nat_core.cli import main
from tests.learning.image_training.cases import SCHEDULES

SMALL = ("--preset", "smoke", "--epochs", "1", "--steps", "2", "--resolution", "8", "--rounds", "1", "--batch", "16",
         "--reward-images", "16")  # fmt: skip


def run(capsys, *arguments):
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_policy_trained_from_images_transforms(capsys, tmp_path, schedule):
    folder = tmp_path / "policy"
    status, out, _ = run(capsys, "train", "--space", "loose_end", *SMALL, "--schedule", schedule, "--no-record",
                         "--policy-network", "gcn", "--output", str(folder))  # fmt: skip
    assert (status, out.strip()) == (0, str(folder))
    card = json.loads((folder / "card.json").read_text())
    assert card["policy"]["network"] == "gcn" and card["training"]["schedule"] == schedule
    assert {"held_out_gain", "macs_ratio", "share_worse", "accuracy_kind"} <= card["quality"].keys()
    assert (
        ("reward_model" in card["quality"])
        == (schedule == "two-stage")
        == (folder / "reward_model.safetensors").exists()
    )
    assert json.loads((folder / "supernet.json").read_text())["network"]["layers"] == 3
    status, out, _ = run(capsys, "transform", "ENAS", "--policy", str(folder), "--samples", "3", "--json")
    value = json.loads(out)
    assert status == 0 and value["output"]["accuracy_kind"] == "shared-weight"
    assert value["output"]["macs"] <= value["input"]["macs"]


BAD = [
    (["--space", "fully_concat", "--recipe", "group"], "recipe is 'group'; accepted for fully_concat: trainings"),
    (["--space", "nasbench201", "--recipe", "trainings"], "accepted for nasbench201: group, budgets, latency, authors"),
    (["--space", "fully_concat", "--recipe", "trainings", "--epochs", "3"], "--epochs does not apply where rewards"),
    (["--space", "fully_concat", "--data-set", "cifar10_valid"], "accepted there: --preset, --data, --epochs"),
    (["--space", "nasbench201", "--preset", "smoke"], "--preset does not apply where rewards come from a table"),
    (["--space", "nasbench201", "--epochs", "3"], "accepted there: --recipe, --steps, --seed"),
    (["--space", "loose_end", "--preset", "soup"], "preset is 'soup'; accepted: paper, cpu, smoke"),
    (["--space", "loose_end", "--schedule", "x"], "unknown schedule 'x'; accepted: alternate, two-stage"),
    (["--space", "loose_end", "--channels", "7"], "channels is 7; it must be even"),
    (["--space", "loose_end", "--layers", "0"], "layers is 0"),
    (["--space", "loose_end", "--epochs", "0"], "epochs is 0; accepted: whole numbers from 1 to 100,000"),
    (["--space", "loose_end", "--channels", "256", "--layers", "100"], "GB of memory are needed, and this machine has"),
    (["--space", "loose_end", "--cost-weight", "99"], "cost_weight is 99.0; accepted: numbers from 0 to 10"),
    (["--space", "loose_end", "--policy-network", "mlp"], "policy_network is 'mlp'; accepted: edge, gcn"),
    (["--space", "loose_end", "--threads", "0"], "threads is 0; accepted: whole numbers from 1 to 1,024"),
    (["--space", "loose_end", *SMALL, "--no-record", "--output", "x", "--data", "/nowhere/x"], "/nowhere/x"),
    (["--space", "loose_end", *SMALL, "--data", "/nowhere/x"], "/nowhere/x"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_clear_line_and_status_2(capsys, monkeypatch, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, "train", *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_under_torchrun_only_training_from_images_in_the_foreground(capsys, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for arguments in (["--space", "nasbench201"], ["--space", "loose_end", "--detach"]):
        status, _, err = run(capsys, "train", *arguments)
        assert status == 2 and "under torchrun, policies are trained from images and in the foreground only" in err
