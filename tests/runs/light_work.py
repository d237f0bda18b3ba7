"""A kind of run without any learning, and a program that knows it: counts, slowly, and saves what it has counted."""

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

PROJECT = Path(__file__).resolve().parent.parent.parent
if str(PROJECT) not in sys.path:
    sys.path.insert(0, str(PROJECT))

from nat_core.runs import kinds  # noqa: E402
from nat_core.runs.work import Work  # noqa: E402


@dataclass(frozen=True)
class Counting:
    """How to count."""

    steps: int = 3
    seconds: float = 0.0
    deaf: bool = False
    fail_at: int = -1
    space: str = "numbers"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Counting":
        return cls(**value)


def count(config: Counting, context: Any) -> bool:
    path = context.checkpoint()
    step = int(load_file(path)["step"]) if path.exists() else 0
    while step < config.steps and (config.deaf or not context.should_stop()):
        step += 1
        context.progress(step, {"number": step * 0.5})
        if step == config.fail_at:
            raise ValueError("numbers\nran out")
        with context.saving() as target:
            save_file({"step": np.array(step)}, target.with_suffix(".new"))
            target.with_suffix(".new").replace(target)
        time.sleep(config.seconds)
    return step == config.steps


WORK = Work(config=Counting, do=count, steps=lambda config: config.steps, headline="number")


def teach() -> None:
    """Makes the kind known in this process."""
    kinds.KINDS = MappingProxyType({**kinds.KINDS, "count": kinds.Kind(lambda: WORK, "gain_points")})


if __name__ == "__main__":
    from nat_core.cli import run

    teach()
    run()
