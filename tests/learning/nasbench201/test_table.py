"""The NAS-Bench-201 table against the raw file and hand-picked cells."""

import numpy as np
import pandas as pd
import pytest

from nat_core.architecture.library import find
from nat_core.architecture.notation import parse, write
from nat_core.architecture.operations import INDEX
from nat_core.learning.nasbench201 import table


@pytest.fixture(scope="module")
def raw() -> pd.DataFrame:
    return pd.read_parquet(table._ASSET)


@pytest.mark.parametrize("data_set", table.DATA_SETS)
def test_every_row_of_the_file_is_found_by_its_cell(raw, data_set):
    rows = raw.sample(300, random_state=len(data_set))
    source = table.TabularAccuracy(data_set)
    expected = rows[f"{data_set}_accuracy_percent"].to_numpy(np.float64)
    assert np.array_equal(source.accuracy_percent([parse(cell) for cell in rows["cell"]]), expected)


@pytest.mark.parametrize("device", table.DEVICES)
def test_latencies_equal_the_file(raw, device):
    codes = table.codes([parse(cell) for cell in raw["cell"][:100]])
    assert np.array_equal(table.latencies_ms(device)[codes], raw[f"latency_ms_{device}"][:100].to_numpy(np.float64))


def test_indices_and_cells_belong_together(raw):
    for row in raw.sample(50, random_state=0).itertuples():
        assert write(table.architecture_of_index(row.index), "nasbench201") == row.cell


def test_codes_count_operations_in_base_five():
    # operations in order: conv_1x1, conv_3x3, avg_pool_3x3, skip_connect, null
    assert table.codes([parse("|nor_conv_1x1~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+" + _last("nor_conv_1x1"))]) == [0]
    assert table.codes([parse("|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+" + _last("nor_conv_1x1"))]) == [5**5]
    assert table.codes([parse("|none~0|+|none~0|none~1|+" + _last("none"))]) == [5**6 - 1]


def _last(operation: str) -> str:
    return "|" + "|".join(f"{operation}~{source}" for source in range(3)) + "|"


def test_all_codes_round_trip():
    cells = [table.architecture_of_code(code) for code in range(table.SIZE)]
    assert np.array_equal(table.codes(cells), np.arange(table.SIZE))
    operations = np.array([[INDEX[name] for name in cell.operations] for cell in cells])
    assert np.array_equal(table.codes_of_operations(operations), np.arange(table.SIZE))


def test_the_order_of_edges_does_not_matter():
    cell = table.architecture_of_code(1234)
    shuffled = parse(write(cell, "nasbench201"))
    edges = tuple(reversed(cell.normal.edges))
    shuffled = type(cell)(type(cell.normal)(1, 4, edges, (3,), "sum"))
    assert table.codes([shuffled]) == [1234]


def test_a_foreign_architecture_is_named():
    darts = find("DARTS").architecture
    with pytest.raises(ValueError, match="architecture 1 is not in the table: NAS-Bench-201 needs a single cell"):
        table.TabularAccuracy().accuracy_percent([table.architecture_of_code(0), darts])
    assert "single cell" in table.TabularAccuracy().mismatch(darts)
    assert table.TabularAccuracy().mismatch(table.architecture_of_code(7)) is None


def test_a_foreign_operation_is_named():
    cell = table.architecture_of_code(0)
    foreign = cell.with_operations(["sep_conv_3x3", *cell.operations[1:]])
    with pytest.raises(ValueError, match="NAS-Bench-201 has no sep_conv_3x3; its operations: conv_1x1"):
        table.codes([foreign])
    with pytest.raises(ValueError, match="has no sep_conv_3x3"):
        table.codes_of_operations(np.array([[INDEX["sep_conv_3x3"]] + [INDEX["null"]] * 5]))


def test_unknown_names_list_the_choices():
    with pytest.raises(ValueError, match=r"unknown NAS-Bench-201 data set 'mnist'; accepted: cifar10_valid"):
        table.TabularAccuracy("mnist")
    with pytest.raises(ValueError, match=r"unknown device 'abacus'; accepted: 1080ti_1"):
        table.latencies_ms("abacus")
    with pytest.raises(ValueError, match="code 15625 is not between 0 and 15624"):
        table.architecture_of_code(15625)
    with pytest.raises(ValueError, match="index -1 is not between 0 and 15624"):
        table.architecture_of_index(-1)


def test_columns_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        table.accuracies_percent()[0] = 100


def test_cells_are_spelt_as_the_benchmark_does():
    for code in (0, 777, table.SIZE - 1):
        assert parse(table.cell_texts()[code]) == table.architecture_of_code(code)
