"""Damaged input at every door: `python -m benchmarks.fuzz --cases 100000`.

Whatever comes in is either understood or refused with a ValueError of one sentence, within a second of processor time.
Anything else is printed with the number that repeats it (`--door NAME --first NUMBER --cases 1`), and the exit status
is 1.
"""

import argparse
import copy
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from nat_core import ASSETS, PRETRAINED
from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.learning.accuracies import trainings_model_files
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.presets import preset
from nat_core.learning.images.sources import read_images
from nat_core.learning.policies.checkpoint import PolicyCard, load_policy
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.training.config import TrainingConfig
from nat_core.naming import resolve
from nat_core.runs.kinds import request_for
from nat_core.runs.request import Request

os.environ["HF_HUB_OFFLINE"] = "1"  # read when images are first opened
SLOW_SECONDS = 1.0
LONGEST_SENTENCE = 2000
MODEL = PRETRAINED / "fully_concat" / trainings_model_files.FILE
POLICY = PRETRAINED / "nasbench201"
PIECES = (
    *("(", ")", "[", "]", "{", "}", "|", "~", "+", ",", ":", "'", '"', "\\", "\0", "\n", "\u202e", "é", "𝔘", "None"),
    *("-1", "0", "999999999999999999999", "1e309", "nan", "range(9**9)", "range(0, 10**9)", "*", "**", "lambda: 0"),
    *("__import__('os').system('true')", "../", "/etc/passwd", "~", "sep_conv_3x3", "none", "Genotype(", "<script>"),
)
VALUES = (
    *(None, True, -1, 0, 1, 2**70, 0.5, math.nan, math.inf, -math.inf, 1e308, "", "x", "../../x", "\0", "a" * 5000),
    *([], {}, [[]], [None], {"": None}, [1] * 300, "<img src=x onerror=alert(1)>"),
)


@dataclass(frozen=True)
class Door:
    """A way in.

    Attributes:
        seeds: what is understood as it is.
        mutate: damages one of them.
        enter: uses it.
    """

    seeds: Callable[[], tuple[Any, ...]]
    mutate: Callable[[Any, random.Random], Any]
    enter: Callable[[Any], object]


def damaged_text(text: str, rng: random.Random) -> str:
    """A few characters cut, doubled, swapped or replaced by pieces that mean something somewhere."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 1, 1, 2, 8, 40)))
        piece = rng.choice(
            (rng.choice(PIECES), text[start:end] * rng.choice((2, 3, 60)), "", chr(rng.randint(0, 0xD7FF)))
        )
        text = text[:start] + piece + text[end:]
    return text


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, cut, or doubled; mostly near the beginning, where headers are."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(min(len(data), rng.choice((16, 600, len(data)))) or 1)
        end = start + rng.choice((0, 1, 1, 4, 64))
        data = data[:start] + rng.choice((b"", rng.randbytes(end - start), data[start:end] * 2)) + data[end:]
    return data[: rng.randrange(len(data))] if data and rng.random() < 0.2 else data


def damaged_value(value: Any, rng: random.Random) -> Any:
    """A JSON value with one to three parts replaced, removed, added or renamed."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        places = list(_places(value))
        if not places or rng.random() < 0.02:
            return rng.choice(VALUES)
        holder, key = rng.choice(places)
        action = rng.random()
        if action < 0.7:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(rng.choice(VALUES)))
        elif action < 0.85:
            del holder[key]
        else:
            holder[rng.choice(PIECES)] = holder.pop(key)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        yield value, key
        yield from _places(part)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def _load_damaged_policy(data: bytes) -> object:
    folder = _folder() / "policy"
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_bytes((POLICY / "card.json").read_bytes())
    (folder / "policy.safetensors").write_bytes(data)
    return load_policy(folder)


def _load_damaged_card(text: str) -> object:
    folder = _folder() / "card"
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_text(text, encoding="utf-8", errors="replace")
    (folder / "policy.safetensors").write_bytes((POLICY / "policy.safetensors").read_bytes())
    return load_policy(folder)


def _load_damaged_model(text: str) -> object:
    folder = _folder() / "model"
    folder.mkdir(exist_ok=True)
    (folder / trainings_model_files.FILE).write_text(text, encoding="utf-8", errors="replace")
    return trainings_model_files.load_trainings_model(folder)


def _use_model(value: Mapping[str, Any]) -> object:
    """Loads what is still JSON, and predicts with it."""
    loaded = _load_damaged_model(json.dumps(value))
    assert isinstance(loaded, TrainingsModel)
    (predicted,) = loaded.accuracy_percent([library()["DARTS"].architecture])
    assert 0 <= predicted <= 100
    return predicted


