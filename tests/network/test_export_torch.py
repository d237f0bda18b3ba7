import ast
import json
import subprocess
import sys

import pytest
import torch

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from nat_core.architecture.operations import NAMES
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.export_torch import torch_source
from nat_core.network.networks import build_network

# Runs exported files where nothing of this project can be imported: weights and images in, logits out.
RUNNER = """
import json, runpy, sys
import torch
for folder in sys.argv[1:]:
    module = runpy.run_path(folder + "/network.py")
    network = module["build_network"]().eval()
    tensors = torch.load(folder + "/tensors.pt", weights_only=True)
    network.load_state_dict(tensors["weights"])
    with torch.no_grad():
        torch.save(network(tensors["images"]), folder + "/logits.pt")
    foreign = sorted(name for name in sys.modules if name.split(".")[0] in ("nat_core", "torch_geometric", "fvcore"))
    print(json.dumps({"parameters": sum(p.numel() for p in network.parameters()), "foreign": foreign}))
"""


def every_operation() -> Architecture:
    """Cells of all operations, from an input and from an intermediate node, with an odd pool and parallel edges."""
    edges = [Edge(name, i % 2, 2) for i, name in enumerate(NAMES)]
    edges += [Edge(name, 2, 3) for name in NAMES] + [Edge("null", 0, 4)]
    cell = Cell(2, 5, tuple(edges), (3, 2, 4))
    return Architecture(cell, cell)


def inputs_in_the_output() -> Architecture:
    """One or both inputs in either cell's output, beside intermediate nodes."""
    edges = (Edge("conv_3x3", 0, 2), Edge("sep_conv_3x3", 1, 3), Edge("skip_connect", 2, 3))
    return Architecture(Cell(2, 4, edges, (0, 3, 2)), Cell(2, 4, edges, (3, 1, 0)))


def of(name: str) -> Architecture:
    return library()[name].architecture


CIFAR = NetworkConfig("cifar", channels=4, layers=4, resolution=17, classes=5)
IMAGENET = NetworkConfig("imagenet", channels=4, layers=3, resolution=64, classes=7)
NASBENCH201 = NetworkConfig("nasbench201", channels=4, layers=6, resolution=15, classes=10)
NB_CELL = parse("|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
CASES = {
    "every operation": (every_operation(), CIFAR),
    "stem of stride 2": (of("DARTS"), NetworkConfig("cifar", 4, 4, 16, 10, stem_stride=2)),
    "fully concat": (of("DARTS"), IMAGENET),
    "loose end": (of("ENAS"), CIFAR),
    "thin convolutions": (of("NASNet-A"), CIFAR),
    "inputs in the output": (inputs_in_the_output(), CIFAR),
    "auxiliary head": (of("DARTS"), NetworkConfig("cifar", 4, 4, 32, 5, auxiliary=True)),
    "ImageNet's auxiliary head": (of("DARTS"), NetworkConfig("imagenet", 4, 4, 193, 5, auxiliary=True)),
    "NAS-Bench-201": (NB_CELL, NASBENCH201),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What one process, which runs the files of all cases, says of each, and the folder of the case."""
    folders = [tmp_path_factory.mktemp(f"exported-{number}") for number in range(len(CASES))]
    for folder, (architecture, config) in zip(folders, CASES.values(), strict=True):
        torch.manual_seed(0)
        network = build_network(architecture, config).eval()
        randomise(network)
        images = torch.randn(2, 3, config.resolution, config.resolution)
        (folder / "network.py").write_text(torch_source(architecture, config))
        torch.save({"weights": network.state_dict(), "images": images}, folder / "tensors.pt")
        with torch.no_grad():
            torch.save(network(images), folder / "expected.pt")
    command = [sys.executable, "-c", RUNNER, *map(str, folders)]
    answer = subprocess.run(command, cwd=folders[0], capture_output=True, text=True, timeout=240)
    assert answer.returncode == 0, answer.stderr
    return dict(zip(CASES, zip(folders, map(json.loads, answer.stdout.splitlines()), strict=True), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_the_file_is_the_network_with_torch_alone(case, told):
    (architecture, config), (folder, answer) = CASES[case], told[case]
    assert answer == {"parameters": cost_model(config).cost(architecture).parameters, "foreign": []}
    expected = torch.load(folder / "expected.pt")
    assert expected.std() > 0.01
    torch.testing.assert_close(torch.load(folder / "logits.pt"), expected, atol=1e-5, rtol=1e-5)


def randomise(network: torch.nn.Module) -> None:
    """Batch norms as a training would leave them, so that every one of them matters."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)


def test_the_file_says_what_it_costs_and_holds_only_what_it_needs():
    source = torch_source(of("DARTS"), NetworkConfig("cifar", 36, 20, 32, 10))
    assert "3,349,342 parameters, 528,359,040 multiply-adds" in source
    classes = {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    assert {"SepConv", "FactorisedReduction", "Cell", "Network"} <= classes
    assert not {"ResidualReduction", "ThinConv", "QuarterStem", "NormedClassifier"} & classes


def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="needs a normal and a reduction cell"):
        torch_source(NB_CELL, CIFAR)
