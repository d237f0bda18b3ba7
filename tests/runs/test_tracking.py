"""The record: one contract, for the default database and for one that MLFLOW_TRACKING_URI names."""

import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.processes import process
from nat_core.runs.run import State
from nat_core.runs.store import Point
from nat_core.runs.tracking import open_tracking


@pytest.fixture(scope="module", params=["default", "elsewhere"])
def tracking(request, empty_database, tmp_path_factory):
    folders = Folders(tmp_path_factory.mktemp("runs"))
    if request.param == "default":
        shutil.copy(empty_database, folders.database)
        yield open_tracking(folders=folders)
        return
    with pytest.MonkeyPatch.context() as patch:
        path = shutil.copy(empty_database, tmp_path_factory.mktemp("team") / "team.db")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
        yield open_tracking(folders=folders)
        assert not folders.database.exists()


@pytest.fixture
def ask(light_work):
    return lambda **settings: request_for("count", light_work.Counting(), **settings)


@pytest.mark.parametrize("length", [100, 9_000, 300_000])
def test_what_was_asked_may_be_long(tracking, ask, light_work, length):
    config, command = light_work.Counting(space="s" * length), f"python {'x' * length}"
    run = tracking.create(replace(request_for("count", config, command=command), space="numbers"))
    for found in (run, tracking.get(run.id), tracking.runs()[0]):
        assert dict(found.config) == config.to_dict()
        assert found.request.whole.command == command and found.request.command.startswith("python xxx")
    assert all(len(text) < 5000 for text in tracking.client.get_run(run.id).data.tags.values())


def test_a_request_in_a_tag_of_an_earlier_version_is_read(tracking, ask):
    run = tracking.create(ask(command="python old"))
    tracking.note(run.id, {"request": run.request.to_json()})
    tracking.client.log_text(run.id, "{}", "request.json")
    (found,) = [item for item in tracking.runs() if item.id == run.id]
    assert found.config["steps"] == 3 and found.request.whole.command == "python old"


def test_a_run_that_cannot_be_recorded_in_full_is_not_recorded(tracking, ask, monkeypatch):
    before = len(tracking.runs())

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(tracking.client._client, "log_text", full)
    with pytest.raises(OSError, match="no space left"):
        tracking.create(ask(name="half"))
    monkeypatch.undo()
    assert len(tracking.runs()) == before and tracking.create(ask(name="half")).name == "half"


def test_a_new_run_is_queued_and_complete(tracking, ask):
    run = tracking.create(ask(preset="slow", device="cpu", threads=2, output="/x", command="python x"), process())
    assert (run.state, run.step, run.steps, run.best, run.error) == (State.QUEUED, 0, 3, None, "")
    assert (run.request.kind, run.request.space, run.request.preset, run.request.threads) == (
        "count", "numbers", "slow", 2,
    )  # fmt: skip
    assert run.config == {"steps": 3, "seconds": 0.0, "deaf": False, "fail_at": -1, "space": "numbers"}
    assert run.process == process()
    assert run == tracking.get(run.id) == tracking.runs()[0]
    record = tracking.client.get_run(run.id)
    assert (record.info.status, record.data.params["fail_at"]) == ("SCHEDULED", "-1")
    assert [item.path for item in tracking.client.list_artifacts(run.id)] == ["request.json"]


