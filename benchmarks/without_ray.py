"""Overhead of an installed Ray for users without a cluster: `python -m benchmarks.without_ray`.

The same entry points are run alternately with Ray installed and with Ray hidden, and the loaded modules of Ray are
counted; the limit is zero. Cold starts are those of `benchmarks.startup`.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil

from benchmarks.rows import Row, report, seconds
from benchmarks.startup import serving, visit
from nat_core.paths import PROJECT

REPEATS = 3
_HIDDEN = "import sys\nsys.modules['ray'] = None\n"
_IMPORT = ("-c", "import nat_core.cli")
_HELP = ("-m", "nat_core", "--help")
_LOADED = (
    "import sys, ui.train.where, nat_core.cli; nat_core.cli.main(['runs']); "
    "print(sum(name.partition('.')[0] == 'ray' for name in sys.modules))"
)


def rows() -> Iterator[Row]:
    """Yield start times with and without Ray, and the number of its modules loaded."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sitecustomize.py").write_text(_HIDDEN, encoding="utf-8")
        surroundings = {"Ray hidden": {"PYTHONPATH": folder}}
        if importlib.util.find_spec("ray") is not None:
            surroundings = {"Ray installed": {}, **surroundings}
        runs = {"NAT_LAB_RUNS": f"{folder}/runs"}
        doors: Mapping[str, Callable[[Mapping[str, str]], float]] = {
            "import nat_core.cli, in a new process": lambda more: _program_seconds(_IMPORT, more),
            "python -m nat_core --help": lambda more: _program_seconds(_HELP, more),
            "start: a new process has drawn the first page": _page_seconds,
        }
        for door, took in doors.items():
            found: dict[str, list[float]] = {name: [] for name in surroundings}
            for _ in range(REPEATS):
                for name, more in surroundings.items():
                    found[name].append(took({**runs, **more}))
            for name, times in found.items():
                yield Row(f"{door}, {name}", statistics.median(times), "s")
        loaded = subprocess.check_output([sys.executable, "-c", _LOADED], cwd=PROJECT, env=_with(runs), text=True)
        yield Row("modules of Ray loaded by the Train page's parts and `runs`", int(loaded.split()[-1]), "", 0)
        with serving(runs) as (port, process):
            visit(port)
            maps = [
                item.path for item in psutil.Process(process.pid).memory_maps() if "/site-packages/ray/" in item.path
            ]
        yield Row("libraries of Ray loaded by the server of the first page", len(maps), "", 0)


def _program_seconds(arguments: tuple[str, ...], more: Mapping[str, str]) -> float:
    command = [sys.executable, *arguments]
    return seconds(lambda: subprocess.run(command, cwd=PROJECT, env=_with(more), stdout=subprocess.DEVNULL, check=True))


def _page_seconds(more: Mapping[str, str]) -> float:
    began = time.perf_counter()
    with serving(dict(more)) as (port, _):
        visit(port)
        return time.perf_counter() - began


def _with(more: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **more}


if __name__ == "__main__":
    sys.exit(report(rows()))
