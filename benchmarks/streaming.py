"""Memory and throughput of streamed images: `python -m benchmarks.streaming [--images N] [--folder FOLDER] [--write]`.

Makes a folder of JPEGs of 300 to 600 pixels in ImageNet's layout (20,000 of 100 classes), trains a small network on it
by ImageNet's recipe for an epoch, and reports the peak memory of the command and its processes (shared pages counted
once) and the loader's images per second relative to the decoder alone in as many processes. The two are measured
alternately, several times, since other load on the machine slows both.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import psutil
import torch

from benchmarks.documents import SPEED, add_write_option, write_figures
from benchmarks.rows import Row, machine, markdown, report, today
from nat_core.learning.images.decoding import Views, decode_view
from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.images.streaming import StreamedPart, workers
from tests.support.image_folder import make_image_folder

_MEMORY_MIB = 1536.0
_LEAST_SHARE = 0.9
_ROUNDS = 5
_RESOLUTION, _BATCH = 224, 128
# C and L of the small network
_NETWORK = ("--channels", "4", "--layers", "3")


def rows(folder: Path, measured_images: int, train: bool = True) -> Iterator[Row]:
    """Yield the figures of a folder of images."""
    shares, own, loaded = [], [], []
    data = load_images(str(folder), resolution=_RESOLUTION, way="streamed", share=7 / 8)
    part = data.training[:measured_images]
    _loaded_per_second(part, 0)  # starts the processes
    with get_context("forkserver").Pool(workers(), _prepare, (str(folder),)) as pool:
        pool.map(_decode_some, [[0, 1]] * workers(), chunksize=1)
        for number in range(_ROUNDS):
            own.append(_own_per_second(pool, part, number))
            loaded.append(_loaded_per_second(part, number))
            shares.append(own[-1] / loaded[-1])
    yield Row(f"the decoder alone, {workers()} processes", statistics.median(own), "images/s")
    yield Row("the loader, as many", statistics.median(loaded), "images/s")
    yield Row("the decoder's rate ÷ the loader's", statistics.median(shares), "", 1 / _LEAST_SHARE)
    if train:
        peak, seconds = _peak_of_training(folder)
        yield Row("most memory of an epoch of `evaluate --preset imagenet`", peak, "MiB", _MEMORY_MIB)
        yield Row("duration of that epoch and the verdict", seconds, "s")


_data: ImageData | None = None


def _prepare(folder: str) -> None:
    """Open the folder in a decoding process."""
    global _data
    torch.set_num_threads(1)
    _data = load_images(folder, resolution=_RESOLUTION, way="streamed", share=7 / 8)


def _decode_some(indices: list[int], epoch: int = 0) -> int:
    encoded = _data.training.pool.decoder.splits[0]
    for index in indices:
        decode_view(encoded.fetch(index), _RESOLUTION, "it", Views(0, epoch, jitter=True), index)
    return len(indices)


def _own_per_second(pool: object, part: StreamedPart, epoch: int) -> float:
    pieces = [piece.tolist() for piece in torch.from_numpy(part.indices).split(_BATCH)]
    began = time.perf_counter()
    done = sum(pool.starmap(_decode_some, [(piece, epoch) for piece in pieces], chunksize=1))
    return done / (time.perf_counter() - began)


def _loaded_per_second(part: StreamedPart, epoch: int) -> float:
    began = time.perf_counter()
    batches = part.sequence(torch.arange(len(part)).split(_BATCH), Views(0, epoch, jitter=True))
    done = sum(len(batch) for batch in batches)
    return done / (time.perf_counter() - began)


def _peak_of_training(folder: Path) -> tuple[float, float]:
    """Return the peak memory in MiB and the seconds of one epoch and its evaluation by the command line."""
    command = [sys.executable, "-m", "nat_core", "evaluate", "DARTS", "--preset", "imagenet", "--epochs", "1"]
    command += ["--data", str(folder), *_NETWORK, "--no-record"]
    began = time.perf_counter()
    with subprocess.Popen(command) as process:
        peak = [0.0]
        watch = threading.Thread(target=_watch, args=(psutil.Process(process.pid), peak), daemon=True)
        watch.start()
        status = process.wait()
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return peak[0], time.perf_counter() - began


def _watch(process: psutil.Process, peak: list[float]) -> None:
    """Track the peak memory of a process and its children; proportional set size counts shared pages once."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        held = 0
        with suppress(psutil.Error):
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.Error):
                    held += each.memory_full_info().pss
        peak[0] = max(peak[0], held / 2**20)
        time.sleep(0.5)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="folder of the images; made if it does not exist")
    add_write_option(parser, SPEED)
    options = parser.parse_args()
    conditions = f"{options.images:,} images of {options.classes} classes; {machine()}"
    print(f"{today()}, {conditions}", flush=True)
    found: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary) / "images"
        if not (folder / "train").exists():
            make_image_folder(folder, options.images, options.classes)
        status = report(_kept(rows(folder, min(4000, options.images)), found))
    if options.write:
        write_figures(SPEED, "benchmarks.streaming", f"{conditions}.\n\n{markdown(found)}")
    return status


def _kept(rows: Iterator[Row], found: list[Row]) -> Iterator[Row]:
    """Yield the rows and append them to `found`."""
    for row in rows:
        found.append(row)
        yield row


if __name__ == "__main__":
    sys.exit(main())
