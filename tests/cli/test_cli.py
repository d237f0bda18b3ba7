import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from nat_core.architecture.difference import illegal_changes
from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.cli import main
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"

# parameters, MACs: the papers' and the benchmark's own figures, no auxiliary head.
FACTS = [
    (["DARTS"], 3_349_342, 528_359_040),
    (["DARTS_V2"], 3_349_342, 528_359_040),
    (["NAT_DARTS"], 2_682_334, 424_181_376),
    (["NATv2_DARTS"], 2_476_054, 394_155_648),
    (["ENAS"], 3_859_894, 605_719_584),
    (["DARTS", "--network", "imagenet"], 4_718_752, 529_911_552),
    (["|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"],
     1_531_546, 220_119_680),
]  # fmt: skip


def cells(inputs: int, nodes: int) -> str:
    """A normal cell alone, of as many inputs, that concatenates its intermediate nodes."""
    outputs = list(range(inputs, nodes))
    edges = [["conv_3x3", 0, node] for node in outputs]
    cell = {"inputs": inputs, "nodes": nodes, "edges": edges, "output": outputs, "combine": "concat"}
    return json.dumps({"normal": cell})


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def one_step(tmp_path_factory) -> Path:
    """A policy that was trained for one step."""
    folder = tmp_path_factory.mktemp("trained") / "policy"
    assert main(["train", "--space", "nasbench201", "--output", str(folder), "--steps", "1", "--no-record"]) == 0
    return folder


@pytest.fixture
def policy(one_step, capsys, tmp_path) -> Path:
    """A copy of it that a test may change."""
    capsys.readouterr()
    return shutil.copytree(one_step, tmp_path / "policy")


@pytest.mark.parametrize(("arguments", "parameters", "macs"), FACTS)
def test_cost_prints_the_known_figures(capsys, arguments, parameters, macs):
    status, out, err = run(capsys, "cost", *arguments, "--json")
    row = json.loads(out)
    assert (status, row["parameters"], row["macs"], err) == (0, parameters, macs, "")


def test_cost_prints_one_line_of_json_per_architecture(capsys):
    _, out, _ = run(capsys, "cost", "DARTS", "ENAS", CELL, "--json")
    assert [json.loads(line)["architecture"] for line in out.splitlines()] == ["DARTS", "ENAS", CELL]


def test_cost_of_other_sizes_and_for_people(capsys):
    _, small, _ = run(capsys, "cost", "DARTS", "--channels", "16", "--layers", "8", "--json")
    assert json.loads(small)["network"] == "CIFAR, C 16, L 8, 32×32, no auxiliary head"
    _, text, _ = run(capsys, "cost", "DARTS")
    assert "3,349,342 parameters" in text and "528,359,040 MACs" in text


def test_list_names_the_whole_library(capsys):
    _, out, _ = run(capsys, "list", "--json")
    assert [json.loads(line)["name"] for line in out.splitlines()] == list(library())
    _, text, _ = run(capsys, "list")
    assert "NAT++ of DARTS" in text


@pytest.mark.parametrize("notation", ["genotype", "pairs", "json", "nested", "reversed"])
def test_show_writes_every_notation(capsysbinary, notation):
    assert main(["show", "DARTS", "--format", notation]) == 0
    assert parse(capsysbinary.readouterr().out.decode()) == library()["DARTS"].architecture


