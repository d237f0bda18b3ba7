"""Tables of trained cells: own ones, and those that others publish."""

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trained_cells import Row, grouped, lanas_architecture, read_trained

DARTS, PDARTS = (library()[name].architecture for name in ("DARTS", "PDARTS"))
TEXTS = [notation.shortest(item) for item in (DARTS, PDARTS)]
# The first entry of LaNAS' trace.
TRACE = [0, 1, 2, 1, 2, 2, 1, 3, 3, 0, 2, 3, 3, 2, 1, 1, 0, 1, 0, 2, 2, 1, 0, 5, 5, 5, 5, 3]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_seeds_are_averaged_and_budgets_kept_apart(tmp_path, suffix):
    path = tmp_path / f"mine.{suffix}"
    table = pd.DataFrame(
        {
            "genotype": [TEXTS[0], TEXTS[0], TEXTS[1], TEXTS[1]],
            "accuracy": [97.0, 97.2, 96.0, 80.0],
            "budget": ["600 epochs", "600 epochs", "600 epochs", "5 epochs"],
            "seed": [0, 1, 0, 0],
        }
    )
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)
    full, short = read_trained(path)
    assert full.architectures == (DARTS, PDARTS) and full.accuracies_percent == pytest.approx([97.1, 96.0])
    assert (full.name, short.name, len(short)) == ("mine 600 epochs", "mine 5 epochs", 1)


def test_a_column_of_another_name_and_shares_are_read(tmp_path):
    path = tmp_path / "mine.parquet"
    pd.DataFrame({"genotype": TEXTS, "best_percent": [0.971, 0.963], "final": [1, 2]}).to_parquet(path)
    (found,) = read_trained(path)
    assert found.accuracies_percent == pytest.approx([97.1, 96.3])
    assert read_trained(path, "final")[0].accuracies_percent == pytest.approx([1, 2])


def test_swaps_table_has_no_header(tmp_path):
    path = tmp_path / "DARTS_archs.csv"
    path.write_text("".join(f'"{text}",{80 + n}.5\n' for n, text in enumerate(TEXTS)))
    (found,) = read_trained(path)
    assert found.architectures == (DARTS, PDARTS) and found.accuracies_percent == pytest.approx([80.5, 81.5])


def test_lanas_trace_is_seven_nodes_of_two_operations_each(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({str(TRACE): 92.18, str([3, *TRACE[1:]]): 0.0}))
    (found,) = read_trained(path)
    (cell,) = {item.normal for item in found.architectures}
    assert [edge[:2] for edge in cell.edges[:4]] == [
        ("sep_conv_3x3", 1), ("max_pool_3x3", 1), ("skip_connect", 0), ("max_pool_3x3", 1)
    ]  # fmt: skip
    assert cell.output == (4, 6, 7, 8) and SPACES["loose_end"].mismatch(found.architectures[0]) is None
    assert found.failed == 1 and found.accuracies_percent == pytest.approx([92.18])


@pytest.mark.parametrize("numbers", [TRACE[1:], [9, *TRACE[1:]], [-1, *TRACE[1:]], ["a"] * 28, [*TRACE[:-1], 8]])
def test_other_numbers_are_no_trace(numbers):
    with pytest.raises(ValueError, match=r"28 numbers|unknown to LaNAS|source"):
        lanas_architecture(numbers)


