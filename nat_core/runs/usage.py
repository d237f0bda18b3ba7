"""What a run's process takes from its machine, measured by itself."""

import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

import psutil


@dataclass(frozen=True)
class Usage:
    """At one moment.

    Attributes:
        cpu_percent: of one core, over the time since the last measurement.
        memory_bytes: resident.
        gpu_memory_bytes: that torch holds on its GPU; None without one.
        gpu_percent: how busy the GPU is, whoever uses it; None where that is not known.
    """

    cpu_percent: float
    memory_bytes: int
    gpu_memory_bytes: int | None = None
    gpu_percent: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Meter:
    """Measures this process.

    Args:
        device: torch's name of the one that it works on.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._process = psutil.Process()
        self._process.cpu_percent()

    def __call__(self) -> Usage:
        """Since the last call, or since the beginning."""
        cpu, memory = self._process.cpu_percent(), self._process.memory_info().rss
        return Usage(round(cpu, 1), memory, _gpu_memory_bytes(self._device), _gpu_percent(self._device))


def _gpu_memory_bytes(device: str) -> int | None:
    cuda = _cuda(device)
    return None if cuda is None else int(cuda.memory_reserved(device))


def _gpu_percent(device: str) -> float | None:
    """As its driver's tool says; it is asked by the GPU's id, since torch counts only those that it may see."""
    cuda, tool = _cuda(device), shutil.which("nvidia-smi")
    if cuda is None or tool is None:
        return None
    try:
        number = f"GPU-{cuda.get_device_properties(device).uuid}"
        command = [tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", f"--id={number}"]
        said = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout
        return float(said.strip().splitlines()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError, AttributeError):
        return None


def _cuda(device: str) -> Any:
    """torch's module of CUDA, if `device` is one of its and it is in use; this does not import it."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda if device.startswith("cuda") and cuda is not None and cuda.is_initialized() else None
