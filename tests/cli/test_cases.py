"""Every row of tests/cases/README.md: texts that people have, and the right answer, through every door."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from nat_core.cli import main
from nat_core.naming import resolve
from nat_core.paths import PROJECT

CASES = PROJECT / "tests" / "cases"
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in (CASES / "README.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
]
FIGURES = re.compile(r"([\d,]+) parameters, ([\d,]+) MACs")
# Refused rows, and what the sentence must name.
REFUSED = {
    "nasbench101.txt": "NAS-Bench-101",
    "darts_rnn.txt": "recurrent cell",
    "nats_size.txt": "NATS-Bench's size space",
    "truncated.txt": "6 pairs for the 4 nodes",
    "genotypes.py": "DARTS_V1, DARTS_V2, DARTS",
    "one_cell.txt": "reduction cell",
}
READ = [(name, answer) for files, _, answer in ROWS for name in re.findall(r"`([^`]+)`", files) if name not in REFUSED]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def figures(answer: str) -> tuple[int, int]:
    """Parameters and MACs that the answer states first."""
    match = FIGURES.search(answer)
    assert match, answer
    return int(match[1].replace(",", "")), int(match[2].replace(",", ""))


def costs(out: str) -> tuple[int, int]:
    row = json.loads(out)
    return row["parameters"], row["macs"]


def as_standard_input(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_every_file_is_in_the_table():
    named = {name for files, _, _ in ROWS for name in re.findall(r"`([^`]+)`", files)}
    assert named == {path.name for path in CASES.iterdir()} - {"README.md"}
    assert len(READ) + len(REFUSED) == len(named)


@pytest.mark.parametrize(("name", "answer"), READ)
def test_a_file_and_standard_input_cost_what_the_table_says(capsys, monkeypatch, name, answer):
    # Where the cell's own figures stand behind another's, the table names them by ":first".
    expected = figures(answer if name != "structure_code.py" else answer.rpartition("; ")[2])
    status, out, err = run(capsys, "cost", str(CASES / name), "--json")
    assert (status, costs(out)) == (0, expected), err
    as_standard_input(monkeypatch, (CASES / name).read_bytes())
    status, out, err = run(capsys, "cost", "-", "--json")
    assert (status, costs(out)) == (0, expected), err


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_is_refused_is_refused_in_one_sentence_by_every_door(capsys, monkeypatch, name, reason):
    for argument in (str(CASES / name), "-"):
        as_standard_input(monkeypatch, (CASES / name).read_bytes())
        status, out, err = run(capsys, "cost", argument)
        assert (status, out) == (2, "")
        assert reason in err and err.count("\n") == 1 and "Traceback" not in err


def cell_after_pasting(text: str) -> tuple[str, AppTest]:
    """The page's cell after a text was pasted."""
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
    app.button_group(key="source").set_value("paste").run()
    app.text_area(key="pasted").set_value(text)
    next(button for button in app.button if button.label == "Use this cell").click().run()
    assert not app.exception
    return app.session_state["cell"], app


@pytest.mark.parametrize("name", [name for name, _ in READ] + ["one_cell.txt"])
def test_the_paste_box_reads_what_the_command_line_reads(capsys, name):
    cell, app = cell_after_pasting((CASES / name).read_text(encoding="utf-8"))
    assert not app.session_state["cell_error"] if "cell_error" in app.session_state else True
    _, out, _ = run(capsys, "show", str(CASES / name), "--format", "json")
    assert resolve(cell) == resolve(out)


@pytest.mark.parametrize(
    ("name", "reason"), [row for row in REFUSED.items() if row[0] not in ("one_cell.txt", "genotypes.py")]
)
def test_the_paste_box_refuses_with_the_same_sentence(name, reason):
    before, app = cell_after_pasting((CASES / name).read_text(encoding="utf-8"))
    assert before == "DARTS" and reason in app.session_state["cell_error"]


