"""Images that are decoded when they are needed, by processes of their own, so that memory does not depend on how many.

What an image looks like depends on the seed, the epoch and its number alone (`Views`), and batches come in the order in
which they were asked for. So neither the number of processes nor an interruption changes anything.
"""

import math
import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from nat_core.learning.images.broken import Broken
from nat_core.learning.images.decoding import Pixels, Views, decode, decode_view
from nat_core.learning.images.encoded import Encoded
from nat_core.learning.images.parts import ImagePart

WORKERS_VARIABLE = "NAT_LAB_WORKERS"
_PREFETCHED = 2
_AT_ONCE = 250


@dataclass(frozen=True)
class _Task:
    """A batch to decode."""

    split: int
    indices: tuple[int, ...]
    views: Views | None


@dataclass(frozen=True)
class _Batch:
    """A decoded one.

    Attributes:
        images: decoded images, uint8 [m, side, side, 3].
        kept: m positions of the images among the requested ones; no tensor, since each would be shared memory.
        broken: name of each other image, and the reason why it cannot be read.
    """

    images: Tensor
    kept: tuple[int, ...]
    broken: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Decoder(Dataset[_Batch]):
    """Decodes batches in a worker process; `share` is the centre crop's share of the shorter side."""

    splits: tuple[Encoded, ...]
    resolution: int
    share: float

    def __getitem__(self, task: _Task) -> _Batch:
        images = _shared((len(task.indices), self.resolution, self.resolution, 3))
        pixels = images.numpy()
        kept: list[int] = []
        broken: list[tuple[str, str]] = []
        for place, index in enumerate(task.indices):
            result = self.one(task.split, index, task.views)
            if isinstance(result, str):
                broken.append((self.splits[task.split].name(index), result))
            else:
                pixels[len(kept)] = result
                kept.append(place)
        return _Batch(images[: len(kept)], tuple(kept), tuple(broken))

    def one(self, split: int, index: int, views: Views | None) -> Pixels | str:
        """An image's pixels, or why there are none."""
        encoded = self.splits[split]
        try:
            fetched, name = encoded.fetch(index), encoded.name(index)
            if views is None:
                return decode(fetched, self.resolution, name, self.share)
            return decode_view(fetched, self.resolution, name, views, index)
        except ValueError as error:
            return str(error)


def _shared(shape: tuple[int, ...]) -> Tensor:
    """uint8 in memory that another process can have without a copy, as torch's own `default_collate` makes it."""
    storage = torch.UntypedStorage._new_shared(math.prod(shape))
    return torch.empty(0, dtype=torch.uint8).set_(storage).view(shape)


class _Tasks(Sampler[_Task]):
    """The next tasks to decode; the loader reads them in the training process."""

    def __init__(self) -> None:
        self.current: Iterable[_Task] = ()

    def __iter__(self) -> Iterator[_Task]:
        return iter(self.current)


class GivenUpError(RuntimeError):
    """The rest of a stream of images cannot be had: another stream has begun."""


class Pool:
    """The processes that decode a data set's images; they start with the first task and end with the pool.

    Args:
        splits: training and test images.
        resolution: side of every image in pixels.
        share: share of the shorter side that centre crops keep.
        broken: record of unreadable images.
    """

    def __init__(self, splits: Sequence[Encoded], resolution: int, share: float, broken: Broken) -> None:
        self.decoder = _Decoder(tuple(splits), resolution, share)
        self.broken = broken
        self._tasks = _Tasks()
        self._loader: DataLoader[_Batch] | None = None
        self._turn = 0

    def stream(self, tasks: Generator[_Task, None, None]) -> Iterator[_Batch]:
        """Yield the batches in order; this ends any earlier stream. Raises ValueError if too many images are broken."""
        self._turn += 1
        turn, self._tasks.current = self._turn, tasks
        coming = self._running()
        try:
            while (batch := next(coming, None)) is not None:
                for name, sentence in batch.broken:
                    self.broken.add(name, sentence)
                yield batch
                if turn != self._turn:
                    raise GivenUpError("these images were dropped because other images were requested later")
        finally:
            tasks.close()  # what it refers to may refer to this pool

    def held(self, split: int, indices: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Decode images by threads: return them, uint8 [m, side, side, 3], and which of the indices they are, [m].

        Raises:
            ValueError: too many images cannot be read.
        """
        side = self.decoder.resolution
        images, kept = np.empty((len(indices), side, side, 3), np.uint8), np.ones(len(indices), dtype=bool)

        def decode_some(first: int) -> list[tuple[str, str]]:
            broken = []
            for place, index in enumerate(indices[first : first + _AT_ONCE].tolist(), first):
                result = self.decoder.one(split, index, None)
                if isinstance(result, str):
                    broken.append((self.decoder.splits[split].name(index), result))
                    kept[place] = False
                else:
                    images[place] = result
            return broken

        with ThreadPoolExecutor(workers()) as threads:
            for broken in threads.map(decode_some, range(0, len(indices), _AT_ONCE)):
                for name, sentence in broken:
                    self.broken.add(name, sentence)
        places = np.flatnonzero(kept)
        return torch.from_numpy(images if kept.all() else images[places]), torch.from_numpy(places)

    def _running(self) -> Iterator[_Batch]:
        if self._loader is None:
            self._loader = DataLoader(
                self.decoder, batch_size=None, sampler=self._tasks, num_workers=workers(), collate_fn=_as_it_is,
                prefetch_factor=_PREFETCHED, persistent_workers=True, worker_init_fn=_prepare_worker,
                multiprocessing_context=_context(), generator=torch.Generator(), pin_memory=False,
            )  # fmt: skip
            # A loader that is garbage together with its queues cannot tell its processes to end, and waits five seconds
            # for each. So something else holds it until the pool is gone.
            weakref.finalize(self, _let_go, self._loader)
        try:
            yield from self._loader
        except RuntimeError as error:
            if isinstance(error, GivenUpError) or ("worker" not in str(error) and "shared memory" not in str(error)):
                raise
            text = " ".join(str(error).split())[:200]
            raise ValueError(
                f"a process that decodes images has ended ({text}); fewer of them, by {WORKERS_VARIABLE}, or a smaller "
                "batch need less memory"
            ) from error


def _let_go(_: DataLoader[_Batch]) -> None:
    """The last reference to a pool's loader ends with this call."""


def workers() -> int:
    """Return the number of decoding processes: the environment's, else one per processor that this process may use.

    Raises:
        ValueError: the environment's value is not a whole number from 1 to 256.
    """
    given = os.environ.get(WORKERS_VARIABLE, "")
    if given and not (given.isdecimal() and 1 <= int(given) <= 256):
        raise ValueError(f"{WORKERS_VARIABLE} is {given!r:.60}; accepted: whole numbers from 1 to 256")
    return int(given) if given else min(16, len(os.sched_getaffinity(0)))


def _context() -> Any:
    """A clean process starts the workers: one that trains has threads, which must not be forked."""
    context = torch.multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _findable():
        forkserver.ensure_running()
    return context


@contextmanager
def _findable() -> Iterator[None]:
    """A process that starts within finds this program, whatever its current folder.

    The one that starts the workers is not told this one's `sys.path`. Without it, it would import nothing, and each
    worker everything.
    """
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(Path(__file__).parents[3]), before)))
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _as_it_is(batch: Any) -> Any:
    return batch


