"""What every test shares: one thread per process, so that parallel tests do not fight; no network; runs elsewhere."""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NAT_LAB_RUNS"] = tempfile.mkdtemp(prefix="nat-lab-runs-")  # never the runs of whoever tests
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
gc.set_threshold(100_000)  # all that is imported and collected stays, and would be searched for garbage again and again
# Tests that mostly wait, for a browser, a server or a process; the longest first.
WAITING = ("tests/browser/test_train", "tests/browser/", "tests/runs/")
# Long tests that share nothing with their file: any worker takes any of them.
ALONE = ("tests/browser/test_train", "tests/test_readme.py")
WORKERS_THAT_WAIT = 1  # no more: each collects all tests, which takes seconds, and starts a server and a browser


def pytest_xdist_auto_num_workers() -> int:
    """More than there are cores, since some always wait."""
    return len(os.sched_getaffinity(0)) + WORKERS_THAT_WAIT


class Files(LoadFileScheduling):
    """A worker takes a whole file, for what its tests share, or one of those that are alone."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ALONE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Files(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Takes files that wait and files that compute in turn, so that neither cores nor workers idle at the end."""
    files = list(dict.fromkeys(file_of(item) for item in items))
    waiting = [file for part in WAITING for file in files if file.startswith(part)]
    computing = sorted((file for file in files if not file.startswith(WAITING)), key=lambda file: file not in ALONE)
    turn = {file: place for some in (dict.fromkeys(waiting), computing) for place, file in enumerate(some)}
    items.sort(key=lambda item: turn[file_of(item)])


def pytest_collection_finish() -> None:
    """What all tests need is not searched for garbage any more."""
    gc.collect()
    gc.freeze()


def file_of(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once():
    """Streamlit's harness reads what is said of all installed packages before each app: most of what a page takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(params=available_devices())
def device(request) -> torch.device:
    """Every device that is here."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """MLflow's tables without a run, to copy: making them takes a second, so one worker does it for all."""
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
    """Starts a team's MLflow server on loopback: `with new_mlflow_server(folder) as address`, its database in there."""
    pytest.importorskip("flask", reason="MLflow's server needs it; see requirements-dev.txt")

    def start(folder: Path) -> AbstractContextManager[str]:
        if not (folder / "mlflow.db").exists():
            shutil.copy(empty_database, folder)
        return mlflow_server_in(folder)

    return start


@pytest.fixture(scope="module")
def mlflow_server(new_mlflow_server, tmp_path_factory):
    """The address of one that a file's tests share."""
    with new_mlflow_server(tmp_path_factory.mktemp("server")) as address:
        yield address
