"""A process that stays itself: a number alone may meanwhile belong to another one, so its birth is compared too."""

import os
import socket
from dataclasses import dataclass
from functools import cache

import psutil

_BIRTH_TOLERANCE_SECONDS = 1.5  # the machine's start is known to the second


@dataclass(frozen=True)
class Process:
    """Identity of a process.

    Attributes:
        host: name of the machine.
        pid: its number there.
        created: when it started, in seconds since the machine did: setting the clock changes nothing about it.
    """

    host: str
    pid: int
    created: float

    @property
    def is_here(self) -> bool:
        return self.host == this_host()

    @property
    def alive(self) -> bool | None:
        """Whether it runs; None for a process on another host, which cannot be seen."""
        return self._find() is not None if self.is_here else None

    def signal(self, number: int) -> bool:
        """Sends a signal, never to another process that got the same number; False if it is gone or elsewhere."""
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
    """The process with this number on this host; by default this one. Raises psutil.NoSuchProcess."""
    found = psutil.Process(os.getpid() if pid is None else pid)
    return Process(this_host(), found.pid, _birth(found))


def _birth(found: psutil.Process) -> float:
    """Both times follow the clock, and their difference does not."""
    return found.create_time() - psutil.boot_time()


@cache
def this_host() -> str:
    """This machine's name."""
    return socket.gethostname()
