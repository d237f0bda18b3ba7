"""What every test shares: one thread per process, so that parallel tests do not fight, and no network."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

from nat_core.learning.device import available_devices

torch.set_num_threads(1)


@pytest.fixture(params=available_devices())
def device(request) -> torch.device:
    """Every device that is here."""
    return torch.device(request.param)
