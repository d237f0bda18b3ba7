"""What every test shares: one thread per process, so that parallel tests do not fight; no network; runs elsewhere."""

import os
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NAT_LAB_RUNS"] = tempfile.mkdtemp(prefix="nat-lab-runs-")  # never the runs of whoever tests
os.environ.pop("MLFLOW_TRACKING_URI", None)

import pytest
import torch

from benchmarks.runs import mlflow_server as mlflow_server_in
from nat_core.learning.support.device import available_devices

torch.set_num_threads(1)


@pytest.fixture(params=available_devices())
def device(request) -> torch.device:
    """Every device that is here."""
    return torch.device(request.param)


@pytest.fixture(scope="session")
def new_mlflow_server():
    """Starts a team's MLflow server on loopback: `with new_mlflow_server(folder) as address`, its database in there."""
    pytest.importorskip("flask", reason="MLflow's server needs it; see requirements-dev.txt")
    return mlflow_server_in


@pytest.fixture(scope="module")
def mlflow_server(new_mlflow_server, tmp_path_factory):
    """The address of one that a file's tests share."""
    with new_mlflow_server(tmp_path_factory.mktemp("server")) as address:
        yield address
