"""Any legal cell: its cost, its exported file and its drawings, whatever hypothesis makes up."""

import runpy
import tempfile
from pathlib import Path

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nat_core.architecture.difference import difference
from nat_core.drawing.cells import draw_architecture, draw_difference
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import cost_model
from nat_core.network.export_torch import torch_source
from nat_core.network.measure import measure
from nat_core.network.networks import build_network
from tests.network.test_export_torch import randomise
from tests.support.strategies import two_cell_architectures

SMALL = NetworkConfig("cifar", channels=4, layers=3, resolution=9, classes=5)


@given(two_cell_architectures(max_edges=8), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_a_cost_is_the_built_networks_and_the_exported_file_computes_what_the_network_does(architecture, seed):
    torch.manual_seed(seed)
    network = build_network(architecture, SMALL).eval()
    assert cost_model(SMALL).cost(architecture) == measure(network, (1, 3, 9, 9))
    randomise(network)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.py"
        file.write_text(torch_source(architecture, SMALL))
        alone = runpy.run_path(str(file))["build_network"]().eval()
    alone.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        torch.testing.assert_close(alone(images), network(images), atol=1e-4, rtol=1e-4)


@given(two_cell_architectures(max_edges=8), two_cell_architectures(max_edges=8))
@settings(max_examples=15, deadline=None)
def test_any_two_can_be_drawn_and_compared(before, after):
    assert draw_architecture(before).startswith(b"<svg")
    assert draw_difference(before, after).startswith(b"<svg")
    assert difference(before, before) == ()
    assert all(change.kind != "unchanged" for change in difference(before, after))
