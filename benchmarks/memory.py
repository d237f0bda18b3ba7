"""Whether a server's memory grows with what its visitors do: `python -m benchmarks.memory [transformations]`.

One visitor transforms one NAS-Bench-201 cell after the other on the real page, without a browser; what is remembered
for the next visitor is bounded, so that the memory stays as it is after the first few hundred.
"""

import random
import sys
import time
from pathlib import Path

import psutil
from streamlit.testing.v1 import AppTest

APP = Path(__file__).parents[1] / "app.py"
CELLS = 15_625


def main(count: int) -> None:
    app = AppTest.from_file(str(APP), default_timeout=60)
    app.query_params["cell"] = "nasbench201:0"
    app.run()
    process, indices, began = psutil.Process(), random.Random(0).sample(range(CELLS), count), time.perf_counter()
    print("transformations   memory, MiB   seconds")
    for done, index in enumerate(indices, start=1):
        app.number_input(key="index").set_value(index).run()
        if app.exception:
            raise SystemExit(f"cell {index}: {app.exception[0].message}")
        if done % max(1, count // 10) == 0:
            memory = process.memory_info().rss / 2**20
            print(f"{done:15,}   {memory:11.0f}   {time.perf_counter() - began:7.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
