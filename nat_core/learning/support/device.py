"""Where policies and networks run."""

import os
import platform
from typing import Any

import psutil
import torch


def available_devices() -> tuple[str, ...]:
    """Names of the devices here, the preferred first: every CUDA device, then the CPU."""
    return (*(f"cuda:{index}" for index in range(torch.cuda.device_count())), "cpu")


def default_device() -> torch.device:
    """Return the environment's `NAT_DEVICE` if set, else CUDA if available, else the CPU.

    Raises:
        ValueError: `NAT_DEVICE` names no available device.
    """
    return torch.device(check_device(os.environ.get("NAT_DEVICE") or available_devices()[0]))


def check_device(name: str) -> str:
    """Return `name` in full: "cuda:0" for "cuda".

    Raises:
        ValueError: the device is not available.
    """
    full = "cuda:0" if name == "cuda" else name
    if full not in available_devices():
        raise ValueError(f"no device {name[:40]!r} here; accepted: {', '.join(available_devices())}")
    return full


def device_title(name: str) -> str:
    """A device for people: the graphics card's name, or "CPU"."""
    return torch.cuda.get_device_name(name) if name.startswith("cuda") else "CPU"


def total_memory_bytes(name: str) -> int:
    """Return the total memory of a device: the GPU's own, or the machine's."""
    if name.startswith("cuda"):
        return int(torch.cuda.get_device_properties(name).total_memory)
    return psutil.virtual_memory().total


def machine() -> dict[str, Any]:
    """Return the facts that a timing depends on."""
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
