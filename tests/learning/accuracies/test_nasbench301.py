"""A teacher in ONNX: asked as its encoding says, with a tiny network in place of the published one."""

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.nasbench301 import (
    ENCODING,
    MODELS,
    OPERATIONS,
    NasBench301,
    random_cells,
)

PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
NUMBERS = {"#na#": 0, **{name: number for number, name in enumerate(OPERATIONS, 1)}}
PAIRS = ["0_1", "0_2", "1_2", "0_3", "1_3", "2_3", "0_4", "1_4", "2_4", "3_4"]
DARTS = library()["DARTS"].architecture


@pytest.fixture
def folder(tmp_path):
    """A network that adds up all numbers of a row and the epoch."""
    encoding = {f"{PREFIX}edge_{cell}_{i}": NUMBERS for cell in ("normal", "reduce") for i in range(14)}
    pairs = {"#na#": 0, **{name: number for number, name in enumerate(PAIRS, 1)}}
    encoding |= {f"{PREFIX}inputs_node_{cell}_{n}": pairs for cell in ("normal", "reduce") for n in (3, 4, 5)}
    (tmp_path / ENCODING).write_text(json.dumps(encoding))
    nodes = [
        helper.make_node("Cast", ["row"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["sum"], keepdims=1),
        helper.make_node("Add", ["sum", "epoch"], ["value"]),
    ]
    graph = helper.make_graph(
        nodes, "sum",
        [helper.make_tensor_value_info("row", TensorProto.INT32, [None, 34]),
         helper.make_tensor_value_info("epoch", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("axes", TensorProto.INT64, [1], [1])],
    )  # fmt: skip
    for name in MODELS:
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), tmp_path / name)
    return tmp_path


def test_a_cell_is_asked_for_as_its_encoding_says(folder):
    operations = sum(NUMBERS[name] for name in DARTS.operations)
    pairs = sum(
        PAIRS.index("_".join(map(str, sorted(edge.source for edge in cell.incoming(node))))) + 1
        for _, cell in DARTS.cells
        for node in (3, 4, 5)
    )
    expected = operations + pairs + 98
    assert NasBench301(folder).accuracy_percent([DARTS, DARTS]) == pytest.approx([expected] * 2)
    assert NasBench301(folder, MODELS[1]).accuracy_percent([DARTS]) == pytest.approx([100 * expected])


@pytest.mark.parametrize("name", ["NATv2_DARTS", "ENAS", "Random_R1"])
def test_other_cells_are_refused(folder, name):
    with pytest.raises(ValueError, match="unknown to NAS-Bench-301; accepted: four nodes"):
        NasBench301(folder).accuracy_percent([library()[name].architecture])


def test_it_teaches_random_cells_that_it_knows(folder):
    taught = NasBench301(folder).taught(50)
    assert taught.architectures == random_cells(50) and np.isfinite(taught.accuracies_percent).all()
    assert all(SPACES["fully_concat"].mismatch(item) is None for item in taught.architectures)
    assert any(len(set(item.normal.operations)) <= 2 for item in random_cells(200))


def test_a_folder_without_it_says_so(tmp_path):
    with pytest.raises(ValueError, match=r"accepted: a folder with new_model\.onnx and encoding\.json"):
        NasBench301(tmp_path)
