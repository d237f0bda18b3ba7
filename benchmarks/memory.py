"""Checks that a server's memory does not grow with use: `python -m benchmarks.memory [transformations]`.

One visitor after another transforms a hundred different NAS-Bench-201 cells each on the real page, without a browser.
Caches shared by visitors are bounded, and a session's memory is freed with it, so that the total stays constant after
the first few visits.
"""

import gc
import random
import sys
import time
from collections.abc import Sequence

import psutil
from streamlit.testing.v1 import AppTest

from nat_core.paths import PROJECT

APP = PROJECT / "app.py"
CELLS = 15_625
VISIT = 100


def main(count: int) -> None:
    process, indices, began = psutil.Process(), random.Random(0).sample(range(CELLS), count), time.perf_counter()
    print("transformations   memory, MiB   seconds")
    for first in range(0, count, VISIT):
        _visit(indices[first : first + VISIT])
        gc.collect()
        memory = process.memory_info().rss / 2**20
        print(f"{min(first + VISIT, count):15,}   {memory:11.1f}   {time.perf_counter() - began:7.1f}", flush=True)


def _visit(indices: Sequence[int]) -> None:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["cell"] = "nasbench201:0"
    app.run()
    for index in indices:
        app.number_input(key="index").set_value(index).run()
        if app.exception:
            raise SystemExit(f"cell {index}: {app.exception[0].message}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
