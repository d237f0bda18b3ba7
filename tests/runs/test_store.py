"""Addresses of records mean the same in every process: in the child's, whose current folder is another one, too."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nat_core.paths import PROJECT
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.launcher import launch
from nat_core.runs.request import Request
from nat_core.runs.run import RunRecord, State, run_of
from nat_core.runs.store import address_of
from nat_core.runs.tracking import open_tracking


@pytest.mark.parametrize(
    ("given", "uri", "file"),
    [
        ("sqlite:///runs/mlflow.db", "sqlite:///{here}/runs/mlflow.db", "{here}/runs/mlflow.db"),
        ("sqlite:///./x.db?timeout=20", "sqlite:///{here}/x.db?timeout=20", "{here}/x.db"),
        ("sqlite:///../x y.db", "sqlite:///{above}/x y.db", "{above}/x y.db"),
        ("sqlite:////abs/x.db?timeout=20&cached_statements=5", "sqlite:////abs/x.db?timeout=20&cached_statements=5",
         "/abs/x.db"),
        ("sqlite+pysqlite:///x.db", "sqlite+pysqlite:///{here}/x.db", "{here}/x.db"),
        (" sqlite:////abs/x.db\n", "sqlite:////abs/x.db", "/abs/x.db"),
        ("http://host:5000", "http://host:5000", None),
        ("postgresql://user:secret@host/db?sslmode=require", "postgresql://user:secret@host/db?sslmode=require", None),
    ],
)  # fmt: skip
def test_an_address_is_absolute(given, uri, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = {"here": tmp_path, "above": tmp_path.parent}
    found = address_of(given)
    assert found.uri == uri.format(**here)
    assert found.database == (None if file is None else Path(file.format(**here)))
    monkeypatch.chdir("/")
    assert address_of(found.uri) == found


@pytest.mark.parametrize(
    "uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///:memory:?cache=shared", "sqlite:///file:x.db?uri=true"]
)  # fmt: skip
def test_what_another_process_cannot_open_is_one_sentence(uri, tmp_path):
    with pytest.raises(ValueError, match=r"no runs can be recorded at sqlite:.*; accepted: sqlite:///FILE, or "):
        open_tracking(uri, Folders(tmp_path))


@pytest.mark.parametrize("uri", ["sqlite:///team/mlflow.db", "sqlite:///{here}/team/mlflow.db?timeout=20"])
def test_a_launched_run_and_the_reader_find_the_record(uri, light_work, empty_database, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "team").mkdir()
    shutil.copy(empty_database, tmp_path / "team" / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(here=tmp_path))
    monkeypatch.setenv("NAT_LAB_RUNS", "here")
    tracking = open_tracking()
    run_id = launch(tracking, request_for("count", light_work.Counting(), name="far from home"))
    deadline = time.monotonic() + 60
    while tracking.get(run_id).active and time.monotonic() < deadline:
        time.sleep(0.05)
    assert tracking.get(run_id).state is State.FINISHED, "\n".join(tracking.log_lines(run_id))
    assert [run.name for run in tracking.runs()] == ["far from home"]
    assert [step for step, _ in tracking.points(run_id)["number"]] == [1, 2, 3]
    assert not list((PROJECT / "team").glob("*"))
    said = subprocess.run(
        [sys.executable, "-m", "nat_core", "runs", "--json"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )  # fmt: skip
    assert [json.loads(line)["name"] for line in said.stdout.splitlines()] == ["far from home"], said.stderr


@pytest.mark.parametrize(
    "uri",
    [
        "http://[::1", "sqlite+foo:///runs/a.db", "mssql+pyodbc://me:secret@h/x", "sqlite:///a\nb", "sqlite:////a\0.db",
        "\u202ehttp://x", "x" * 5000, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_whatever_is_no_record_is_one_short_sentence_without_passwords(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"^no runs can be recorded at ") as refused:
        open_tracking(uri, Folders(tmp_path / "runs"))
    assert "secret" not in str(refused.value) and "\n" not in str(refused.value) and len(str(refused.value)) < 400
    assert [path.name for path in tmp_path.iterdir() if path.name != "runs"] == []


@pytest.mark.parametrize(
    "tags", [{"request": "[" * 100_000}, {"usage": "[" * 100_000}, {"request": "[]"}, {"step": "x"}]
)
def test_damaged_facts_of_a_record_are_no_run(tags):
    facts = {"request": '{"kind": "train", "steps": 3}', "state": "queued", "heartbeat": "1", **tags}
    record = RunRecord("a" * 32, "name", 1.0, {f"nat.{name}": text for name, text in facts.items()}, {})
    assert run_of(record, lambda run_id, text, command: Request.recorded(text, command, lambda: None)) is None
