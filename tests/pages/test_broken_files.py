"""What a page says when a file that it needs is broken: one sentence, and the page itself once the file is back."""

import shutil
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from nat_core.architecture import library
from nat_core.cli import main
from nat_core.learning.nasbench201 import table
from nat_core.paths import PROJECT
from nat_core.runs.tracking import open_tracking
from ui.train.board import board

APP = str(PROJECT / "app.py")
_REMEMBERED = (table._table, table.accuracies_percent, table.latencies_ms, table.benchmark_indices, table.cell_texts)


@pytest.fixture
def forget():
    """Makes the files be read again, also after the test."""

    def clear() -> None:
        for function in (library.library, *_REMEMBERED):
            function.cache_clear()

    yield clear
    clear()


def opened(page: str = "transform", cell: str = "DARTS") -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["cell"] = cell
    if page != "transform":
        app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception
    return app


def test_a_broken_library(tmp_path, monkeypatch, forget, capsys):
    whole = library._ASSET.read_bytes()
    copy = tmp_path / "genotypes.json"
    monkeypatch.setattr(library, "_ASSET", copy)
    for content in (whole[: len(whole) // 2], b"[{}]", b"7"):
        copy.write_bytes(content)
        forget()
        assert [item.value for item in opened().error] == [opened().error[0].value]
        assert opened().error[0].value.startswith("This page cannot be shown: ")
        assert "genotypes.json cannot be read" in opened().error[0].value
    assert main(["list"]) == 2
    assert "genotypes.json cannot be read" in capsys.readouterr().err
    copy.write_bytes(whole)
    assert not opened().error


@pytest.mark.parametrize("page", ["transform", "compare"])
def test_a_broken_table(tmp_path, monkeypatch, forget, page):
    whole = table._ASSET.read_bytes()
    copy = tmp_path / "nasbench201.parquet"
    monkeypatch.setattr(table, "_ASSET", copy)
    copy.write_bytes(whole[: len(whole) // 2])
    forget()
    (problem,) = opened(page, "nasbench201:7").error
    assert problem.value.startswith("This page cannot be shown: ")
    assert "nasbench201.parquet cannot be read" in problem.value and "restore it" in problem.value
    copy.write_bytes(whole)
    assert not opened(page, "nasbench201:7").error


def test_a_table_that_lacks_cells(tmp_path, monkeypatch, forget):
    copy = tmp_path / "nasbench201.parquet"
    pd.read_parquet(table._ASSET).iloc[:100].to_parquet(copy)
    monkeypatch.setattr(table, "_ASSET", copy)
    forget()
    with pytest.raises(OSError, match=r"has 100 rows instead of one for each of 15,625 cells; .*restore it"):
        table.accuracies_percent()


def test_a_record_that_breaks_while_the_server_has_it_open(empty_database, tmp_path, monkeypatch):
    shutil.copy(empty_database, tmp_path)
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path))
    file = open_tracking().folders.database
    assert not opened("train").error
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = file.read_bytes()
    file.write_bytes(kept[:4096] + b"\xff" * (len(kept) - 4096))
    board().changed()
    (problem,) = opened("train").error
    assert "the record of runs" in problem.value and "cannot be read" in problem.value
    file.write_bytes(kept)
    board().changed()
    assert not opened("train").error


def test_a_folder_of_runs_that_cannot_be_written_spares_the_other_pages(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path / "file" / "runs"))
    (problem,) = opened("train").error
    assert "no runs can be recorded at" in problem.value.lower()
    for page in ("transform", "compare", "learn"):
        assert not opened(page, "nasbench201:7").error