def _read_damaged_images(data: bytes) -> object:
    folder = _folder() / "images"
    folder.mkdir(exist_ok=True)
    (folder / "test.parquet").write_bytes(_few_images())
    (folder / "train.parquet").write_bytes(data)
    return read_images(str(folder), 32)


@cache
def _few_images() -> bytes:
    """A parquet file of 60 images, 6 of each class."""
    few = pd.read_parquet(ASSETS / "cifar10_sample.parquet").groupby("label").head(6)
    few.to_parquet(path := _folder() / "few.parquet")
    return path.read_bytes()


def _evaluation() -> dict[str, Any]:
    items = [NamedArchitecture.of(library()[name].architecture, name) for name in ("DARTS", "PDARTS")]
    return EvaluationConfig(tuple(items), preset_budget("short", items[0].architecture)).to_dict()


def _genotypes() -> tuple[str, ...]:
    return tuple(notation.shortest(entry.architecture) for entry in library().values())


def _through_json(value: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(value))


def _configuration(of: Callable[[Any], object], seeds: Callable[[], tuple[Any, ...]]) -> Door:
    return Door(lambda: tuple(map(_through_json, seeds())), damaged_value, of)


DOORS: dict[str, Door] = {
    "notation": Door(_genotypes, damaged_text, notation.parse),
    "architecture": Door(lambda: (*library(), "nasbench201:77", *_genotypes()), damaged_text, resolve),
    "policy file": Door(lambda: ((POLICY / "policy.safetensors").read_bytes(),), damaged_bytes, _load_damaged_policy),
    "card file": Door(lambda: ((POLICY / "card.json").read_text(encoding="utf-8"),), damaged_text, _load_damaged_card),
    "model file": Door(lambda: (MODEL.read_text(encoding="utf-8"),), damaged_text, _load_damaged_model),
    "model": _configuration(_use_model, lambda: (json.loads(MODEL.read_text(encoding="utf-8")),)),
    "card": _configuration(PolicyCard.from_dict, lambda: (json.loads((POLICY / "card.json").read_text()),)),
    "training": _configuration(TrainingConfig.from_dict, lambda: (TrainingConfig().to_dict(),)),
    "image training": _configuration(
        ImageTrainingConfig.from_dict,
        lambda: (preset("smoke", "fully_concat").to_dict(), preset("cpu", "loose_end").to_dict()),
    ),
    "evaluation": _configuration(EvaluationConfig.from_dict, lambda: (_evaluation(),)),
    "request": Door(
        lambda: (request_for("train-images", preset("smoke", "loose_end")).to_json(),), damaged_text, Request.from_json
    ),
    "images": Door(lambda: (_few_images(),), damaged_bytes, _read_damaged_images),
    "image source": Door(
        lambda: ("a/folder", "train.parquet", "uoft-cs/cifar10"), damaged_text, lambda text: read_images(text, 32)
    ),
}


@dataclass(frozen=True)
class Failure:
    """A case that was neither understood nor refused well."""

    door: str
    number: int
    reason: str


def run(name: str, number: int) -> Failure | bool:
    """One case: what is wrong with it, or else whether it was understood."""
    door, rng = DOORS[name], random.Random(f"{name} {number}")
    case = door.mutate(rng.choice(_seeds(name)), rng)
    began = time.process_time()
    try:
        door.enter(case)
        understood = True
    except ValueError as error:
        understood, sentence = False, str(error)
        if not sentence.strip() or len(sentence) > LONGEST_SENTENCE:
            return Failure(name, number, f"a message of {len(sentence)} characters: {sentence[:100]!r}")
    except Exception as error:
        return Failure(name, number, f"{type(error).__name__}: {str(error)[:200]}")
    seconds = time.process_time() - began
    return Failure(name, number, f"took {seconds:.1f} s of the processor") if seconds > SLOW_SECONDS else understood


@cache
def _seeds(name: str) -> tuple[Any, ...]:
    """The door's seeds; what they need is imported, so that no case pays for it."""
    seeds = DOORS[name].seeds()
    with suppress(ValueError):
        DOORS[name].enter(copy.deepcopy(seeds[0]))
    return seeds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="per door")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--door", choices=list(DOORS), action="append")
    options = parser.parse_args()
    failures = 0
    for name in options.door or DOORS:
        results = [run(name, number) for number in range(options.first, options.first + options.cases)]
        failed = [result for result in results if isinstance(result, Failure)]
        failures += len(failed)
        print(
            f"{name:16} {len(results):8,} cases  {results.count(True):8,} understood  {len(failed):5,} failed",
            flush=True,
        )
        for failure in failed[:10]:
            print(f"    case {failure.number}: {failure.reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
