"""Independent parts of a computation on the CPU, in as many threads as torch may use.

Torch splits every operation among its threads, which gains nothing on matrices as small as a cell's. Whole parts, each
in a thread of its own, do gain; `python -m benchmarks.front_speed` measures it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_threads(
    work: Callable[[Part], Result], parts: Sequence[Part], device: torch.device | str = "cpu"
) -> list[Result]:
    """Return `work` of each part, in order, without gradients; on another device than the CPU one after the other.

    Each part is computed by a single thread, so that results do not depend on the number of threads.
    """
    work, threads = torch.inference_mode()(work), min(torch.get_num_threads(), len(parts))
    if threads < 2 or torch.device(device).type != "cpu":
        return [*map(work, parts)]
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            return [*pool.map(work, parts)]
        finally:
            torch.set_num_threads(torch.get_num_threads())  # the threads have also set what later threads begin with
