import json
import re
import sys

import pytest

from benchmarks import __main__ as every
from benchmarks import documents, quality
from benchmarks.documents import QUALITY, SPEED, write_between, write_figures
from benchmarks.rows import Row, markdown

PAGE = """# A page

<!-- begin: one -->
old
<!-- end: one -->

words
<!-- begin: two -->
<!-- end: two -->
"""


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def test_only_what_stands_between_the_markers_is_replaced(page):
    write_between(page, "one", "new\n")
    write_between(page, "two", "| a \\1 | b |")
    text = page.read_text(encoding="utf-8")
    assert text == PAGE.replace("old", "new").replace("<!-- end: two", "| a \\1 | b |\n<!-- end: two")
    write_between(page, "one", "old")
    write_between(page, "two", "")
    assert page.read_text(encoding="utf-8").replace("two -->\n\n", "two -->\n") == PAGE


@pytest.mark.parametrize(
    "text",
    ["", "<!-- begin: one -->\n", "<!-- end: one -->\n<!-- begin: one -->\n", PAGE + PAGE, "<!-- begin: ones -->\n"],
)
def test_a_page_without_the_place_is_refused_and_stays_as_it_is(page, text):
    page.write_text(text, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"page\.md lacks a place for one; accepted: one <!-- begin: one -->, then one"
    ):
        write_between(page, "one", "new")
    assert page.read_text(encoding="utf-8") == text


def test_figures_stand_under_the_command_and_its_date(page, monkeypatch):
    monkeypatch.setattr(documents, "today", lambda: "2030-01-02")
    write_figures(page, "two", "| figure |\n")
    assert "<!-- begin: two -->\n`python -m two`, 2030-01-02\n\n| figure |\n<!-- end: two -->" in page.read_text()


COMMANDS = {
    SPEED: ["benchmarks", "benchmarks.streaming"],
    QUALITY: [
        "benchmarks.quality",
        "benchmarks.published",
        "benchmarks.promise",
    ],
}


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: path.name)
def test_the_documents_have_a_place_for_each_command_with_its_date(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- begin: ([^\n]*) -->\n(.*?)<!-- end: ([^\n]*) -->", text, re.S)
    assert [begin for begin, _, _ in blocks] == [end for *_, end in blocks] == COMMANDS[path]
    for name, block, _ in blocks:
        dated = rf"`python -m {re.escape(name)}`(, \d{{4}}-\d\d-\d\d| has not measured these policies yet\.)"
        assert re.match(dated, block)
        copy = tmp_path / path.name
        copy.write_text(text, encoding="utf-8")
        write_between(copy, name, "new")
        assert copy.read_text(encoding="utf-8") == text.replace(block, "new\n")


def test_speed_is_written_as_it_is_printed(monkeypatch, capsys, tmp_path):
    copy = tmp_path / "speed.md"
    copy.write_text(SPEED.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(every, "SPEED", copy)
    monkeypatch.setattr(every, "PARTS", ("transformations",))
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    every.main()
    assert copy.read_text(encoding="utf-8") == SPEED.read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--write"])
    capsys.readouterr()
    every.main()
    printed = capsys.readouterr().out
    assert "1,000 transformations of DARTS" in printed and printed in copy.read_text(encoding="utf-8")


@pytest.mark.parametrize("option", ["--quick", "--only=cost"])
def test_quality_in_part_is_not_written(monkeypatch, capsys, option):
    monkeypatch.setattr(sys, "argv", ["benchmarks.quality", "--write", option])
    with pytest.raises(SystemExit):
        quality.main()
    assert "leave out --quick and --only" in capsys.readouterr().err


def test_the_table_of_speed_has_the_form_that_is_written():
    head = markdown([Row("a", 1.0, "s")]).splitlines()[:2]
    assert "\n".join(head) in SPEED.read_text(encoding="utf-8")


def test_quality_goes_on_where_its_file_ends(monkeypatch, capsys, tmp_path):
    measured, last = [], [("comparators", {"fixed_rule": 0.25}), ("policy", {"greedy": 0.5})]

    def parts(seed, quick):
        for title, figures in last:
            yield title, lambda title=title, figures=figures: measured.append((seed, title)) or figures

    monkeypatch.setattr(quality, "parts", parts)
    file = tmp_path / "quality.json"
    for only, seeds in ((["--only", "comp"], ["0"]), ([], ["0", "1"])):
        monkeypatch.setattr(sys, "argv", ["benchmarks.quality", "--json", str(file), *only, "--seeds", *seeds])
        quality.main()
    assert measured == [(0, "comparators"), (0, "policy"), (1, "comparators"), (1, "policy")]
    assert "| best fixed rule per edge (0 look-ups) | 0.2500 | 0.2500 |" in capsys.readouterr().out
    assert json.loads(file.read_text())["seeds"] == {"0": dict(last), "1": dict(last)}
