"""Texts as people have them: what stands around an architecture, several in one text, and what is cut off."""

import json
import random
import subprocess
import sys
import time

import pytest
import yaml

from nat_core.architecture.library import library
from nat_core.architecture.notation import Document, parse, write
from nat_core.paths import PROJECT

DARTS = library()["DARTS"].architecture
PAIRS = write(DARTS, "pairs")
ENAS = write(library()["ENAS"].architecture)
FIELDS = {"normal": DARTS.normal, "reduce": DARTS.reduction}
PLAIN = {
    key: value
    for name, cell in FIELDS.items()
    for key, value in (
        (name, [[edge.operation, edge.source] for edge in cell.edges]),
        (f"{name}_concat", list(cell.output)),
    )
}
ARC = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"
WRAPPED = PAIRS.replace("), (", "),\n  (")

AROUND = {
    "prompt": f">>> {PAIRS}",
    "assigned": f"best_arch = {PAIRS};",
    "annotated": f"X: Genotype = {PAIRS}  # the best",
    "log": f"06/28 04:21:06 PM genotype = {PAIRS}",
    "iso log": f"2023-05-04T10:11:12.123 - INFO - searched: {PAIRS}, valid_acc 88.1",
    "log with a level": f"[2023-05-04 10:11:12] [INFO] root: {PAIRS}",
    "printf": f"logging.info('genotype = %s', {PAIRS})",
    "single quotes around": json.dumps(PAIRS).replace('"', "'", 0),
    "JSON string": json.dumps({"arch": PAIRS, "acc": 0.97}),
    "JSON string with escaped quotes": json.dumps({"arch": PAIRS.replace("'", '"')}),
    "nested JSON": json.dumps({"a": {"b": [{"spec": PLAIN, "acc": [0.1, 0.2]}]}}),
    "Python dict": repr(PLAIN),
    "Python dict of tuples": repr({k: [tuple(e) if isinstance(e, list) else e for e in v] for k, v in PLAIN.items()}),
    "YAML key": f"model:\n  genotype: {PAIRS}\n  layers: 20\n",
    "YAML flow": "\n".join(f"{key}: {json.dumps(value)}" for key, value in PLAIN.items()),
    "YAML without quotes": "\n".join(f"{key}: {json.dumps(value)}".replace('"', "") for key, value in PLAIN.items()),
    "YAML folded": "genotypes:\n    " + PAIRS.replace(", normal_concat", ",\n      normal_concat") + "\n",
    "YAML blocks": yaml.safe_dump({"genotype": PLAIN, "layers": 20}, default_flow_style=False),
    "YAML tuples": yaml.dump({"genotype": {k: tuple(v) for k, v in PLAIN.items()}}),
    "Python fields": "\n".join(f"{key} = {value!r}" for key, value in PLAIN.items()),
    "Markdown": f"The cell we found:\n\n```python\n{PAIRS}\n```\n\n| a | b |\n|---|---|\n",
    "inline code": f"use `{PAIRS}` for this",
    "mail": "\n".join(f"> {line}" for line in WRAPPED.splitlines()),
    "session": ">>> print(genotype)\n" + "\n".join(f"... {line}" for line in WRAPPED.splitlines()),
    "stamps on every line": "\n".join(f"2019-12-30 20:37:53,315 {line}" for line in WRAPPED.splitlines()),
    "shell": f'python train.py --arch "{PAIRS}" --layers 20',
    "numpy 2": PAIRS.replace(", 0)", ", np.int64(0))").replace("[2, 3, 4, 5]", "[np.int64(2), np.int64(3), 4, 5]"),
    "numpy array": PAIRS.replace("[2, 3, 4, 5]", "array([2, 3, 4, 5])"),
    "range": PAIRS.replace("[2, 3, 4, 5]", "range(2, 6)"),
    "list of range": PAIRS.replace("[2, 3, 4, 5]", "list(range(2, 6))"),
    "module": PAIRS.replace("Genotype(", "genotypes.Genotype("),
    "other class": PAIRS.replace("Genotype(", "Genotype_CNN("),
    "by place": f"Genotype({', '.join(map(repr, PLAIN.values()))})",
    "list of four": json.dumps(list(PLAIN.values())),
    "comments": PAIRS.replace("), (", "),  # node\n ("),
    "typographic quotes": PAIRS.replace("('", "(‘").replace("',", "’,"),
    "Windows lines": WRAPPED.replace("\n", "\r\n"),
    "extra fields": PAIRS.replace("Genotype(", "Genotype(score=0.3, alphas=None, "),
    "weighted": PAIRS.replace("0)", "0, 0.25)").replace("1)", "1, tensor(0.21))").replace("2)", "2, 1e-3)"),
    "aw_nas": PAIRS.replace("normal", "normal_0").replace("reduce", "reduce_1"),
}  # fmt: skip