BROKEN = {
    "mine.pkl": (b"\x80\x04.", "ends with '.pkl'"),
    "mine.csv": (b"genotype,accuracy\nnonsense,97\n", "row 1: "),
    "none.csv": (b"a,b\n1,2\n", "the columns are"),
    "much.csv": (f'genotype,accuracy\n"{TEXTS[0]}",970\n'.encode(), "accuracy is 970"),
    "empty.csv": (b"", "No columns"),
    "mine.parquet": (b"nothing", "mine.parquet"),
    "trace.json": (b"[1, 2]", "no JSON object"),
    "code.json": (b"{\"__import__('os')\": 1}", "Expecting value"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_table_says_so_in_one_sentence(tmp_path, name):
    content, said = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match="accepted: ") as raised:
        read_trained(path)
    assert said in str(raised.value) and str(path) in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        read_trained(tmp_path / "none.csv")


def test_some_can_be_chosen():
    (table,) = grouped("mine", [Row(text, 90.0 + n) for n, text in enumerate(TEXTS)])
    assert table.chosen(np.array([False, True])).architectures == (PDARTS,)
    with pytest.raises(ValueError, match="0 rows"):
        grouped("mine", [])


@pytest.mark.parametrize(
    "name, content, problem",
    [
        ("long number.csv", f'genotype,accuracy\n"{TEXTS[0]}",{"9" * 400}\n', "int too large"),
        ("long number.json", json.dumps({str(TRACE): 10**400}), "int too large"),
        ("large nodes.json", json.dumps({str([*TRACE[:14], *[10**300] * 14]): 90}), "the source 1000"),
        ("truth values.json", json.dumps({str([True] * 28).lower(): 90}), "which is not 28 numbers"),
        ("nested.json", "[" * 100_000, "nested too deep"),
        ("wide.csv", "a," * 200_000, "more than 1,000 columns"),
        ("wide rows.csv", "genotype,accuracy\n" + "1," * 20_000, "a row has more fields than the first line"),
        ("ragged.csv", f'"{TEXTS[0]}",1\n"{TEXTS[0]}",2,3,4\n', "Expected 2 fields in line 2"),
        ("field.csv", f'"{"a" * 200_000}",accuracy\n1,2\n', "field larger than field limit"),
    ],
)
def test_hostile_tables_are_refused_in_a_short_line(tmp_path, name, content, problem):
    path = tmp_path / name
    path.write_text(content)
    began = time.process_time()
    with pytest.raises(ValueError, match=problem) as refused:
        read_trained(path)
    assert time.process_time() - began < 1
    assert str(refused.value).count("accepted: ") == 1
    assert "\n" not in str(refused.value) and len(str(refused.value)) < len(str(path)) + 200


@pytest.mark.parametrize("columns", [[["x"]], pa.array([{"a": 1}]), "twice"])
def test_a_column_of_lists_or_one_that_is_there_twice_is_refused(tmp_path, columns):
    names = ["genotype", "genotype" if columns == "twice" else "accuracy"]
    pq.write_table(pa.table([["x"], [1.0] if columns == "twice" else columns], names=names), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match="is there twice, or holds more than one value"):
        read_trained(tmp_path / "a.parquet")


def test_a_small_parquet_file_that_unpacks_to_gigabytes_does_not(tmp_path):
    column = pa.array(["x" * 60_000]).dictionary_encode().take(pa.array([0] * 50_000))  # 3 GB in 1 kB
    pq.write_table(pa.table({"genotype": column, "accuracy": [1.0] * 50_000}), tmp_path / "a.parquet")
    program = (
        "import sys; from pathlib import Path\n"
        "from nat_core.learning.accuracies.trained_cells import read_trained\n"
        "try: read_trained(Path(sys.argv[1]))\n"
        "except ValueError as error:\n"
        " peak, = (line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        " print(int(peak.split()[1]) >> 10, error)"
    )
    said = subprocess.run([sys.executable, "-c", program, tmp_path / "a.parquet"], capture_output=True, text=True)
    mebibytes, _, sentence = said.stdout.partition(" ")
    assert int(mebibytes) < 1000 and "row 1: " in sentence


def test_a_parquet_file_with_too_many_rows_is_refused_before_it_is_read(tmp_path):
    column = pa.array(["x"]).dictionary_encode().take(pa.array(np.zeros(200_001, dtype=np.int64)))
    pq.write_table(pa.table({"genotype": column, "accuracy": np.ones(200_001)}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"200,001 rows; accepted: 1 to 200,000$"):
        read_trained(tmp_path / "a.parquet")
