"""All figures of speed as one Markdown table: `python -m benchmarks`, in about three minutes on a machine at rest."""

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.rows import Row, machine, markdown, rows_of, today

PARTS = ("costs", "transformations", "supernet", "interactions", "pages", "runs", "startup")


def main() -> int:
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    for part in PARTS:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        with ProcessPoolExecutor(1, mp_context=context) as process:
            rows += process.submit(rows_of, part).result()
    print(f"Measured {today()} on {machine()}; medians; load {os.getloadavg()[0]:.1f} at the end.\n")
    print(markdown(rows))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