@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_is_no_obstacle(name):
    assert Document(AROUND[name]).one().architecture == DARTS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_encodings(encoding):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert Document(mark + f"Größe = {PAIRS}".encode(encoding)).one().architecture == DARTS


def test_thirty_assignments_are_reached_by_name():
    names = [f"CELL_{i}" for i in range(28)]
    cells = list(library().values())[:28]
    lines = [
        "from collections import namedtuple",
        "Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')",
    ]
    lines += [f"{name} = {write(entry.architecture, 'json' if i % 9 == 0 else 'genotype')}"
              for i, (name, entry) in enumerate(zip(names, cells, strict=True))]  # fmt: skip
    lines += ["PRIMITIVES = ['none', 'sep_conv_3x3']", "LATENCY = {'none': 0.0}", "LATEST = CELL_3", "BEST = LATEST"]
    document = Document("\n".join(lines))
    assert document.names == (*names, "LATEST", "BEST")
    for name, entry in zip(names, cells, strict=True):
        assert document.one(name).architecture == entry.architecture
    assert document.one("BEST").architecture == cells[3].architecture
    with pytest.raises(ValueError, match=r"holds 30 architectures \(CELL_0, CELL_1, .*, BEST\); choose one"):
        document.one()
    with pytest.raises(ValueError, match="no architecture is called 'PRIMITIVES'"):
        document.one("PRIMITIVES")


def test_names_of_dicts_and_of_json_choose():
    for text in (json.dumps({"a": PLAIN, "b": ENAS}), f"GENOTYPES = {{\n  'a': {PAIRS},\n  'b': {ENAS},\n}}"):
        document = Document(text)
        assert document.names == ("a", "b") and document.one("b").architecture == parse(ENAS)
    rows = json.dumps([{"name": "x", **PLAIN}, {"name": "y", **PLAIN}])
    assert Document(rows).names == ("x", "y")


def test_a_name_that_is_assigned_again_and_again_is_a_log():
    document = Document("\n".join(f"genotype = {text}" for text in (PAIRS, ENAS, PAIRS)))
    assert document.names == () and len(document) == 3
    assert document.one().notes == ("architecture 3 of 3 is read, at line 3",)
    assert document.one("2").architecture == parse(ENAS)
    assert [found.line for found in document.all()] == [1, 2, 3]


