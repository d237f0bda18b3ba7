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
    """Measures this process."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent()

    def __call__(self) -> Usage:
        """Since the last call, or since the beginning."""
        cpu, memory = self._process.cpu_percent(), self._process.memory_info().rss
        return Usage(round(cpu, 1), memory, _gpu_memory_bytes(), _gpu_percent())


def _gpu_memory_bytes() -> int | None:
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return int(cuda.memory_reserved()) if cuda is not None and cuda.is_initialized() else None


def _gpu_percent() -> float | None:
    """Of the first GPU, as its driver's tool says."""
    tool = shutil.which("nvidia-smi")
    if _gpu_memory_bytes() is None or tool is None:
        return None
    command = [tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "--id=0"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout
        return float(said.strip().splitlines()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