@pytest.mark.parametrize(
    ("format", "magic"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_show_draws(tmp_path, format, magic):
    path = tmp_path / f"cell.{format}"
    assert main(["show", "ENAS", "--format", format, "-o", str(path)]) == 0
    assert magic in path.read_bytes()[:300]


def test_diff_tells_what_changed_and_which_rules_allow_it(capsys):
    status, out, err = run(capsys, "diff", "DARTS", "NATv2_DARTS", "--json")
    changes = json.loads(out)
    assert (status, err, len(changes)) == (0, "", 6)
    first = {
        "cell": "normal",
        "source": 0,
        "target": 3,
        "from": "sep_conv_3x3",
        "to": "null",
        "legal": ["nat", "nat++"],
    }
    assert changes[0] == first and changes[2]["legal"] == ["nat++"]
    _, text, _ = run(capsys, "diff", "DARTS", "NATv2_DARTS")
    assert text.splitlines()[:2] == ["6 edges changed", "  normal 0→3: sep 3×3 → null (nat, nat++)"]
    assert run(capsys, "diff", "NAONet", "NATv2_NAONet")[1].count("(no rule)") >= 1
    assert run(capsys, "diff", "DARTS", "DARTS")[1] == "no difference\n"


def test_diff_draws_both_cells(capsys, tmp_path):
    path = tmp_path / "changes.svg"
    assert run(capsys, "diff", "ENAS", "NASNet-A", "-o", str(path))[0] == 0  # of different topology
    text = path.read_text()
    assert "Normal cell" in text and "Reduction cell" in text and "→" in text


def test_what_cannot_be_compared_is_one_line(capsys, tmp_path):
    status, out, err = run(capsys, "diff", "DARTS", CELL)
    assert (status, out) == (2, "") and "one of the two has a reduction cell" in err and err.count("\n") == 1
    status, _, err = run(capsys, "diff", "DARTS", "ENAS", "-o", str(tmp_path / "x.gif"))
    assert status == 2 and "accepted: .dot, .svg, .png, .pdf" in err and not (tmp_path / "x.gif").exists()


def test_architectures_are_read_from_files_and_indices(capsys, tmp_path):
    path = tmp_path / "cell.txt"
    path.write_text(CELL)
    assert run(capsys, "show", str(path), "--format", "nasbench201")[1].strip() == CELL
    assert run(capsys, "show", "nasbench201:0")[1].startswith("|avg_pool_3x3~0|")
    for name in ("ENAS", "nasbench201:0"):
        path.write_text(f"\ufeff{name}\n")
        assert run(capsys, "show", str(path)) == run(capsys, "show", name)


def test_transform_gives_the_promised_json(capsys):
    status, out, err = run(capsys, "transform", CELL, "--json")
    value = json.loads(out)
    assert (status, err) == (0, "")
    assert value["output"]["accuracy"] >= value["input"]["accuracy"]
    assert value["output"]["macs"] <= value["input"]["macs"]
    assert parse(value["input"]["genotype"]) == parse(CELL)
    assert {"cell", "source", "target", "from", "to"} == set(value["changes"][0])


def test_transform_options(capsys):
    budget = 60_000_000
    _, out, _ = run(capsys, "transform", CELL, "--max-macs", str(budget), "--samples", "5", "--json")
    assert all(item["macs"] <= budget for item in json.loads(out)["candidates"])
    _, greedy, _ = run(capsys, "transform", CELL, "--greedy", "--json")
    assert len(json.loads(greedy)["candidates"]) == 2
    first, second = (run(capsys, "transform", CELL, "--seed", "4", "--json")[1] for _ in range(2))
    assert first == second
    assert "accuracy" in run(capsys, "transform", CELL)[1]


@pytest.mark.parametrize(
    ("arguments", "network"),
    [
        (["--network", "imagenet"], NETWORKS["imagenet"]),
        (["--network", "imagenet", "--channels", "40", "--classes", "100", "--auxiliary"],
         replace(NETWORKS["imagenet"], channels=40, classes=100, auxiliary=True)),
        (["--layers", "8", "--resolution", "64"], replace(NETWORKS["cifar"], layers=8, resolution=64)),
    ],
)  # fmt: skip
def test_the_budget_is_that_of_the_network_asked_for(capsys, arguments, network):
    model = cost_model(network)
    budget = model.cost(library()["DARTS"].architecture).macs * 9 // 10
    _, out, err = run(capsys, "transform", "DARTS", *arguments, "--max-macs", str(budget), "--json")
    result = json.loads(out)
    assert err == "" and result["network"] == network.description
    assert result["candidates"] and result["output"] in result["candidates"]
    for item in (result["input"], *result["candidates"]):
        cost = model.cost(parse(item["genotype"]))
        assert (item["macs"], item["parameters"]) == (cost.macs, cost.parameters)
    assert all(item["macs"] <= budget for item in result["candidates"])
    assert network.description in run(capsys, "transform", "DARTS", *arguments)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "imagenet", "--max-macs", "1000"], "no legal transformation stays within 1,000 MACs"),
        (["--network", "nasbench201"], "the NAS-Bench-201 network needs a single cell"),
        (["--network", "mars"], "unknown network 'mars'; accepted: cifar, imagenet, nasbench201"),
        (["--resolution", "1"], "resolution is 1; accepted: "),
        (["--classes", "1"], "classes is 1; accepted: "),
        (["--channels", "7"], "channels is 7; it must be even"),
    ],
)
def test_transform_without_such_a_network_or_budget(capsys, arguments, message):
    status, out, err = run(capsys, "transform", "DARTS", *arguments)
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1