def _prepare_worker(_: int) -> None:
    """Ctrl-C is for the process that trains, which then ends its workers; if that one is killed, so are they."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    torch.set_num_threads(1)


def _end_with_parent() -> None:
    """The process that started the workers stays as long as they do, so only the one that trains tells."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)


@dataclass(frozen=True)
class StreamedPart:
    """Images that are decoded when they are asked for; see `Part`.

    Attributes:
        pool: processes that decode the images.
        split: number of the pool's split.
        indices: positions of the images in the split, int64 [n].
        labels: labels of the images, int64 [n], on the device of decoded images.
        name: name of the part.
    """

    pool: Pool
    split: int
    indices: NDArray[np.int64]
    labels: Tensor
    name: str = ""

    @property
    def resolution(self) -> int:
        return self.pool.decoder.resolution

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Tensor | slice) -> "StreamedPart":
        chosen = index if isinstance(index, slice) else index.cpu().numpy()
        return replace(self, indices=self.indices[chosen], labels=self.labels[index])

    def to(self, device: torch.device | str) -> "StreamedPart":
        return replace(self, labels=self.labels.to(device))

    def draw(self, count: int, generator: torch.Generator) -> "StreamedPart":
        order = torch.randperm(len(self), generator=generator, device=generator.device)
        return self[order[:count].to(self.labels.device)]

    def order(self, generator: torch.Generator) -> Tensor:
        """A random order; images that can only be read together follow each other, a few neighbourhoods at a time."""
        order = torch.randperm(len(self), generator=generator, device=generator.device)
        encoded = self.pool.decoder.splits[self.split]
        if (numbers := encoded.neighbourhoods(self.indices)) is None:
            return order
        groups = torch.from_numpy(numbers).to(order.device)
        places = torch.randperm(int(groups.max()) + 1, generator=generator, device=generator.device)
        turn = (places // encoded.together)[groups]
        return order[turn[order].argsort(stable=True)]

    def held(self) -> ImagePart:
        """Return the images in memory. Raises ValueError if too many cannot be read."""
        images, places = self.pool.held(self.split, self.indices)
        device = self.labels.device
        return ImagePart(images.permute(0, 3, 1, 2).to(device), self.labels[places.to(device)], self.name)

    def batches(self, size: int) -> Iterator[ImagePart]:
        return self.sequence(torch.arange(len(self)).split(size))

    def sequence(self, indices: Iterable[Tensor], views: Views | None = None) -> Iterator[ImagePart]:
        """Return the images as `Part.sequence` does. Raises ValueError if too many cannot be read."""
        asked: list[Tensor] = []  # those under way, the oldest first

        def tasks() -> Generator[_Task, None, None]:
            for index in indices:
                asked.append(index.cpu())
                yield _Task(self.split, tuple(self.indices[index.cpu().numpy()].tolist()), views)

        for batch in self.pool.stream(tasks()):
            kept = asked.pop(0)[torch.tensor(batch.kept, dtype=torch.int64)].to(self.labels.device)
            images = batch.images.permute(0, 3, 1, 2).to(self.labels.device, non_blocking=True)
            yield ImagePart(images, self.labels[kept], self.name)


def joined_streams(parts: Sequence[StreamedPart], name: str = "") -> StreamedPart:
    """Parts of one split, one after the other."""
    indices = np.concatenate([part.indices for part in parts])
    return replace(parts[0], indices=indices, labels=torch.cat([part.labels for part in parts]), name=name)
