"""Two processes on CPUs: they end alike, and as one does with the same batch."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from nat_core.learning.support import parallel
from nat_core.learning.support.files import load_tensors
from nat_core.learning.support.parallel import SynchronisedBatchNorm, replace_batch_norms, synchronised
from nat_core.paths import PROJECT
from tests.learning.image_training.cases import SCHEDULES
from tests.learning.support.parallel_case import cases, trained


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes left behind."""
    folder = tmp_path_factory.mktemp("parallel")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = str(listening.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "NAT_DEVICE": "cpu"}
    command = [sys.executable, "-m", "tests.learning.support.parallel_case", str(folder)]
    started = [
        subprocess.Popen(command, cwd=PROJECT, env={**shared, "RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]
    errors = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], "\n".join(errors)
    return folder


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_both_end_with_the_same_bits_and_as_one_process_does(folder, schedule):
    first, second = (load_tensors(folder / f"{schedule}{rank}")[0] for rank in range(2))
    alone = trained(schedule)
    assert first.keys() == second.keys() == alone.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert [name for name in alone if not torch.allclose(first[name], alone[name], rtol=0, atol=1e-4)] == []


def test_batch_norm_is_by_the_statistics_of_both(folder):
    images, weights = cases()
    x = images.clone().requires_grad_()
    y = F.batch_norm(x, None, None, training=True)
    (y * weights).sum().backward()
    halves = [load_tensors(folder / f"norm{rank}")[0] for rank in range(2)]
    assert torch.allclose(torch.cat([half["norm"] for half in halves]), y, atol=1e-5)
    assert torch.allclose(torch.cat([half["norm_gradient"] for half in halves]), x.grad, atol=1e-4)


def test_alone_nothing_is_shared(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert (parallel.processes(), parallel.rank(), parallel.expected()) == (1, 0, 1)
    assert parallel.is_leader() and parallel.own_share(5) == slice(0, 5)
    assert parallel.agreed(True) and not parallel.agreed(False)
    assert parallel.from_leader("x") == "x" and parallel.average({"loss": 2.0}) == {"loss": 2.0}
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.ones(2)
    parallel.average_gradients([weight])
    assert weight.grad.tolist() == [1, 1]


def test_replaced_batch_norms_compute_the_same():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4, affine=False, track_running_stats=False)
    )
    images, names = cases()[0], list(network.state_dict())
    before = network(images)
    replace_batch_norms(network)
    assert isinstance(network[1], SynchronisedBatchNorm) and list(network.state_dict()) == names
    assert torch.equal(network(images), before)
    with synchronised(network):
        assert network[1].active
    assert not network[1].active