@pytest.mark.parametrize("data_set", ["cifar10_test", "cifar100_test", "imagenet16_120_test"])
def test_a_test_set_never_rewards(capsys, tmp_path, data_set):
    status, out, err = run(
        capsys, "train", "--space", "nasbench201", "--data-set", data_set, "--steps", "1", "--no-record", "--output",
        str(tmp_path / "policy"),
    )  # fmt: skip
    assert (status, out) == (2, "") and not (tmp_path / "policy").exists()
    assert f"data_set is {data_set!r}, a test set" in err and err.count("\n") == 1
    assert "accepted: cifar10_valid, cifar100_valid, imagenet16_120_valid" in err


def test_transform_follows_the_rule_of_the_card(capsys, policy):
    card = json.loads((policy / "card.json").read_text())
    (policy / "card.json").write_text(json.dumps(card | {"rule": "nat"}))
    status, out, _ = run(capsys, "transform", CELL, "--policy", str(policy), "--samples", "200", "--json")
    assert status == 0
    candidates = json.loads(out)["candidates"]
    assert len(candidates) > 10
    for candidate in candidates:
        assert illegal_changes(parse(CELL), parse(candidate["genotype"]), "nat") == ()


def test_a_card_that_names_no_column_is_refused(capsys, policy):
    card = json.loads((policy / "card.json").read_text())
    for data_set in ([], {}, 3, None, "cifar10_test"):
        (policy / "card.json").write_text(json.dumps(card | {"training": {"data_set": data_set}}))
        status, out, err = run(capsys, "transform", CELL, "--policy", str(policy))
        assert (status, out) == (2, "") and err.count("\n") == 1
        assert "card.json: training: data_set is" in err and "accepted: cifar10_valid" in err


def test_train_writes_a_policy_that_transform_uses(capsys, tmp_path):
    folder = tmp_path / "policy"
    status, out, _ = run(
        capsys, "train", "--space", "nasbench201", "--output", str(folder), "--steps", "3", "--seed", "1", "--no-record"
    )
    assert (status, out.strip()) == (0, str(folder))
    card = json.loads((folder / "card.json").read_text())
    assert card["training"]["steps_done"] == 3 and card["seed"] == 1
    status, out, _ = run(capsys, "transform", CELL, "--policy", str(folder), "--json")
    assert status == 0 and json.loads(out)["output"]["accuracy_kind"] == "tabular"


