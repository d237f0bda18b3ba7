"""Data-parallel training from images on several nodes: the run's process is rank 0, the others are Ray tasks.

They form a process group as torchrun's processes on one node do, so steps, random draws and results are the same. The
run's own process still records, saves and receives signals. Ray only places the other processes; Ray Train is not used,
because it would take over rank 0.
"""

import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager

import torch

from nat_core.runs.cluster.connection import connected

_TURN_SECONDS = 0.5


@contextmanager
def companions(count: int, device: str, threads: int, should_stop: Callable[[], bool]) -> Iterator[bool]:
    """Make this process rank 0 of a group with `count` others, spread over as many nodes as possible.

    Args:
        count: number of other processes, 1 or more.
        device: "cuda" gives each its own GPU.
        threads: processor threads of each.
        should_stop: called while the cluster lacks resources.

    Yields:
        Whether the group is complete; False if the run was asked to stop before.
    """
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    from nat_core.learning.support import parallel

    gpus = 1 if device.startswith("cuda") else 0
    with connected():
        room = placement_group([{"CPU": threads, **({"GPU": 1} if gpus else {})}] * count, strategy="SPREAD")
        try:
            while not ray.wait([room.ready()], timeout=_TURN_SECONDS)[0]:
                if should_stop():
                    yield False
                    return
            group = {**_rendezvous(), "WORLD_SIZE": str(count + 1), "NAT_DEVICE": device}
            place = PlacementGroupSchedulingStrategy(room)
            task = ray.remote(_help).options(num_cpus=threads, num_gpus=gpus, max_retries=0, scheduling_strategy=place)
            tasks = [task.remote({**group, "RANK": str(number + 1)}, threads) for number in range(count)]
            with _environment({**group, "RANK": "0"}):
                parallel.join()
                try:
                    yield True
                    ray.get(tasks)
                finally:
                    parallel.leave()
        finally:
            remove_placement_group(room)


def _help(group: Mapping[str, str], threads: int) -> None:
    """Take part in rank 0's training, inside a task, until it is done or stopped."""
    from nat_core.learning.image_training.loop import train_on_images
    from nat_core.learning.support import parallel
    from nat_core.learning.support.hooks import Hooks

    torch.set_num_threads(threads)
    with _environment(group):
        device = parallel.join()
        try:
            train_on_images(None, device=device or "cpu", hooks=Hooks())
        finally:
            parallel.leave()


def _rendezvous() -> dict[str, str]:
    """Return a free port and this node's address, as torch's environment variables."""
    import ray

    address = ray.util.get_node_ip_address()
    with closing(socket.create_server((address, 0))) as server:
        return {"MASTER_ADDR": address, "MASTER_PORT": str(server.getsockname()[1])}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, from which torch reads its process group, and restore them afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
