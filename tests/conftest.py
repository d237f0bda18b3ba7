"""What every test shares: one thread per process, so that parallel tests do not fight; no network; runs elsewhere."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["NAT_LAB_RUNS"] = tempfile.mkdtemp(prefix="nat-lab-runs-")  # never the runs of whoever tests
os.environ.pop("MLFLOW_TRACKING_URI", None)

import pytest
import torch

from nat_core.learning.device import available_devices

torch.set_num_threads(1)


@pytest.fixture(params=available_devices())
def device(request) -> torch.device:
    """Every device that is here."""
    return torch.device(request.param)


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    """The address of a team's MLflow server: a real one on loopback, with a database and artifacts of its own."""
    pytest.importorskip("flask", reason="MLflow's server needs it; see requirements-dev.txt")
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/health", server, folder / "log")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _wait_for(url: str, server: subprocess.Popen, log) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the server does not answer:\n{log.read_text()[-2000:]}")
