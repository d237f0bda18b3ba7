"""What docs/extending.md says is all it takes."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.distribution import greedy
from nat_core.learning.training.config import InputsConfig, TrainingConfig
from nat_core.learning.training.data import split_codes
from nat_core.learning.training.evaluation import edge_log_probabilities
from nat_core.learning.training.loop import train
from nat_core.paths import PROJECT

BLOCKS = re.findall(r"```(\w+) ?(\S*)\n(.*?)```", (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8"), re.S)
USE = """
import random

from nat_core.architecture import notation
from nat_core.architecture.spaces import SPACES
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.drawing.cells import draw_cell

space = SPACES["triple"]
drawn = space.sample(random.Random(0))
assert space.mismatch(drawn) is None and len(drawn.normal.edges) == 12
given = drawn.with_operations(["conv_9x9"] * len(drawn.operations))
assert notation.parse(notation.shortest(given)) == given
assert {"conv_5x5", "skip_connect", "null"} < set(space.targets("conv_9x9"))
assert cost_model(NETWORKS["cifar"]).cost(given).macs > cost_model(NETWORKS["cifar"]).cost(drawn).macs
assert b"conv" in draw_cell(given.normal)

twins = notation.Document('arch: {"both": [["sep_conv_3x3", 0], ["skip_connect", 1]], "concat": [2]}').one()
assert twins.notation == "twins" and twins.architecture.normal == twins.architecture.reduction

from nat_core.cli import main
from nat_core.learning.forms import form_for, training_words

form = form_for("fully_concat")
config = form.config("fully_concat", form.accepted({"preset": "smoke", "padding": 2}))
standard = form.config("fully_concat", {"preset": "smoke"})
assert config.weights.padding == 2 and training_words(config, standard) == ["--padding", "2"]
assert form.options["padding"].label == "Padding, pixels"
assert main(["train", "--help"]) == 0 and main(["evaluate", "--help"]) == 0
assert main(["train", "--space", "fully_concat", "--padding", "300"]) == 2
"""
LAUNCH = """
import time

from nat_core.cli import main
from nat_core.runs.kinds import request_for
from nat_core.runs.kinds.random_search import SearchConfig
from nat_core.runs.launcher import launch
from nat_core.runs.tracking import open_tracking

tracking = open_tracking()
run_id = launch(tracking, request_for("random-search", SearchConfig(cells=30)))
deadline = time.monotonic() + 120
while tracking.get(run_id).active and time.monotonic() < deadline:
    time.sleep(0.1)
run = tracking.get(run_id)
accuracies = tracking.points(run_id)["accuracy"]
assert run.state == "finished", tracking.log_lines(run_id)
assert [step for step, _ in accuracies] == list(range(1, 31)) and run.process.pid
assert run.best == max(value for _, value in accuracies) > 80
assert main(["runs"]) == 0
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A copy of the project with the documented changes."""
    copy = tmp_path_factory.mktemp("extended")
    shutil.copytree(PROJECT / "nat_core", copy / "nat_core", ignore=shutil.ignore_patterns("__pycache__", "cifar10*"))
    for language, path, text in BLOCKS:
        if language == "diff":
            change(copy / path, text)
        elif path:
            assert not (copy / path).exists()
            (copy / path).write_text(text, encoding="utf-8")
    return copy


def change(file: Path, diff: str) -> None:
    lines = diff.splitlines()
    old = "\n".join(line[1:] for line in lines if line.startswith("-"))
    new = "\n".join(line[1:] for line in lines if line.startswith("+"))
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name} has not the line that the documentation changes"
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_an_operation_and_a_space_take_a_line_each(extended):
    done = subprocess.run([sys.executable, "-c", USE], cwd=extended, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("--padding") == 2
    assert "padding is 300; accepted: whole numbers from 0 to 256" in done.stderr


def test_a_kind_of_run_takes_a_file_and_a_row(extended, empty_database, tmp_path):
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    surroundings = {**os.environ, "NAT_LAB_RUNS": str(tmp_path)}
    command = [sys.executable, "-c", LAUNCH]
    done = subprocess.run(command, cwd=extended, env=surroundings, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "random-search" in done.stdout and "30/30" in done.stdout and " %" in done.stdout


def test_a_policy_learns_from_a_source_of_five_members():
    (code,) = (text for language, path, text in BLOCKS if language == "python" and not path)
    names: dict = {}
    exec(compile(code, "extending.md", "exec"), names)
    shape = PolicyConfig(width=16, layers=1, embedding=8, key=8)
    config = TrainingConfig(policy=shape, steps=150, batch=64, samples=4, inputs=InputsConfig(500, 100))
    trained = train(config, names["FewConvolutions"]())
    _, held_out = split_codes(config.inputs)
    log_probabilities = torch.from_numpy(edge_log_probabilities(trained.policy, held_out, config.rule))
    outputs = table.codes_of_operations(greedy(log_probabilities).numpy())
    assert convolutions(outputs) < convolutions(held_out) / 2


def convolutions(codes) -> int:
    return sum("conv" in name for code in codes for name in table.architecture_of_code(code).operations)
