"""Runs as jobs of a Ray cluster: ``python -m nat_core work ID`` on a node, with the requested resources."""

import os
from dataclasses import replace

from nat_core.runs.cluster.address import job_server
from nat_core.runs.cluster.jobs import Capacity, JobServer
from nat_core.runs.cluster.storage import storage_for_runs
from nat_core.runs.kinds import work_of
from nat_core.runs.request import Request
from nat_core.runs.run import Run
from nat_core.runs.tracking import Tracking

GRACE_SECONDS = 30
_DEVICES = ("cuda", "cpu")
PROGRAM = "python -m nat_core"


def on_cluster(request: Request, where: str, tracking: Tracking) -> Request:
    """Return the same request for the cluster at `where`, after checking its requirements.

    The device is CUDA if the cluster has GPUs, unless `NAT_DEVICE` says otherwise.

    Raises:
        ValueError: a requirement is missing; the message says what to set or install.
        OSError: the cluster does not answer.
    """
    address = job_server(where)
    if request.workers > 1 and not work_of(request.kind).is_shared:
        raise ValueError(f"workers is {request.workers}; only a training from images is shared by several")
    if tracking.is_local:
        raise ValueError(
            f"a run on a cluster needs a record that all nodes reach, and {tracking.uri} is a file here; "
            f"set MLFLOW_TRACKING_URI to the address of an MLflow server, http://HOST:PORT"
        )
    if request.output:
        raise ValueError(
            "--output names a folder of this machine, which a cluster's nodes do not see; leave it out: the policy is "
            "stored with the run's record"
        )
    storage = storage_for_runs()
    capacity = JobServer(address).capacity()
    return replace(request, cluster=address, storage=storage.place, device=_device(capacity))


def _device(capacity: Capacity) -> str:
    """Return the kind of device only, because Ray assigns the GPU itself."""
    asked = os.environ.get("NAT_DEVICE", "")
    device = asked.partition(":")[0] or ("cuda" if capacity.gpus else "cpu")
    if device not in _DEVICES:
        raise ValueError(f"NAT_DEVICE is {asked[:40]!r}; accepted on a cluster: {', '.join(_DEVICES)}")
    return device


class RayLauncher:
    """Starts and ends the jobs of runs in Ray clusters."""

    def start(self, tracking: Tracking, run: Run) -> None:
        request = run.request
        spreads = work_of(request.kind).spreads  # its tasks have the resources instead
        environment = {"MLFLOW_TRACKING_URI": tracking.uri, "RAY_JOB_STOP_WAIT_TIME_S": str(GRACE_SECONDS)}
        job = JobServer(request.cluster).submit(
            f"{PROGRAM} work {run.id}",
            environment,
            cpus=0 if spreads else request.threads,
            gpus=0 if spreads or not request.device.startswith("cuda") else 1,
        )
        tracking.note(run.id, {"job": job})

    def why_not_stopped(self, run: Run) -> str:
        if run.job is None or run.job.alive is not None:
            return ""
        return f"the Ray cluster at {run.job.server} does not answer, and it can be stopped only there"

    def stop(self, run: Run, at_once: bool = False) -> None:
        """Ray itself kills a process that has not ended after `GRACE_SECONDS`."""
        if run.job is not None and not at_once:
            JobServer(run.job.server).stop(run.job.id)

    def is_at_work(self, run: Run) -> bool:
        return run.job is not None and run.job.alive is not False
