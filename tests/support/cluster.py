"""A Ray cluster of two nodes on this machine: a head and a second raylet, each with one core.

Each node has its own folder of runs; both share a storage folder. Start it with `with two_nodes(folder)`.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.startup import free_port
from nat_core.runs.cluster.jobs import JobServer

_STORE_BYTES = 80 * 2**20  # bytes of each node's object store, close to Ray's minimum
_PATIENCE_SECONDS = 90
_RAY = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS", "MLFLOW_TRACKING_URI")
# Settings for tests: a quick start, and quick detection of a dead node.
LIGHT: Mapping[str, str] = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_worker_prestart": "0",
    "RAY_health_check_period_ms": "1000",  # a dead raylet is detected within seconds
    "RAY_health_check_failure_threshold": "3",
    "OMP_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Cluster:
    """Two nodes.

    Attributes:
        address: address of the job server, ``http://127.0.0.1:PORT``.
        node_address: address for drivers on this machine.
        nodes: the process that started each node, the head's first.
        folders: each node's folder of runs.
        storage: folder shared by both.
    """

    address: str
    node_address: str
    nodes: Sequence[subprocess.Popen[bytes]]
    folders: Sequence[Path]
    storage: Path

    @property
    def on(self) -> str:
        """The cluster's address for the option `--on`."""
        return self.address.replace("http://", "ray://")

    def has_a_task(self, number: int) -> bool:
        """Return whether a node is running a training of an evaluation."""
        return any(_title(item).startswith("ray::_train") for item in _family(self.nodes[number]))

    def kill_raylet(self, number: int) -> None:
        """Kill a node's raylet by its pid, and so its tasks."""
        found = [item for item in _family(self.nodes[number]) if item.name() == "raylet"]
        found[0].send_signal(signal.SIGKILL)

    def processor_seconds(self) -> float:
        """Return the processor seconds of all running processes of both nodes."""
        times = [item.cpu_times() for node in self.nodes for item in _family(node)]
        return sum(item.user + item.system + item.children_user + item.children_system for item in times)


@contextmanager
def two_nodes(folder: Path, nodes: int = 2, settings: Mapping[str, str] = LIGHT) -> Iterator[Cluster]:
    """Start a cluster with these settings of Ray, and end all of its processes; its logs are in `folder`."""
    port, dashboard = free_port(), free_port()
    storage, folders = folder / "shared", [folder / f"node-{number}" for number in range(nodes)]
    storage.mkdir()
    with tempfile.TemporaryDirectory(
        prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
    ) as own:  # the length of socket names is limited
        head = ["--head", f"--port={port}", f"--dashboard-port={dashboard}", f"--temp-dir={own}",
                "--dashboard-host=127.0.0.1", "--node-ip-address=127.0.0.1",
                f"--ray-client-server-port={free_port()}"]  # fmt: skip
        started = [_start(folders[0], head, settings)]
        try:
            address = f"http://127.0.0.1:{dashboard}"
            _wait(address, 1, started)
            for number in range(1, nodes):
                joining = [f"--address=127.0.0.1:{port}", f"--node-ip-address=127.0.0.{1 + number}"]
                started.append(_start(folders[number], joining, settings))
            _wait(address, nodes, started)
            yield Cluster(address, f"127.0.0.1:{port}", started, folders, storage)
        finally:
            for process in [item for node in started for item in _family(node)]:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue
            for node in started:
                node.wait()


def _start(runs: Path, arguments: Sequence[str], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    surroundings = {name: value for name, value in os.environ.items() if name not in _RAY}
    path = f"{Path(sys.executable).parent}:{surroundings.get('PATH', '')}"
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", *arguments, "--block", "--num-cpus=1",
        f"--object-store-memory={_STORE_BYTES}", "--dashboard-agent-listen-port=0", "--min-worker-port=0",
        "--max-worker-port=0", "--include-log-monitor=false", "--disable-usage-stats",
    ]  # fmt: skip
    return subprocess.Popen(
        command, env={**surroundings, **settings, "PATH": path, "NAT_LAB_RUNS": str(runs)}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _wait(address: str, nodes: int, started: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        assert all(node.poll() is None for node in started), "a node has ended"
        assert time.monotonic() < deadline, "the cluster did not start"
        try:
            if JobServer(address).capacity().nodes == nodes:
                return
        except (OSError, TypeError, KeyError):
            time.sleep(0.2)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _family(node: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the process that started a node, and all of its descendants."""
    try:
        first = psutil.Process(node.pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
