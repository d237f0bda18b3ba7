"""A training from images on several nodes: the run's process leads, and as many others as were asked for help it.

They meet as processes do that torchrun has started on one node, so the step, the draws and the result are the same. The
run's own process stays the one that records, saves and is stopped; that is why Ray only places the others, and its own
trainer, which would want to lead itself, has no part.
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
    """Within it, this process leads `count` others, on nodes as different as possible.

    Args:
        count: how many help, 1 or more.
        device: "cuda" gives each a GPU of its own.
        threads: of the processor, for each.
        should_stop: asked while the cluster has no room.

    Yields:
        Whether they have come; False if the run was asked to stop before.
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
            group = {**_meeting_place(), "WORLD_SIZE": str(count + 1), "NAT_DEVICE": device}
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
    """Inside a task: follows the leader until the training is done or stopped."""
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


def _meeting_place() -> dict[str, str]:
    """A free port on this node, and the address by which others reach it."""
    import ray

    address = ray.util.get_node_ip_address()
    with closing(socket.create_server((address, 0))) as server:
        return {"MASTER_ADDR": address, "MASTER_PORT": str(server.getsockname()[1])}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """The process's environment with `values`, where torch looks for its group."""
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
