"""Damaged input at every door: `python -m benchmarks.fuzz --cases 100000`.

Whatever comes in is either understood or refused with a ValueError of one sentence, within a second of processor
time. Text is never evaluated, and opens no file but the one that is given. Anything else is printed with the number
that repeats it (`--door NAME --first NUMBER --cases 1`), and the exit status is 1.
"""

import argparse
import copy
import io
import json
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.architecture.notation.formats import FORMATS
from nat_core.architecture.notation.refusals import REFUSALS
from nat_core.cli.app import architecture_of
from nat_core.learning.accuracies import trainings_model_files
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.presets import preset
from nat_core.learning.images.images import load_images
from nat_core.learning.policies.checkpoint import PolicyCard, load_policy
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.training.config import TrainingConfig
from nat_core.naming import resolve
from nat_core.paths import ASSETS, PRETRAINED
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
        guarded: whether nothing may be executed meanwhile, and no file be opened outside the fuzzer's own folder.
    """

    seeds: Callable[[], tuple[Any, ...]]
    mutate: Callable[[Any, random.Random], Any]
    enter: Callable[[Any], object]
    guarded: bool = False


class Guard:
    """Notices through the interpreter's audit hooks what a text must never bring about."""

    _FORBIDDEN = ("exec", "compile", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")

    def __init__(self) -> None:
        self.active = False
        self.noticed: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event in self._FORBIDDEN:
            self.noticed.append(f"{event} {arguments!r:.200}")
        if event == "open" and isinstance(arguments[0], str | bytes | Path):
            path = Path(os.fsdecode(arguments[0])).resolve()
            if not path.is_relative_to(_folder().resolve()):
                self.noticed.append(f"opened {path}")


@cache
def _guard() -> Guard:
    return Guard()


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
    return load_images(str(folder))


@cache
def _few_images() -> bytes:
    """A parquet file of 60 images, 6 of each class."""
    few = pd.read_parquet(ASSETS / "cifar10_sample.parquet").groupby("label").head(6)
    few.to_parquet(path := _folder() / "few.parquet")
    return path.read_bytes()


def _evaluation() -> dict[str, Any]:
    items = [NamedArchitecture.of(library()[name].architecture, name) for name in ("DARTS", "PDARTS")]
    return EvaluationConfig(tuple(items), preset_budget("short", items[0].architecture)).to_dict()


def _texts() -> tuple[str, ...]:
    """Every notation, refused ones too, alone and in what surrounds them in the wild."""
    examples = [row.example for row in (*FORMATS, *REFUSALS)]
    stamped = "\n".join(f"2019-12-30 20:37:5{i},315 genotype = {text}" for i, text in enumerate(examples[:8]))
    named = (
        "import collections\n" + "\n".join(f"NAME_{i} = {text}" for i, text in enumerate(examples)) + "\nA = NAME_3\n"
    )
    keyed = json.dumps({"runs": [{"epoch": i, "arch": text} for i, text in enumerate(examples)]})
    return (*examples, stamped, named, keyed, *(f"arch: `{text}`" for text in examples[:4]))


def _long_texts() -> tuple[bytes, ...]:
    """Logs that are searched rather than read."""
    line, size = "2019-12-30 20:37:53,315 train 000 6.915554e+00 0.000000 0.390625\n", 1024 * 1024
    cells = [f"06/28 04:21:06 PM genotype = {text}\n" for text in _genotypes()[:4]]
    return tuple((line * (size // len(line)) + text * 3).encode() for text in (*cells, "".join(cells)))


def _read_document(content: str | bytes) -> object:
    """The cells of a text, by every choice that it offers."""
    document = notation.Document(content)
    for choice in document.choices(20):
        with suppress(ValueError):
            document.one(choice)
    return document.one()


def _arguments() -> tuple[str, ...]:
    """Arguments of commands: texts, names, files and what chooses in them."""
    file = _folder() / "genotypes.py"
    file.write_text("\n".join(f"NAME_{i} = {text}" for i, text in enumerate(_genotypes()[:4])), encoding="utf-8")
    return ("DARTS", "nasbench201:77", f"{file}:NAME_1", f"{file}:last", f"{file}:2", *_texts())


def _genotypes() -> tuple[str, ...]:
    return tuple(notation.shortest(entry.architecture) for entry in library().values())


def _quietly(of: Callable[[str], object]) -> Callable[[str], object]:
    """`of`, with what it says on stderr thrown away."""

    def enter(text: str) -> object:
        with redirect_stderr(io.StringIO()):
            return of(text)

    return enter


def _through_json(value: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(value))


def _configuration(of: Callable[[Any], object], seeds: Callable[[], tuple[Any, ...]]) -> Door:
    return Door(lambda: tuple(map(_through_json, seeds())), damaged_value, of)


DOORS: dict[str, Door] = {
    "notation": Door(_genotypes, damaged_text, notation.parse),
    "architecture": Door(lambda: (*library(), "nasbench201:77", *_genotypes()), damaged_text, resolve),
    "text": Door(_texts, damaged_text, _read_document, guarded=True),
    "long text": Door(_long_texts, damaged_bytes, _read_document, guarded=True),
    "argument": Door(_arguments, damaged_text, _quietly(architecture_of), guarded=True),
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
    "image source": Door(lambda: ("a/folder", "train.parquet", "uoft-cs/cifar10"), damaged_text, load_images),
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
    _guard().noticed.clear()
    try:
        _guard().active = door.guarded
        door.enter(case)
        understood = True
    except ValueError as error:
        understood, sentence = False, str(error)
        if not sentence.strip() or len(sentence) > LONGEST_SENTENCE:
            return Failure(name, number, f"a message of {len(sentence)} characters: {sentence[:100]!r}")
    except Exception as error:
        return Failure(name, number, f"{type(error).__name__}: {str(error)[:200]}")
    finally:
        _guard().active = False
    if _guard().noticed:
        return Failure(name, number, _guard().noticed[0])
    seconds = time.process_time() - began
    return Failure(name, number, f"took {seconds:.1f} s of the processor") if seconds > SLOW_SECONDS else understood


@cache
def _seeds(name: str) -> tuple[Any, ...]:
    """The door's seeds; what they need is imported, so that no case pays for it."""
    seeds = DOORS[name].seeds()
    for seed in seeds if DOORS[name].guarded else seeds[:1]:
        with suppress(ValueError):
            DOORS[name].enter(copy.deepcopy(seed))
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