def test_what_is_commented_out_counts_only_where_nothing_else_is_there():
    assert Document(f"# OLD = {ENAS}\nNEW = {PAIRS}").one().architecture == DARTS
    assert Document(f"# OLD = {PAIRS}").one().architecture == DARTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"12-30 genotype = {ENAS}\n12-31 genotype = {PAIRS[:200]}", "architecture 2 of 2: line 2, column .*text ends"),
        (PAIRS[:-30], "the text ends before this bracket is closed"),
        (PAIRS.replace("normal_concat=[2, 3, 4, 5]", "normal_concat=[2, 3, 4]"), "8 pairs for the 3 nodes"),
        (PAIRS.replace("('skip_connect', 0), ('dil_conv_3x3', 2)], n", "], n"), "6 pairs for the 4 nodes"),
        (PAIRS.replace("reduce_concat=", "reduce_concat=concat + "), "'\\+' is found where a comma"),
        (repr(PLAIN).replace("'reduce': [", "'reduce': 3 * ["), r"'\*' is found where"),
        ("normal: [['sep_conv_3x3', 0], ['skip', 1]] * 4\nnormal_concat: [2]\nreduce: []\n", "where the next field"),
        ("|none~0|+|none~0|none~1", "group 2 is"),
        ("12-30 arch |none~0|+|none~0|none~x|", "group 2, edge 1"),
        (f"{PAIRS}\n".replace("sep_conv_3x3", "sep_conv_9x9"), "unknown operation 'sep_conv_9x9'; did you mean"),
    ],
)  # fmt: skip
def test_what_is_cut_off_or_damaged_is_never_read_in_part(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        Document(text).one()
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600


def test_source_code_that_computes_a_genotype_is_none():
    code = "genotype = Genotype(\n  normal=gene_normal, normal_concat=concat,\n  reduce=gene_reduce, reduce_concat=c\n)"
    assert Document(f"{code}\nFOUND = {PAIRS}").one().architecture == DARTS
    with pytest.raises(ValueError, match="holds no lists of edges"):
        Document(code).one()


def test_a_cell_alone_is_a_cell_alone():
    text = write(DARTS, "pairs").partition(", reduce")[0] + ")"
    assert Document(text).one().architecture.reduction is None
    found = Document("{'reduce': [('max_pool_3x3', 0), ('conv_1x1', 1)], 'reduce_concat': [2]}").one()
    assert found.notes == ("only a reduction cell is given; it is taken as a cell alone",)
    with pytest.raises(ValueError, match="the field 'normal' is missing"):
        Document("{'reduce': [('max_pool_3x3', 0), ('conv_1x1', 1)], 'reduce_concat': [2], 'normal_concat': [2]}").one()


def test_a_search_log_of_60_mib_takes_less_than_3_seconds_and_200_mib(tmp_path):
    rng, log = random.Random(0), tmp_path / "search.log"
    cells = [write(entry.architecture) for entry in library().values() if entry.architecture.reduction]
    with log.open("w", encoding="utf-8") as file:
        for _ in range(25_000):
            file.write(f"2019-12-30 20:37:53,315 genotype = {rng.choice(cells)}\n")
            file.write("2019-12-30 21:04:07,088 train 000 6.915554e+00 0.000000 0.390625 [0.1250, 0.1249]\n" * 25)
        file.write(f"2019-12-31 20:37:53,315 genotype = {PAIRS}\n")
    assert log.stat().st_size > 60 * 2**20
    code = (
        "import re, sys, time; began = time.perf_counter()\n"
        "from pathlib import Path; from nat_core.architecture.notation import Document, write\n"
        "found = Document(Path(sys.argv[1]).read_bytes()).one()\n"
        "print(found.notes[0]); print(write(found.architecture, 'pairs')); print(time.perf_counter() - began)\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]) / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(log)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    note, text, seconds, mib = done.stdout.splitlines()
    assert note == "architecture 25001 of 25001 is read, at line 650,001" and parse(text) == DARTS
    assert float(seconds) < 3 and float(mib) < 200


def test_time_is_linear_in_what_is_read():
    for piece in (
        "[",
        "(",
        "{'a': ",
        "[1, ",
        "|a~",
        "Genotype(normal=[",
        "normal: ",
        "0 1 ",
        "'",
        '"',
        "a.",
        "# ",
        "'''",
        "\n ",
        "x:",
    ):
        text = piece * (200_000 // len(piece))
        began = time.process_time()
        with pytest.raises(ValueError):
            Document(text).one()
        assert time.process_time() - began < 3, piece


def test_arcs_of_enas_are_read_one_by_one_and_other_rows_of_numbers_are_not():
    arc = ARC.split(" ")
    lines = [
        f"[{' '.join(arc[:20])}]\n[{' '.join(arc[20:])}]",
        " ".join(arc),
        ", ".join(arc),
        f"arc: [{', '.join(arc)}]",
    ]
    for text in lines:
        assert Document(text).one().notation == "enas"
    assert len(Document("\n".join([" ".join(arc)] * 3))) == 3
    assert len(Document("\n".join([lines[0], "val_acc=0.81", lines[0]]))) == 2
    for text in (" ".join(arc * 2), " ".join(arc[:-1]), " ".join([*arc, "1"]), "1 " * 400):
        assert len(Document(text)) == 0


def test_yaml_cannot_grow_beyond_its_text():
    bomb = (
        "a: &a [x, x]\n"
        + "".join(f"k{i}: &k{i} [*{'a' if not i else f'k{i - 1}'}, *a]\n" for i in range(60))
        + "normal:\n- *k59\n"
    )
    began = time.process_time()
    with pytest.raises(ValueError):
        Document(bomb).one()
    assert time.process_time() - began < 1