MEGABYTE = "x" * 1_000_000
BAD = [
    (["show", "DARTZ"], "no architecture 'DARTZ' in the library; did you mean"),
    (["show", CELL.replace("nor_conv_1x1", "nor_conv_9x9")], "unknown operation 'nor_conv_9x9'"),
    (["show", "Genotype(normal=[('conv_3x3', 3, 2), ('null', 0, 2)], normal_concat=[2], "
              "reduce=[('null', 0, 2)], reduce_concat=[2])"], "would make a cycle"),
    (["show", f"({MEGABYTE}"], "the text ends before this bracket is closed"),
    (["show", MEGABYTE], "the text holds no architecture"),
    (["show", "nasbench201:99999"], "is not between 0 and 15624"),
    (["show", "nasbench201:x"], "accepted: nasbench201:0 to nasbench201:15624"),
    (["show", "DARTS", "--format", "yaml"], "unknown format 'yaml'; accepted: genotype"),
    (["show", CELL, "--format", "pairs"], "these can: nasbench201, json"),
    (["show", "DARTS", "-o", "/nowhere/cell.svg"], "No such file or directory"),
    (["cost", "DARTS", "--network", "vgg"], "unknown network 'vgg'; accepted: cifar, imagenet, nasbench201"),
    (["cost", "DARTS", "--network", "nasbench201"], "needs a single cell"),
    (["cost", "DARTS", "--channels", "35"], "it must be even"),
    (["cost", "DARTS", "--classes", "1"], "classes is 1; accepted: whole numbers from 2 to 100000"),
    (["cost", CELL, "--auxiliary"], "the NAS-Bench-201 network has no auxiliary head"),
    (["cost", cells(2, 3)], "the reduction cell is missing; the CIFAR network needs a normal and a reduction cell of"),
    (["cost", cells(1, 3)], "passes a cell's output straight on, so it must be a sum or one node; this cell concaten"),
    (["cost", cells(3, 4)], "no network accepts a single cell of 3 inputs; accepted: a normal and a reduction cell of"),
    (["cost", cells(3, 4), "--network", "cifar"], "a single cell of 3 inputs (networks that accept it: none)"),
    (["cost", "DARTS", "--channels", "x"], "--channels"),
    (["cost"], "ARCH"),
    (["transform", CELL, "--policy", "nowhere"], "no policy 'nowhere'; accepted: fully_concat, loose_end, nasbench201"),
    (["transform", CELL, "--samples", "0"], "samples is 0; accepted: 1 to 1000"),
    (["transform", CELL, "--max-macs", "7"], "no legal transformation stays within 7 MACs"),
    (["train", "--space", "moon", "--output", "x"], "accepted: fully_concat, loose_end, nasbench201"),
    (["train", "--space", "nasbench201", "--output", "x", "--recipe", "soup"], ": group, budgets, latency, authors"),
    (["train", "--space", "nasbench201", "--output", "x", "--policy-network", "mlp"], "accepted: edge, gcn"),
    (["train", "--space", "nasbench201", "--output", "x", "--cost", "toaster"], "cost is 'toaster'; accepted: macs"),
    (["explode"], "No such command 'explode'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_clear_line_and_status_2(capsys, arguments, message):
    status, out, err = run(capsys, *arguments)
    assert status == 2 and out == ""
    assert message in err and err.count("\n") == 1 and len(err) < 700


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: truncate(folder / "policy.safetensors"), "truncated or not a safetensors file"),
        (lambda folder: poison(folder / "policy.safetensors"), "contains NaN or infinity"),
        (lambda folder: (folder / "card.json").write_text("{}"), "the field 'format_version' is missing"),
        (lambda folder: (folder / "card.json").unlink(), "does not exist"),
    ],
)
def test_a_damaged_policy_is_one_clear_line_and_status_2(capsys, policy, damage, message):
    damage(policy)
    status, out, err = run(capsys, "transform", CELL, "--policy", str(policy))
    assert status == 2 and out == ""
    assert message in err and err.count("\n") == 1


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def poison(path):
    from safetensors.torch import load_file, save_file

    weights = load_file(path)
    next(iter(weights.values())).view(-1)[0] = float("nan")
    save_file(weights, path)


def test_the_module_runs_as_a_program():
    command = [sys.executable, "-m", "nat_core", "show", "DARTZ"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.startswith("error: no architecture 'DARTZ'")


def test_nothing_in_a_message_is_obeyed_by_a_terminal(capsys, tmp_path):
    (file := tmp_path / "a\x1b[31m\u202e.txt").write_text("nothing")
    status, out, err = run(capsys, "cost", str(file))
    assert status == 2 and out == "" and "\x1b" not in err and "\u202e" not in err and err.count("\n") == 1
