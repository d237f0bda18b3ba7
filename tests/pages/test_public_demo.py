"""The public demo: every control of every page, and forged messages to a real server, launch, delete and write nothing.

What guards it is asked by whatever launches or writes, so that it holds where a page is got past.
"""

import random
import time
from collections import deque
from pathlib import Path

import psutil
import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest

from benchmarks.startup import serving
from benchmarks.visitors import visiting
from nat_core.demo import is_public
from nat_core.learning.policies import archive, catalogue
from nat_core.learning.training.config import TrainingConfig
from nat_core.paths import PRETRAINED, PROJECT
from nat_core.runs import launcher
from nat_core.runs.folders import Folders
from nat_core.runs.kinds import request_for
from nat_core.runs.run import State
from nat_core.runs.tracking import open_tracking
from ui import public

PAGES = ("transform", "compare", "train", "learn")
FORGED = 240


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder of runs of a public demo; there is nothing in it."""
    monkeypatch.setenv("NAT_LAB_PUBLIC", "1")
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path / "runs"))
    return tmp_path


def open_page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    # What has controls, beside what every visitor sees first.
    app.session_state["advanced"], app.session_state["tab"] = True, "Export"
    if name != "transform":
        app.switch_page(f"pages/{name}.py")
    app.run()
    assert not app.exception
    return app


def written(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def keys(app: AppTest) -> set[str]:
    return {str(item.key) for kind in ("button", "file_uploader") for item in getattr(app, kind)}


def other_value(item):
    """Another value than the control has; None where there is none."""
    options = getattr(item, "options", None)
    if options is not None:
        others = [option for option in options if option != item.value]
        return others[-1] if others and item.type in ("selectbox", "radio") else None
    if item.type == "number_input":
        return item.max if item.value != item.max else item.min
    return {"text_input": "nasbench201:77", "text_area": "x" * 10, "checkbox": True, "toggle": True}.get(item.type)


def drive(app: AppTest, kind: str, number: int) -> None:
    item = list(getattr(app, kind))[number]
    if item.disabled:
        return
    if kind == "button":
        item.click()
    elif (value := other_value(item)) is not None:
        item.set_value(value)
    else:
        return
    app.run()
    assert not app.exception, f"{kind} {item.label}"


@pytest.mark.parametrize("page", PAGES)
def test_every_control_of_every_page_leaves_nothing_behind(folder, page):
    children = psutil.Process().children(recursive=True)
    app = open_page(page)
    assert not keys(app) & {"scratch_start", "policy_upload", "export_weights", "train_upload", "launch-0"}
    for kind in ("button", "selectbox", "radio", "number_input", "text_input", "text_area", "checkbox", "toggle"):
        for number in range(len(getattr(app, kind))):
            if number < len(getattr(app, kind)):
                app.session_state["public_asked"] = deque()
                drive(app, kind, number)
    assert written(folder) == []
    assert psutil.Process().children(recursive=True) == children


def test_pages_offer_no_more_than_the_demo_allows(folder):
    app = open_page("transform", cell="DARTS", samples="1000")
    how_many = next(item for item in app.number_input if item.label == "How many")
    assert how_many.value == how_many.max == public.PUBLIC.samples
    assert [item.label for item in app.file_uploader] == []
    assert "prepared_drawings" not in app.session_state  # what nobody may look at is not drawn
    train = open_page("train")
    assert train.info[0].value.startswith("This is a public demo")
    assert not (train.button or train.text_input or train.selectbox)


def test_a_visitor_gets_so_many_answers_a_minute(folder):
    app = open_page("transform", cell="nasbench201:7")
    app.session_state["public_asked"] = deque([time.monotonic()] * 119)
    app.run()
    assert not app.error
    app.run()
    assert "gets 120 answers a minute; go on in " in app.error[0].value and not app.selectbox
    app.session_state["public_asked"] = deque([time.monotonic() - 61] * 120)
    app.run()
    assert not app.error


def test_long_texts_are_refused(folder):
    app = open_page("transform", cell="nasbench201:7", source="paste")
    app.segmented_control(key="source").set_value("paste").run()
    app.text_area(key="pasted").set_value("x" * (public.PUBLIC.upload_megabytes * 2**20 + 1))
    next(item for item in app.button if item.label == "Use this cell").click().run()
    assert any("accepted: at most 1,048,576" in item.value for item in app.error)


def test_what_launches_deletes_or_writes_refuses_by_itself(folder, monkeypatch, empty_database):
    monkeypatch.delenv("NAT_LAB_PUBLIC")
    tracking = open_tracking(f"sqlite:///{folder / 'mlflow.db'}", Folders(folder / "r"))
    request = request_for("train", TrainingConfig(steps=2), name="a")
    run = tracking.create(request)
    tracking.transition(run.id, State.FAILED, "as a test wants it")
    content = archive.packed(PRETRAINED / "nasbench201")
    before = written(folder)
    monkeypatch.setenv("NAT_LAB_PUBLIC", "1")
    for act in (
        lambda: launcher.launch(tracking, request),
        lambda: launcher.resume(tracking, run.id),
        lambda: launcher.stop(tracking, run.id),
        lambda: launcher.delete(tracking, run.id),
        lambda: open_tracking(folders=Folders(folder / "other")),
        lambda: catalogue.add(folder / "policies", content, "given.zip"),
    ):
        with pytest.raises(ValueError, match="is switched off in this public demo"):
            act()
    assert written(folder) == before
    assert len(tracking.runs()) == 1


@pytest.mark.parametrize("text, on", [("", False), ("0", False), ("false", False), ("1", True), ("yes", True)])
def test_the_setting(monkeypatch, text, on):
    monkeypatch.setenv("NAT_LAB_PUBLIC", text)
    assert is_public() is on


def ids_of_an_open_server() -> list[str]:
    """Identifiers of the controls that a server without the setting has, those of launching among them."""
    found: set[str] = set()
    for page in ("transform", "train"):
        app = open_page(page)
        for kind in ("button", "file_uploader", "text_input", "selectbox", "number_input", "radio"):
            found |= {item.id for item in getattr(app, kind)}
    assert any("launch-" in item for item in found) and any("scratch_start" in item for item in found)
    return sorted(found)


def forged(identifier: str, draw: random.Random) -> WidgetState:
    """A state that no page of the demo would send."""
    state = WidgetState(id=identifier)
    field, value = draw.choice(
        [
            ("trigger_value", True), ("bool_value", True), ("int_value", 10**12), ("double_value", 1e300),
            ("string_value", "../../../etc/passwd"), ("string_trigger_value", "x" * 1000), ("json_value", '{"a": 1}'),
            ("bytes_value", b"\x80\x04"), ("json_trigger_value", '{"event": "launch"}'),
        ]
    )  # fmt: skip
    try:
        setattr(state, field, value)
    except (AttributeError, TypeError):  # a message of its own
        state.trigger_value = True
    return state


def test_forged_messages_to_a_real_server_launch_and_write_nothing(tmp_path_factory, monkeypatch):
    draw = random.Random(0)
    monkeypatch.setenv("NAT_LAB_RUNS", str(tmp_path_factory.mktemp("own")))  # without runs, Train opens its form
    identifiers = ids_of_an_open_server()
    runs, home = tmp_path_factory.mktemp("served"), tmp_path_factory.mktemp("home")
    queries = ("", "cell=DARTS&samples=1000", "policy=../../etc&cell=/etc/passwd", "runs=a,b", "cell=nasbench201:7")
    project = {path: path.stat().st_mtime_ns for path in PROJECT.glob("pretrained/*/*")}
    settings = {"NAT_LAB_PUBLIC": "1", "NAT_LAB_RUNS": str(runs), "HOME": str(home)}
    with serving(settings) as (port, process), visiting(port) as visitor:
        sent = 0
        for number in range(12):
            states = {
                item: forged(item, draw) for item in draw.sample(identifiers, min(FORGED // 12, len(identifiers)))
            }
            states |= {item: forged(item, draw) for item in (f"$$ID-{draw.getrandbits(64):x}-launch-0", "train_delete")}
            visitor.ask(draw.choice(queries), [*states.values()], ("", "train", "transform", "compare")[number % 4])
            sent += len(states)
            assert psutil.Process(process.pid).children(recursive=True) == []
        visitor.ask("cell=nasbench201:7", page="transform")  # it still answers
        visitor.upload(draw)
        assert visitor.succeeded and "cell=Genotype" in visitor.query
    assert sent >= 200
    assert written(runs) == []
    assert [path for path in written(home) if ".streamlit" not in path.parts] == []
    assert project == {path: path.stat().st_mtime_ns for path in PROJECT.glob("pretrained/*/*")}
