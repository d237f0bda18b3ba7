"""Shared set-up: one thread per process, since tests run in parallel; no network; a temporary folder of runs."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NAT_LAB_RUNS"] = tempfile.mkdtemp(prefix="nat-lab-runs-")  # never the developer's own runs
os.environ.pop("MLFLOW_TRACKING_URI", None)

import pytest
import torch
from filelock import FileLock
from streamlit.components.v2 import manifest_scanner
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from benchmarks.runs import mlflow_server as mlflow_server_in
from nat_core.learning.support.device import available_devices

torch.set_num_threads(1)
gc.set_threshold(100_000)  # modules and tests stay alive, and each collection would traverse them
# Files that mostly wait for a browser, a server or a process; the longest first.
BROWSER = "tests/browser/"
WAITING = ("tests/browser/test_train", BROWSER, "tests/runs/")
# Files of long, independent tests: any worker may run any of them.
ALONE = ("tests/browser/test_train", "tests/test_readme.py")
WORKERS_THAT_WAIT = 1  # not more, since each worker collects all tests for seconds and starts a server and a browser


def pytest_xdist_auto_num_workers() -> int:
    """Use more workers than cores, since some always wait."""
    return len(os.sched_getaffinity(0)) + WORKERS_THAT_WAIT


class Files(LoadFileScheduling):
    """Schedules whole files, because of their shared fixtures, and tests of independent files one by one.

    The browser's files go to one worker, which starts one server and one Chromium and compiles the app's scripts once.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(ALONE):
            return nodeid
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Files(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Alternate waiting and computing files, so that neither cores nor workers idle at the end."""
    files = list(dict.fromkeys(file_of(item) for item in items))
    waiting = [file for part in WAITING for file in files if file.startswith(part)]
    computing = sorted((file for file in files if not file.startswith(WAITING)), key=lambda file: file not in ALONE)
    turn = {file: place for some in (dict.fromkeys(waiting), computing) for place, file in enumerate(some)}
    items.sort(key=lambda item: turn[file_of(item)])


def pytest_collection_finish() -> None:
    """Exclude the objects that all tests need from garbage collection."""
    gc.collect()
    gc.freeze()


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once():
    """Cache the installed packages' metadata, which Streamlit's harness reads for each app: most of a page's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(params=available_devices())
def device(request) -> torch.device:
    """Return each available device."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """Return an empty MLflow database to copy: creating it takes a second, so one worker does it for all."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made = folder / "empty" / "mlflow.db"
    with FileLock(folder / "empty.lock"):
        if not made.exists():
            from mlflow.tracking import MlflowClient

            begun = tmp_path_factory.mktemp("empty") / "mlflow.db"
            MlflowClient(tracking_uri=f"sqlite:///{begun}").search_experiments()
            made.parent.mkdir(exist_ok=True)
            shutil.copy(begun, made)
    return made


@pytest.fixture(scope="session")
def new_mlflow_server(empty_database) -> Callable[[Path], AbstractContextManager[str]]:
    """Start an MLflow server on loopback with its database in a folder: `with new_mlflow_server(folder) as address`."""
    pytest.importorskip("flask", reason="MLflow's server needs it; see requirements-dev.txt")

    def start(folder: Path) -> AbstractContextManager[str]:
        if not (folder / "mlflow.db").exists():
            shutil.copy(empty_database, folder)
        return mlflow_server_in(folder)

    return start


@pytest.fixture(scope="module")
def mlflow_server(new_mlflow_server, tmp_path_factory):
    """Return the address of a server shared by a file's tests."""
    with new_mlflow_server(tmp_path_factory.mktemp("server")) as address:
        yield address