def test_a_process_that_ends_while_its_run_is_read_is_not_lost(tracking, ask, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as working:
        run = tracking.create(ask(), process(working.pid))
        tracking.transition(run.id, State.RUNNING)
        before = tracking.get(run.id)
        assert before.state is State.RUNNING
        stale = tracking._record(run.id)
        tracking.transition(run.id, State.FINISHED)
        working.kill()
    assert before.state is State.RUNNING  # a value of one moment
    true, answers = tracking._record, iter([stale])
    monkeypatch.setattr(tracking, "_record", lambda run_id: next(answers, None) or true(run_id))
    assert tracking.get(run.id).state is State.FINISHED


def test_names_count_up_and_are_not_used_again(tracking, ask):
    first, second = tracking.create(ask(preset="names")), tracking.create(ask(preset="names"))
    assert (first.name, second.name) == ("numbers-names-1", "numbers-names-2")
    tracking.delete(second.id)
    assert tracking.create(ask(preset="names")).name == "numbers-names-3"
    assert tracking.create(ask(name="mine")).name == "mine"


def test_two_runs_never_have_one_name(tracking, ask):
    first, second = tracking.create(ask(name="only one")), tracking.create(ask())
    for run in (first, second):
        tracking.transition(run.id, State.STOPPED)
    for taken in ("only one", "  only one "):
        with pytest.raises(ValueError, match="a run is called 'only one' already; choose another name"):
            tracking.create(ask(name=taken))
        with pytest.raises(ValueError, match="a run is called 'only one' already; choose another name"):
            tracking.rename(second.id, taken)
    tracking.rename(first.id, "only one")  # its own
    for unfit in (" ", "two\nlines", "x" * 101):
        with pytest.raises(ValueError, match=r"the name (is empty|.* is not one line of at most 100 characters)"):
            tracking.rename(second.id, unfit)
    tracking.delete(first.id)
    tracking.rename(second.id, "only one")
    assert [run.name for run in tracking.runs()].count("only one") == 1


def test_runs_are_found_by_name_or_by_the_beginning_of_their_id(tracking, ask):
    run = tracking.create(ask(name="to be found"))
    assert tracking.find(run.id) == tracking.find(run.id[:10].upper()) == tracking.find("to be found") == run
    twin = tracking.create(ask())
    tracking.client.update_run(twin.id, name="to be found")  # as in MLflow's own pages
    with pytest.raises(ValueError, match=rf"'to be found' means 2 runs; accepted: .*{twin.short_id}"):
        tracking.find("to be found")
    named = tracking.create(ask(name=run.id[:4]))  # a name comes before the beginning of another's id
    assert tracking.find(run.id[:4]) == named
    for text in ("nothing", "", "'; drop table runs"):
        with pytest.raises(ValueError, match="is not a run; accepted: "):
            tracking.find(text)


def test_metrics_are_kept_by_step(tracking, ask):
    run = tracking.create(ask())
    tracking.note(run.id, {"step": 2}, [Point("gain", 2, 0.5, 10.0), Point("gain", 1, -0.25, 9.0)])
    tracking.note(run.id, {}, [Point("a/b", step, step, 10.0) for step in range(1203)])
    assert tracking.points(run.id)["gain"] == [(1, -0.25), (2, 0.5)]
    assert len(tracking.points(run.id)["a/b"]) == 1203
    assert tracking.last_steps(run.id) == {"gain": 2, "a/b": 1202}
    assert tracking.get(run.id).step == 2


def test_transitions_are_held_to_the_rules(tracking, ask):
    run = tracking.create(ask(), process())
    with pytest.raises(ValueError, match=r"is queued and cannot become finished"):
        tracking.transition(run.id, State.FINISHED)
    tracking.transition(run.id, State.RUNNING)
    tracking.transition(run.id, State.FAILED, "out of numbers")
    failed = tracking.get(run.id)
    assert (failed.state, failed.error) == (State.FAILED, "out of numbers")
    assert tracking.client.get_run(run.id).info.status == "FAILED"


def test_results_are_stored_and_go_with_the_run(tracking, ask, tmp_path):
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "card.json").write_text("{}")
    run = tracking.create(ask())
    tracking.artifact(run.id, tmp_path / "policy", "policy")
    assert [item.path for item in tracking.client.list_artifacts(run.id, "policy")] == ["policy/card.json"]


def test_the_log_ends_with_its_last_lines(tracking, ask):
    run = tracking.create(ask())
    assert tracking.log_lines(run.id) == []
    tracking.folders.log(run.id).write_bytes(b"".join(b"line %d \xff\n" % line for line in range(1000)))
    assert tracking.log_lines(run.id, 2) == ["line 998 \N{REPLACEMENT CHARACTER}", "line 999 \N{REPLACEMENT CHARACTER}"]


def test_what_is_not_a_run_is_refused(tracking):
    for action in (tracking.get, tracking.delete, tracking.settle, lambda text: tracking.transition(text, State.LOST)):
        with pytest.raises(ValueError, match="there is no run"):
            action("0" * 32)
    other = tracking.client.create_run(tracking.client.get_experiment_by_name("nat-lab").experiment_id)
    with pytest.raises(ValueError, match="is not a run of this program"):
        tracking.get(other.info.run_id)
    assert other.info.run_id not in [run.id for run in tracking.runs()]


@pytest.mark.parametrize("uri", ["sqlite:////proc/none/x.db", "gopher://x"])
def test_a_store_that_cannot_be_used_is_one_clear_sentence(tmp_path, uri):
    with pytest.raises(ValueError, match="no runs can be recorded at "):
        open_tracking(uri, Folders(tmp_path))


def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path):
    (tmp_path / "mlflow.db").write_text("hello " * 1000)
    with pytest.raises(ValueError, match=r"no runs can be recorded at .*not a database"):
        open_tracking(f"sqlite:///{tmp_path / 'mlflow.db'}", Folders(tmp_path))
