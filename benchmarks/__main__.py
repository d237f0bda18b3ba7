"""All figures of speed as one Markdown table: `python -m benchmarks`, in about four minutes on a machine at rest."""

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from benchmarks.documents import SPEED, add_write_option, write_figures
from benchmarks.rows import Row, machine, markdown, rows_of, today

PARTS = ("costs", "transformations", "front_speed", "supernet", "interactions", "pages", "runs", "startup",
         "without_ray")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add_write_option(parser, SPEED)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    for part in PARTS:
        print(f"measuring: {part}", file=sys.stderr, flush=True)
        with ProcessPoolExecutor(1, mp_context=context) as process:
            rows += process.submit(rows_of, part).result()
    conditions = f"Measured {today()} on {machine()}; medians; load {os.getloadavg()[0]:.1f} at the end."
    text = f"{conditions}\n\n{markdown(rows)}"
    print(text)
    if options.write:
        write_figures(SPEED, "benchmarks", text)
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
