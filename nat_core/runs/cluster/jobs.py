"""Ray's job server: starting, watching and stopping jobs, and what a cluster has to give."""

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
# A status that was asked for so recently is still true; a server that did not answer is left alone for longer.
_FRESH_SECONDS, _SILENT_SECONDS = 2.0, 10.0
# What nodes need of the project's folder; the rest is for people.
_SHIPPED = ("nat_core", "pretrained")
_OVERRIDE = "RAY_API_SERVER_ADDRESS"
_ENVIRONMENT = threading.Lock()


@dataclass(frozen=True)
class Capacity:
    """What a cluster has, and what of it is free at the moment."""

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
        address: as `address.job_server` gives it.

    Methods raise OSError, with one sentence, where it does not answer or refuses.

    Raises:
        ValueError: Ray is missing here, or is of another version there; says what to install.
        OSError: nothing answers there, or something else than Ray.
    """

    def __init__(self, address: str) -> None:
        if importlib.util.find_spec("ray") is None:
            raise ValueError(
                "Ray is not installed here, which a Ray cluster needs; pip install -r requirements-cluster.txt"
            )
        self.address = address
        with self._speaking():
            self._client = _client(address)
            there = self._asked("/api/version")["ray_version"]
        _check_version(address, there)

    def submit(self, entrypoint: str, environment: Mapping[str, str], cpus: float, gpus: float) -> str:
        """Starts a job that has the project as its current folder; returns its submission id."""
        surroundings: dict[str, Any] = {"env_vars": dict(environment)}
        if (PROJECT / "pyproject.toml").exists():  # else it is installed here, and must be there
            rest = sorted(f"/{item.name}" for item in PROJECT.iterdir() if item.name not in _SHIPPED)
            surroundings |= {"working_dir": str(PROJECT), "excludes": rest}
        with self._speaking():
            job: str = self._client.submit_job(
                entrypoint=entrypoint, runtime_env=surroundings, entrypoint_num_cpus=cpus, entrypoint_num_gpus=gpus
            )
        return job

    def stop(self, job: str) -> None:
        """Sends SIGTERM to a job's process, and SIGKILL if it is deaf."""
        with self._speaking():
            self._client.stop_job(job)

    def log(self, job: str) -> str:
        """What a job's process wrote."""
        with self._speaking():
            text: str = self._client.get_job_logs(job)
        return text

    def is_at_work(self, job: str) -> bool:
        """Whether a job waits or works; one that the cluster does not know does not."""
        with self._speaking():
            found = [item for item in self._client.list_jobs() if item.submission_id == job]
        return any(not item.status.is_terminal() for item in found)

    def capacity(self) -> Capacity:
        """What the cluster has to give."""
        with self._speaking():
            nodes = self._asked("/api/v0/nodes")["data"]["result"]["result"]
            report = self._asked("/api/cluster_status")["data"]["clusterStatus"]["loadMetricsReport"]
        alive = sum(node["state"] == "ALIVE" for node in nodes)
        (cpus_used, cpus), (gpus_used, gpus) = (report["usage"].get(name, (0, 0)) for name in ("CPU", "GPU"))
        return Capacity(alive, cpus, gpus, cpus - cpus_used, gpus - gpus_used)

    def _asked(self, path: str) -> Any:
        """What the server says besides its jobs; with the client's own headers, which may hold a token."""
        answer = self._client._do_request("GET", path, timeout=_PATIENCE_SECONDS)
        answer.raise_for_status()
        return answer.json()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Whatever goes wrong with the server becomes an OSError that names it."""
        try:
            _reach(self.address)
            yield
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise OSError(
                f"the Ray cluster at {self.address} does not answer ({said}); the address is that of its job server, "
                f"which `ray start --head` prints as the dashboard's"
            ) from error


@dataclass(frozen=True)
class Job:
    """A job that stays itself: its id is never given again.

    Attributes:
        server: address of the job server.
        id: of its submission.
    """

    server: str
    id: str

    @property
    def alive(self) -> bool | None:
        """Whether it waits or works; None where that cannot be asked."""
        return _STATUSES.is_at_work(self)


class _Statuses:
    """Remembers for a moment what servers said, since pages ask every second; threads may share it."""

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
    """Raises OSError where nothing listens, soon: Ray's client would wait for minutes."""
    parts = urlsplit(address)
    socket.create_connection((parts.hostname or "", parts.port or 0), _PATIENCE_SECONDS).close()


@lru_cache(maxsize=16)
def _client(address: str) -> "JobSubmissionClient":
    """Ray's client, of this address whatever the environment names."""
    from ray.job_submission import JobSubmissionClient

    for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):  # what it uploads, and leaves out, is no news
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