def test_choices_in_logs_and_files(capsys):
    log, file, both = (str(CASES / name) for name in ("darts_search.log", "genotypes.py", "one_and_a_dict.py"))
    assert "2 of 2" in run(capsys, "cost", log)[2]
    for choice in ("first", "1"):
        assert costs(run(capsys, "cost", f"{log}:{choice}", "--json")[1]) == (2_965_942, 472_371_840)
    assert run(capsys, "cost", f"{log}:3")[0] == 2
    for name, expected in {
        "DARTS_V2": (3_349_342, 528_359_040), "DARTS": (3_349_342, 528_359_040), "DARTS_V1": (3_169_414, 500_987_520),
        "NASNet": (3_830_950, 603_452_448), "AmoebaNet": (3_145_078, 488_931_552),
    }.items():  # fmt: skip
        assert costs(run(capsys, "cost", f"{file}:{name}", "--json")[1]) == expected
    assert costs(run(capsys, "cost", f"{both}:DARTS", "--json")[1]) == (4_288_942, 679_344_768)
    status, _, err = run(capsys, "cost", f"{both}:LATENCY")
    assert status == 2 and "'LATENCY'" in err and "GENOTYPE, DARTS" in err


def test_notes_say_what_was_passed_over(capsys):
    assert "weights in the normal cell are ignored" in run(capsys, "cost", str(CASES / "weighted_triples.txt"))[2]
    assert run(capsys, "cost", str(CASES / "timestamped.txt"))[2] == ""


def test_one_cell_is_drawn_and_compared_but_has_no_cost(capsys, tmp_path):
    path = str(CASES / "one_cell.txt")
    assert run(capsys, "show", path, "-o", str(tmp_path / "cell.SVG"))[0] == 0
    assert (tmp_path / "cell.SVG").read_text(encoding="utf-8").count("sep 5×5") == 1
    assert run(capsys, "diff", path, path)[1] == "no difference\n"
    for command in ("cost", "transform"):
        status, out, err = run(capsys, command, path)
        assert (status, out) == (2, "") and "reduction cell" in err and "missing" in err


def test_the_difference_of_outputs_is_named(capsys):
    names = [str(CASES / f"nasnet_concat_{kind}.txt") for kind in ("published", "all")]
    _, out, _ = run(capsys, "diff", *names)
    assert out == (
        "no operation changed, but the cells differ\n  reduction cell: the output is 4, 5, 6 → 2, 3, 4, 5, 6\n"
    )
    rows = json.loads(run(capsys, "diff", *names, "--json")[1])
    assert rows == [{"cell": "reduction", "what": "output", "from": "4, 5, 6", "to": "2, 3, 4, 5, 6"}]


def test_a_convolution_that_reaches_no_output_is_counted_apart(capsys):
    rows = [json.loads(run(capsys, "cost", str(CASES / f"dead_convolution_{x}.txt"), "--json")[1]) for x in "ab"]
    assert [row["macs"] for row in rows] == [78_561_920, 78_561_920]
    assert rows[1]["effective"] == {"parameters": 316_346, "macs": 43_172_480}


def test_setn_stays_within_600_million_macs_of_the_imagenet_network(capsys):
    _, out, _ = run(
        capsys, "transform", str(CASES / "setn.txt"), "--network", "imagenet", "--max-macs", "600000000", "--json"
    )
    row = json.loads(out)
    assert (row["input"]["parameters"], row["input"]["macs"]) == (6_314_656, 706_894_848)
    assert row["output"]["macs"] <= 600_000_000


def test_fairdarts_is_exported(capsys, tmp_path):
    for suffix in ("onnx", "py"):
        target = tmp_path / f"net.{suffix}"
        assert run(capsys, "export", str(CASES / "fairdarts_a.txt"), "-o", str(target), "--channels", "8")[0] == 0
        assert target.stat().st_size > 1000


def test_no_policy_is_claimed_for_an_operation_that_no_benchmark_knows(capsys):
    status, out, err = run(capsys, "transform", str(CASES / "nb201_7x7.txt"))
    assert (status, out) == (2, "") and "belongs to no space" in err


@pytest.mark.parametrize("text", ["missing/genotypes.py", "genotypes.py:DARTS", "log.txt", "./x"])
def test_a_missing_file_is_a_missing_file(capsys, monkeypatch, tmp_path, text):
    monkeypatch.chdir(tmp_path)
    status, _, err = run(capsys, "cost", text)
    assert status == 2 and err.startswith("error: there is no file")


def test_a_name_is_never_looked_for_in_the_file_system(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("DARTS").write_text("nonsense", encoding="utf-8")
    assert costs(run(capsys, "cost", "DARTS", "--json")[1]) == (3_349_342, 528_359_040)
