"""`export`, as a person calls it; weights come from an independent network with the originals' names and order."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.cli import main
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.paths import PROJECT
from tests.support import darts_family

onnxruntime = pytest.importorskip("onnxruntime")
CELL = "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|"
# As FairDARTS writes cells: (operation, target, source), nodes of no input, two operations between the same nodes.
FAIR = (
    "Genotype(normal=[('sep_conv_3x3', 2, 0), ('dil_conv_3x3', 2, 0), ('skip_connect', 2, 1), ('conv_3x3', 4, 2)], "
    "normal_concat=range(2, 6), reduce=[('max_pool_3x3', 3, 0), ('skip_connect', 3, 1), ('dil_conv_5x5', 5, 3)], "
    "reduce_concat=range(2, 6))"
)
SMALL = ("--channels", "8", "--layers", "5")


def of(name):
    return library()[name].architecture


def run_onnx(file: Path, images: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {"images": images.numpy()})[0]


def expected(network, images: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        logits = network(images).numpy()
    assert logits.std() > 0.01
    return logits


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = main(["export", *map(str, arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def by_a_process(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """As somebody calls it in their folder, with next to nothing in the environment."""
    command = [sys.executable, "-m", "nat_core", "export", *arguments]
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("name", "layers", "own_process"),
    [("PC_DARTS_CIFAR", 5, True), *((name, n, False) for name in ("DARTS", "AmoebaNet-A") for n in (5, 8)),
     ("PC_DARTS_CIFAR", 8, False)],
)  # fmt: skip
def test_weights_of_the_originals_give_the_originals_outputs(name, layers, own_process, capsys, monkeypatch, tmp_path):
    torch.manual_seed(layers)
    network = darts_family.original(of(name), 8, layers, auxiliary=True)
    assert "cells.0.preprocess0.op.1.weight" in network.state_dict()
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    arguments = (name, "--channels", "8", "--layers", str(layers), "--weights", "weights.pt", "-o", "net.onnx")
    monkeypatch.chdir(tmp_path)
    status, out, err = by_a_process(tmp_path, *arguments) if own_process else run(capsys, *arguments)
    assert status == 0 and out == "", err
    images = torch.randn(3, 3, 32, 32)
    np.testing.assert_allclose(run_onnx(tmp_path / "net.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5)


def data_parallel(state):
    return {"epoch": 600, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}, "optimizer": {}}


def without_counters(state):
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}


def with_counters_of_thop(state):
    return {"total_ops": torch.zeros(1), **state, "cells.0.total_params": torch.zeros(1)}


def compiled(state):
    return {"model": {f"net._orig_mod.{name}": tensor for name, tensor in state.items()}}


def in_double_precision(state):
    return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


@pytest.mark.parametrize(
    "saved", [data_parallel, without_counters, with_counters_of_thop, compiled, in_double_precision]
)
def test_other_ways_to_save_the_same(saved, capsys, tmp_path):
    network = darts_family.original(of("DARTS"), 8, 5)
    torch.save(saved(network.state_dict()), tmp_path / "checkpoint.pth.tar")
    weights, output = tmp_path / "checkpoint.pth.tar", tmp_path / "NET.ONNX"
    assert run(capsys, "DARTS", *SMALL, "--weights", weights, "-o", output)[0] == 0
    images = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(run_onnx(output, images), expected(network, images), atol=1e-5, rtol=1e-5)


def test_files_from_before_torch_used_zip(capsys, tmp_path):
    network = darts_family.original(of("DARTS"), 8, 5)
    state = without_counters(network.state_dict())
    torch.save(state, tmp_path / "cifar10_model.pt", _use_new_zipfile_serialization=False)
    options = (*SMALL, "--weights", tmp_path / "cifar10_model.pt", "-o", tmp_path / "net.onnx")
    assert run(capsys, "DARTS", *options)[0] == 0
    images = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(run_onnx(tmp_path / "net.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5)


def test_safetensors_which_keep_no_order(capsys, tmp_path):
    network = darts_family.original(of("AmoebaNet-A"), 8, 12, auxiliary=True)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    options = ("--channels", 8, "--layers", 12, "--weights", tmp_path / "weights.safetensors")
    assert run(capsys, "AmoebaNet-A", *options, "-o", tmp_path / "net.onnx")[0] == 0
    images = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(run_onnx(tmp_path / "net.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5)


def test_imagenet_and_fairdarts_names(capsys, tmp_path):
    network = darts_family.original(of("DARTS"), 8, 5, classes=7, auxiliary=True, imagenet=True)
    torch.save(network.state_dict(), tmp_path / "imagenet.pt")
    sizes = ("--network", "imagenet", *SMALL, "--classes", 7, "--resolution", 64, "--weights", tmp_path / "imagenet.pt")
    assert run(capsys, "DARTS", *sizes, "-o", tmp_path / "net.onnx")[0] == 0
    images = torch.randn(2, 3, 64, 64)
    np.testing.assert_allclose(run_onnx(tmp_path / "net.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5)
    network = darts_family.original(parse(FAIR), 8, 5, cell=darts_family.NodeWiseCell)
    torch.save(network.state_dict(), tmp_path / "fair.pt")
    assert run(capsys, FAIR, *SMALL, "--weights", tmp_path / "fair.pt", "-o", tmp_path / "fair.onnx")[0] == 0
    images = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(
        run_onnx(tmp_path / "fair.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_nasbench201_names(name, capsys, tmp_path):
    network = darts_family.benchmark_original(parse(CELL), 4, 2)
    (torch.save if name.endswith(".pt") else save_file)(network.state_dict(), tmp_path / name)
    sizes = ("--channels", 4, "--layers", 6, "--weights", tmp_path / name)
    assert run(capsys, CELL, *sizes, "-o", tmp_path / "net.onnx")[0] == 0
    images = torch.randn(2, 3, 32, 32)
    np.testing.assert_allclose(run_onnx(tmp_path / "net.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_a_module_with_its_weights_beside(auxiliary, capsys, tmp_path):
    network = darts_family.original(of("PC_DARTS_CIFAR"), 8, 5, auxiliary=True)
    torch.save(network.state_dict(), tmp_path / "theirs.pt")
    options = [*SMALL, "--weights", tmp_path / "theirs.pt", *(["--auxiliary"] if auxiliary else [])]
    status, out, err = run(capsys, "PC_DARTS_CIFAR", *options, "-o", tmp_path / "net.py")
    assert (status, out) == (0, "") and "net.py" in err and "net.pt" in err
    module = runpy.run_path(str(tmp_path / "net.py"))
    built = module["build_network"]()
    built.load_state_dict(torch.load(tmp_path / "net.pt", weights_only=True))
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        np.testing.assert_allclose(built.eval()(images), expected(network, images), atol=1e-5, rtol=1e-5)
        if auxiliary:
            torch.testing.assert_close(built.auxiliary[2].weight, network.auxiliary_head.features[2].weight)
            assert [tuple(logits.shape) for logits in built.train()(images)] == [(2, 10), (2, 10)]
    again = run(capsys, "PC_DARTS_CIFAR", *SMALL, "--weights", tmp_path / "net.pt", "-o", tmp_path / "again.onnx")
    assert again[0] == 0
    np.testing.assert_allclose(
        run_onnx(tmp_path / "again.onnx", images), expected(network, images), atol=1e-5, rtol=1e-5
    )


def test_without_weights_the_options_of_cost(capsys, tmp_path):
    sizes = ("--network", "nasbench201", "--channels", "4", "--layers", "3", "--classes", "7", "--resolution", "16")
    for name in ("net.py", "net.onnx"):
        assert run(capsys, CELL, *sizes, "-o", tmp_path / name)[0] == 0
    assert run_onnx(tmp_path / "net.onnx", torch.zeros(2, 3, 16, 16)).shape == (2, 7)
    built = runpy.run_path(str(tmp_path / "net.py"))["build_network"]()
    assert main(["cost", CELL, *sizes, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == sum(p.numel() for p in built.parameters())
    assert not (tmp_path / "net.pt").exists()


def test_cost_takes_the_same_options(capsys):
    assert main(["cost", "DARTS", "--classes", "100", "--resolution", "40", "--auxiliary", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    config = NetworkConfig("cifar", 36, 20, 40, 100, auxiliary=True)
    assert row["network"] == config.description
    assert (row["parameters"], row["macs"]) == (
        cost_model(config).cost(of("DARTS")).parameters, cost_model(config).cost(of("DARTS")).macs,
    )  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    network = darts_family.original(of("DARTS"), 8, 5)
    state = network.state_dict()
    torch.save(state, folder / "good.pt")
    torch.save(dict(list(state.items())[:-1]), folder / "short.pt")
    torch.save({**state, "more.weight": torch.zeros(2)}, folder / "long.pt")
    torch.save({"state_dict": {"epoch": 3}}, folder / "numbers.pt")
    torch.save({}, folder / "empty.pt")
    torch.save(network, folder / "module.pt")
    torch.save([1, 2], folder / "list.pt")
    (folder / "garbage.pt").write_bytes(b"\x80\x05garbage" * 100)
    (folder / "garbage.safetensors").write_bytes(b"garbage" * 100)
    (folder / "cut.pt").write_bytes((folder / "good.pt").read_bytes()[:5000])
    fair = darts_family.original(parse(FAIR), 8, 5, cell=darts_family.NodeWiseCell).state_dict()
    save_file({name.replace("_ops", "edges"): item for name, item in state.items()}, folder / "foreign.safetensors")
    whole = {name: item.long() if name == "stem.1.weight" else item for name, item in state.items()}
    torch.save(whole, folder / "whole.pt")
    torch.save({**state, "stem.0.weight": state["stem.0.weight"].to_sparse()}, folder / "sparse.pt")
    moved = {name.replace("cells.0._ops.2.0.", "cells.0._ops.2.7."): tensor for name, tensor in fair.items()}
    torch.save(moved, folder / "moved.pt")
    return folder


BAD = [
    (["DARTS", "-o", "net.txt"], "the file to write is 'net.txt'; accepted: names that end in .py, .onnx"),
    (["DARTS", "-o", "net"], "accepted: names that end in .py, .onnx"),
    (["DARTS", "-o", "/nowhere/net.py"], "No such file or directory"),
    (["DARTS"], "output"),
    (["DARTS", "--resolution", "7", "-o", "net.py"], "resolution is 7; accepted"),
    (["DARTS", "--classes", "1", "-o", "net.py"], "classes is 1; accepted"),
    ([CELL, "--auxiliary", "-o", "net.py"], "has no auxiliary head"),
    (["DARTS", "--network", "nasbench201", "-o", "net.py"], "needs a single cell of 1 input"),
    (["DARTS", *SMALL, "--weights", "nowhere.pt", "-o", "net.py"], "No such file or directory"),
    (["DARTS", *SMALL, "--weights", ".", "-o", "net.py"], "directory"),
    (["DARTS", "--weights", "good.pt", "-o", "net.py"], "stem.0.weight is 24×3×3×3 where the network has 108×3×3×3"),
    (["ENAS", *SMALL, "--weights", "good.pt", "-o", "net.py"], "cells.0."),
    (["DARTS", *SMALL, "--classes", "7", "--weights", "good.pt", "-o", "net.py"],
     "classifier.weight is 10×128 where the network has 7×128"),
    (["DARTS", *SMALL, "--auxiliary", "--weights", "good.pt", "-o", "net.py"], "the weights have no auxiliary head"),
    (["DARTS", *SMALL, "--weights", "good.pt", "-o", "good.py"], "good.pt holds the given weights and would be overwr"),
    (["DARTS", *SMALL, "--weights", "short.pt", "-o", "net.py"], "end where the network goes on with classifier.2.b"),
    (["DARTS", *SMALL, "--weights", "long.pt", "-o", "net.py"], "more.weight 2 is one too many"),
    (["DARTS", *SMALL, "--weights", "numbers.pt", "-o", "net.py"], "it holds 'epoch' instead of tensors by name"),
    (["DARTS", *SMALL, "--weights", "empty.pt", "-o", "net.py"], "it holds nothing instead of tensors by name"),
    (["DARTS", *SMALL, "--weights", "list.pt", "-o", "net.py"], "it holds a list instead of tensors by name"),
    (["DARTS", *SMALL, "--weights", "module.pt", "-o", "net.py"], "it is broken, or holds more than tensors"),
    (["DARTS", *SMALL, "--weights", "garbage.pt", "-o", "net.py"], "it is broken, or holds more than tensors"),
    (["DARTS", *SMALL, "--weights", "cut.pt", "-o", "net.py"], "it is broken, or holds more than tensors"),
    (["DARTS", *SMALL, "--weights", "garbage.safetensors", "-o", "net.py"], "truncated or no safetensors file"),
    (["DARTS", *SMALL, "--weights", "foreign.safetensors", "-o", "net.py"], "which DARTS' code has not, and a .safete"),
    (["DARTS", *SMALL, "--weights", "whole.pt", "-o", "net.py"], "stem.1.weight is no dense tensor of floating-poi"),
    (["DARTS", *SMALL, "--weights", "sparse.pt", "-o", "net.py"], "stem.0.weight is no dense tensor of floating-poi"),
    ([FAIR, *SMALL, "--weights", "moved.pt", "-o", "net.py"], "belongs to edge 7 → 2 where the network has"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=range(len(BAD)))
def test_bad_input_is_one_clear_line_and_nothing_is_written(arguments, message, files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    before = {path: path.read_bytes() for path in files.iterdir()}
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "") and err.count("\n") == 1 and len(err) < 700
    assert message in err
    assert {path: path.read_bytes() for path in files.iterdir()} == before
