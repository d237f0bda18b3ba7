"""Client of Ray's job server: starts, watches and stops jobs, and reports the cluster's capacity."""

import importlib.util
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nat_core.paths import PROJECT

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

_PATIENCE_SECONDS = 3.0
# Seconds for which a status is cached; longer for a server that did not answer.
_FRESH_SECONDS, _SILENT_SECONDS = 2.0, 10.0
# The parts of the project's folder that nodes need.
_SHIPPED = ("nat_core", "pretrained")
_OVERRIDE = "RAY_API_SERVER_ADDRESS"
_ENVIRONMENT = threading.Lock()


@dataclass(frozen=True)
class Capacity:
    """A cluster's total and currently free resources."""

    nodes: int
    cpus: float
    gpus: float
    free_cpus: float
    free_gpus: float

    def __str__(self) -> str:
        nodes = f"{self.nodes} node{'' if self.nodes == 1 else 's'}"
        return f"{nodes}, {self.free_gpus:g} of {self.gpus:g} GPUs free, {self.free_cpus:g} of {self.cpus:g} CPUs free"


class JobServer:
    """The job server of a cluster.

    Args:
        address: the address as returned by `address.job_server`.

    Methods raise OSError, with one sentence, if the server does not answer or refuses.

    Raises:
        ValueError: Ray is missing here or has another version there; the message says what to install.
        OSError: no Ray server answers at the address.
    """

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ValueError(
                "Ray is not installed here, which a Ray cluster needs; pip install -r requirements-cluster.txt"
            )
        self.address = address
        with self._os_errors():
            self._client = _client(address)
            there = self._get("/api/version")["ray_version"]
        _check_version(address, there)

    def submit(self, entrypoint: str, environment: Mapping[str, str], cpus: float, gpus: float) -> str:
        """Start a job with the project as its current folder; return its submission id."""
        runtime: dict[str, Any] = {"env_vars": dict(environment)}
        if (PROJECT / "pyproject.toml").exists():  # an installed package must be on the nodes, too
            excluded = sorted(f"/{item.name}" for item in PROJECT.iterdir() if item.name not in _SHIPPED)
            runtime |= {"working_dir": str(PROJECT), "excludes": excluded}
        with self._os_errors():
            job: str = self._client.submit_job(
                entrypoint=entrypoint, runtime_env=runtime, entrypoint_num_cpus=cpus, entrypoint_num_gpus=gpus
            )
        return job

    def stop(self, job: str) -> None:
        """Send SIGTERM to a job's process, and SIGKILL if it does not end."""
        with self._os_errors():
            self._client.stop_job(job)

    def log(self, job: str) -> str:
        """Return the output of a job's process."""
        with self._os_errors():
            text: str = self._client.get_job_logs(job)
        return text

    def is_at_work(self, job: str) -> bool:
        """Return whether a job is pending or running; False for an unknown job."""
        with self._os_errors():
            found = [item for item in self._client.list_jobs() if item.submission_id == job]
        return any(not item.status.is_terminal() for item in found)

    def capacity(self) -> Capacity:
        """Return the cluster's resources."""
        with self._os_errors():
            nodes = self._get("/api/v0/nodes")["data"]["result"]["result"]
            report = self._get("/api/cluster_status")["data"]["clusterStatus"]["loadMetricsReport"]
        alive = sum(node["state"] == "ALIVE" for node in nodes)
        (cpus_used, cpus), (gpus_used, gpus) = (report["usage"].get(name, (0, 0)) for name in ("CPU", "GPU"))
        return Capacity(alive, cpus, gpus, cpus - cpus_used, gpus - gpus_used)

    def _get(self, path: str) -> Any:
        """Request other data from the server, with the client's headers, which may hold a token."""
        answer = self._client._do_request("GET", path, timeout=_PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def _os_errors(self) -> Iterator[None]:
        """Convert any error of the server into an OSError that names the server."""
        try:
            _reach(self.address)
            yield
        except Exception as error:
            detail = " ".join(str(error).split())[:300]
            raise OSError(
                f"the Ray cluster at {self.address} does not answer ({detail}); the address is that of its job server, "
                f"which `ray start --head` prints as the dashboard's"
            ) from error


@dataclass(frozen=True)
class Job:
    """A job, identified by an id that is never reused.

    Attributes:
        server: address of the job server.
        id: submission id.
    """

    server: str
    id: str

    @property
    def alive(self) -> bool | None:
        """Whether the job is pending or running; None if the server cannot be asked."""
        return _STATUSES.is_at_work(self)


class _Statuses:
    """A short-lived cache of jobs' states, since pages ask every second; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Job, tuple[bool | None, float]] = {}

    def is_at_work(self, job: Job) -> bool | None:
        known, until = self._known.get(job, (None, 0.0))
        if known is False or time.monotonic() < until:
            return known
        try:
            known = JobServer(job.server).is_at_work(job.id)
        except (OSError, ValueError):
            known = None
        with self._lock:
            silent = _SILENT_SECONDS if known is None else _FRESH_SECONDS
            self._known[job] = (known, time.monotonic() + silent)
        return known


_STATUSES = _Statuses()


def _reach(address: str) -> None:
    """Raise OSError quickly if nothing listens, since Ray's client would wait for minutes."""
    parts = urlsplit(address)
    socket.create_connection((parts.hostname or "", parts.port or 0), _PATIENCE_SECONDS).close()


@lru_cache(maxsize=16)
def _client(address: str) -> "JobSubmissionClient":
    """Return Ray's client for this address, ignoring the environment's."""
    from ray.job_submission import JobSubmissionClient

    for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):  # it would log which files it uploads and skips
        logging.getLogger(name).setLevel(logging.ERROR)
    with _ENVIRONMENT:
        before = os.environ.get(_OVERRIDE)
        os.environ[_OVERRIDE] = address
        try:
            return JobSubmissionClient(address)
        finally:
            if before is None:
                del os.environ[_OVERRIDE]
            else:
                os.environ[_OVERRIDE] = before


def _check_version(address: str, there: str) -> None:
    import ray

    if there != ray.__version__:
        raise ValueError(
            f"the Ray cluster at {address} has Ray {there}, and this machine {ray.__version__}; install the same here: "
            f"pip install 'ray[default]=={there}'"
        )
