"""Processes: identifying them, stopping them by signals, and measuring what this one uses."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psutil

_BIRTH_TOLERANCE_SECONDS = 1.5  # the machine's start time has a resolution of a second


@dataclass(frozen=True)
class Process:
    """A process, identified by its number and its start, because the number may be reused later.

    Attributes:
        host: name of the machine.
        pid: the process number.
        created: start of the process in seconds since the machine's start, so that setting the clock does not change
            it.
    """

    host: str
    pid: int
    created: float

    @property
    def is_here(self) -> bool:
        return self.host == this_host()

    @property
    def alive(self) -> bool | None:
        """Whether the process exists; None for a process on another host, where that is unknown."""
        return self._find() is not None if self.is_here else None

    def signal(self, number: int) -> bool:
        """Send a signal, never to another process with the same number; return False if it is gone or on another
        host.
        """
        found = self._find() if self.is_here else None
        if found is None:
            return False
        try:
            found.send_signal(number)
        except psutil.NoSuchProcess:
            return False
        return True

    def _find(self) -> psutil.Process | None:
        try:
            found = psutil.Process(self.pid)
            if found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                return None
            return found if abs(_birth(found) - self.created) <= _BIRTH_TOLERANCE_SECONDS else None
        except (psutil.Error, ValueError):
            return None


def process(pid: int | None = None) -> Process:
    """Return the process with this number on this host; by default this process. Raises psutil.NoSuchProcess."""
    found = psutil.Process(os.getpid() if pid is None else pid)
    return Process(this_host(), found.pid, _birth(found))


def _birth(found: psutil.Process) -> float:
    """Return a process's start relative to the machine's: the difference does not depend on the clock."""
    return found.create_time() - psutil.boot_time()


@cache
def this_host() -> str:
    """This machine's name."""
    return socket.gethostname()


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Yield a function that is true once SIGINT or SIGTERM has arrived; a second signal ends the process at once.

    Call it in the main thread, since only that receives signals.
    """
    stopped = threading.Event()

    def stop(number: int, _frame: Any) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True)
class Usage:
    """What a process uses at one moment.

    Attributes:
        cpu_percent: percentage of one core since the last measurement.
        memory_bytes: resident memory.
        gpu_memory_bytes: memory that torch has allocated on its GPU; None without a GPU.
        gpu_percent: load of the GPU by all processes; None if unknown.
    """

    cpu_percent: float
    memory_bytes: int
    gpu_memory_bytes: int | None = None
    gpu_percent: float | None = None


class Meter:
    """Measures this process.

    Args:
        device: torch's name of the device in use.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._process = psutil.Process()
        self._process.cpu_percent()

    def __call__(self) -> Usage:
        """Return the usage since the last call, or since the beginning."""
        cpu, memory = self._process.cpu_percent(), self._process.memory_info().rss
        return Usage(round(cpu, 1), memory, _gpu_memory_bytes(self._device), _gpu_percent(self._device))


def _gpu_memory_bytes(device: str) -> int | None:
    cuda = _cuda(device)
    return None if cuda is None else int(cuda.memory_reserved(device))


def _gpu_percent(device: str) -> float | None:
    """Ask the driver's tool by the GPU's id, because torch numbers only the GPUs that it may see."""
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
    """Return torch.cuda if `device` is a CUDA device and torch is already imported; this does not import torch."""
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    return cuda if device.startswith("cuda") and cuda is not None and cuda.is_initialized() else None
