"""What every test shares: one thread per process, so that parallel tests do not fight; no network; runs elsewhere."""

import os
import tempfile

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
