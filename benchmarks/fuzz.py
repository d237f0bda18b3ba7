"""Fuzzes every entry point with hostile input: `python -m benchmarks.fuzz --inputs 200000`.

Any input must be either accepted or refused with a ValueError of one short line, within a second of processor time.
Text is never evaluated and opens no file but the given one. Any violation is printed with the number that reproduces
it (`--door NAME --first NUMBER --cases 1`), and the exit status is 1.
"""

import argparse
import copy
import io
import json
import math
import os
import random
import resource
import struct
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from streamlit.testing.v1 import AppTest

from nat_core import api
from nat_core.architecture import notation
from nat_core.architecture.library import library
from nat_core.architecture.notation.formats import FORMATS
from nat_core.architecture.notation.refusals import REFUSALS
from nat_core.cli.app import architecture_of
from nat_core.learning.accuracies import trainings_model_files
from nat_core.learning.accuracies.trained_cells import read_trained
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.image_training.config import ImageTrainingConfig
from nat_core.learning.image_training.presets import preset
from nat_core.learning.images.images import load_images
from nat_core.learning.policies import archive
from nat_core.learning.policies.checkpoint import PolicyCard, load_policy
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.measured import read_measured
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.training.config import TrainingConfig
from nat_core.naming import resolve
from nat_core.options import changed, options_of
from nat_core.paths import ASSETS, PRETRAINED, PROJECT
from nat_core.runs.cluster.address import job_server
from nat_core.runs.cluster.storage import Storage
from nat_core.runs.kinds import request_for
from nat_core.runs.request import Request, checked_name
from nat_core.runs.run import RunRecord, run_of
from nat_core.runs.store import address_of
from ui.view import View

os.environ["HF_HUB_OFFLINE"] = "1"  # read when images are first opened
SLOW_SECONDS = 1.0
LONGEST_SENTENCE = 600  # characters; the longest lists every operation that is accepted
MODEL = PRETRAINED / "fully_concat" / trainings_model_files.FILE
POLICY = PRETRAINED / "nasbench201"
PIECES = (
    *("(", ")", "[", "]", "{", "}", "|", "~", "+", ",", ":", "'", '"', "\\", "\0", "\n", "\u202e", "é", "𝔘", "None"),
    *("-1", "0", "999999999999999999999", "1e309", "nan", "range(9**9)", "range(0, 10**9)", "*", "**", "lambda: 0"),
    *(
        "\x1b[31m",
        "\u200b",
        "\u0661",
        "=1+1",
        "$x$",
        "[x](http://h)",
        ":material/home:",
        "://",
        "@",
        "%00",
        "９",
        "1_0",
    ),
    *("__import__('os').system('true')", "../", "/etc/passwd", "~", "sep_conv_3x3", "none", "Genotype(", "<script>"),
)
VALUES = (
    *(None, True, -1, 0, 1, 2**70, 0.5, math.nan, math.inf, -math.inf, 1e308, "", "x", "../../x", "\0", "a" * 5000),
    *(10**400, "\x1b[31m", "\u202e", "९", "=1+1", b"x".hex(), [[[[[[[[[[]]]]]]]]]]),
    *([], {}, [[]], [None], {"": None}, [1] * 300, "<img src=x onerror=alert(1)>"),
)


@dataclass(frozen=True)
class Door:
    """An entry point for untrusted input.

    Attributes:
        seeds: returns valid inputs.
        mutate: damages one of them.
        enter: passes the input to the program.
        guarded: whether executing code or opening files outside the fuzzer's own folder is a fault.
        share: number of inputs relative to other doors; below 1 where a case is slow.
    """

    seeds: Callable[[], tuple[Any, ...]]
    mutate: Callable[[Any, random.Random], Any]
    enter: Callable[[Any], object]
    guarded: bool = False
    share: float = 1.0


class Guard:
    """Detects forbidden actions (code execution, file access) through the interpreter's audit hooks."""

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
    """Cut, double or swap a few characters, or replace them by fragments with a meaning in some notation."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randint(0, len(text))
        end = min(len(text), start + rng.choice((0, 1, 1, 2, 8, 40)))
        piece = rng.choice(
            (rng.choice(PIECES), text[start:end] * rng.choice((2, 3, 60)), "", chr(rng.randint(0, 0xD7FF)))
        )
        text = text[:start] + piece + text[end:]
    return text


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """Change, cut or double a few bytes, mostly near the beginning, where headers are."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(min(len(data), rng.choice((16, 600, len(data)))) or 1)
        end = start + rng.choice((0, 1, 1, 4, 64))
        data = data[:start] + rng.choice((b"", rng.randbytes(end - start), data[start:end] * 2)) + data[end:]
    return data[: rng.randrange(len(data))] if data and rng.random() < 0.2 else data


def damaged_value(value: Any, rng: random.Random) -> Any:
    """Replace, remove, add or rename one to three parts of a JSON value."""
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
    """Load a model from valid JSON and predict with it."""
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
    """Return a parquet file of 60 images, 6 of each class."""
    few = pd.read_parquet(ASSETS / "cifar10_sample.parquet").groupby("label").head(6)
    few.to_parquet(path := _folder() / "few.parquet")
    return path.read_bytes()


def _evaluation() -> dict[str, Any]:
    items = [NamedArchitecture.of(library()[name].architecture, name) for name in ("DARTS", "PDARTS")]
    return EvaluationConfig(tuple(items), preset_budget("short", items[0].architecture)).to_dict()


def _texts() -> tuple[str, ...]:
    """Return texts in every notation, unsupported ones too, alone and surrounded as in real files."""
    examples = [row.example for row in (*FORMATS, *REFUSALS)]
    stamped = "\n".join(f"2019-12-30 20:37:5{i},315 genotype = {text}" for i, text in enumerate(examples[:8]))
    named = (
        "import collections\n" + "\n".join(f"NAME_{i} = {text}" for i, text in enumerate(examples)) + "\nA = NAME_3\n"
    )
    keyed = json.dumps({"runs": [{"epoch": i, "arch": text} for i, text in enumerate(examples)]})
    return (*examples, stamped, named, keyed, *(f"arch: `{text}`" for text in examples[:4]))


def _long_texts() -> tuple[bytes, ...]:
    """Return logs that are searched for genotypes rather than read whole."""
    line, size = "2019-12-30 20:37:53,315 train 000 6.915554e+00 0.000000 0.390625\n", 1024 * 1024
    cells = [f"06/28 04:21:06 PM genotype = {text}\n" for text in _genotypes()[:4]]
    return tuple((line * (size // len(line)) + text * 3).encode() for text in (*cells, "".join(cells)))


def _read_document(content: str | bytes) -> object:
    """Parse the cells of a text by each of its possible readings."""
    document = notation.Document(content)
    for choice in document.choices(20):
        with suppress(ValueError):
            document.one(choice)
    return document.one()


def _arguments() -> tuple[str, ...]:
    """Return command-line arguments: texts, names, files and selectors within files."""
    file = _folder() / "genotypes.py"
    file.write_text("\n".join(f"NAME_{i} = {text}" for i, text in enumerate(_genotypes()[:4])), encoding="utf-8")
    return ("DARTS", "nasbench201:77", f"{file}:NAME_1", f"{file}:last", f"{file}:2", *_texts())


def _genotypes() -> tuple[str, ...]:
    return tuple(notation.shortest(entry.architecture) for entry in library().values())


def _quietly(of: Callable[[str], object]) -> Callable[[str], object]:
    """Return `of` with its stderr discarded."""

    def enter(text: str) -> object:
        with redirect_stderr(io.StringIO()):
            return of(text)

    return enter


def _through_json(value: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(value))


def _table(name: str) -> Callable[[Any], object]:
    """Return a reader of the input as a table of trained cells with that file name."""

    def enter(content: Any) -> object:
        path = _folder() / name
        content = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", errors="replace"))
        return read_trained(path)

    return enter


def _trained_rows() -> pd.DataFrame:
    texts = _genotypes()[:4]
    return pd.DataFrame({"genotype": texts, "accuracy": [97.0, 96.5, 0.0, 95.0], "budget": "600 epochs", "seed": 1})


def _trained_csv() -> tuple[str, ...]:
    """Return CSV tables with a header, and without one as SWAP publishes it."""
    rows = _trained_rows()
    return rows.to_csv(index=False), rows[["genotype", "accuracy"]].to_csv(index=False, header=False)


def _trained_parquet() -> tuple[bytes, ...]:
    path, found = _folder() / "seed.parquet", []
    for compression in ("snappy", "zstd", None):
        _trained_rows().to_parquet(path, compression=compression)
        found.append(path.read_bytes())
    return tuple(found)


def _trace() -> dict[str, Any]:
    """Return LaNAS' first cell and a similar one."""
    numbers = [0, 1, 2, 1, 2, 2, 1, 3, 3, 0, 2, 3, 3, 2, 1, 1, 0, 1, 0, 2, 2, 1, 0, 5, 5, 5, 5, 3]
    return {str(numbers): 92.18, str([3, *numbers[1:]]): 90}


def _damaged_trace(value: dict[str, Any], rng: random.Random) -> str:
    """Return the trace as JSON with damaged keys, values or text."""
    keyed = {(damaged_text(key, rng) if rng.random() < 0.5 else key): item for key, item in value.items()}
    text = json.dumps(damaged_value(keyed, rng))
    return damaged_text(text, rng) if rng.random() < 0.3 else text


def _archives() -> tuple[bytes, ...]:
    return (archive.packed(POLICY),)


def _damaged_archive(data: bytes, rng: random.Random) -> bytes:
    """Change bytes of the archive, or build one with strange names, links, duplicates, bombs or false headers."""
    if rng.random() < 0.4:
        return damaged_bytes(data, rng)
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as good, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as bad:
        members = [(name, good.read(name)) for name in good.namelist()]
        for name, content in [*members, *([rng.choice(members)] if rng.random() < 0.1 else [])]:
            info = zipfile.ZipInfo(_other_name(name, rng) if rng.random() < 0.2 else name)
            info.compress_type = zipfile.ZIP_DEFLATED
            if rng.random() < 0.1:
                info.external_attr = rng.choice((0o120777, 0o020644, 0o060644)) << 16
            if rng.random() < 0.5:
                content = _damaged_member(content, rng)
            with suppress(ValueError), warnings.catch_warnings(action="ignore"):  # duplicate names
                bad.writestr(info, content)
    return held.getvalue()


def _other_name(name: str, rng: random.Random) -> str:
    ways = ("../", "/", "..\\", "C:\\", "a/", "./", "\u202e", "\0", "~/")
    return rng.choice((f"{rng.choice(ways)}{name}", name.upper(), damaged_text(name, rng), "x" * 500))


def _damaged_member(content: bytes, rng: random.Random) -> bytes:
    """Damage a policy's file, or falsify its metadata."""
    way = rng.randrange(5)
    if way == 0:
        return b"\0" * rng.choice((1 << 10, 8 << 20))
    if way == 1:
        return rng.choice((b"[", b'{"a":')) * rng.choice((10, 100_000))
    if content[:1] == b"{":
        return json.dumps(damaged_value(json.loads(content), rng)).encode()
    size = struct.unpack_from("<Q", content)[0] if len(content) > 8 else 0
    if not 0 < size < len(content):
        return damaged_bytes(content, rng)
    head = json.loads(content[8 : 8 + size])
    written = json.dumps(damaged_value(head, rng)).encode()
    return struct.pack("<Q", rng.choice((len(written), 2**63, 0))) + written + content[8 + size :]


def _unpack(data: bytes) -> object:
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        place = Path(folder) / "inside"
        place.mkdir()
        try:
            return archive.unpack(io.BytesIO(data), place, "given.zip")
        finally:
            assert list(Path(folder).iterdir()) == [place], "something was written outside of the folder"


def _query() -> tuple[dict[str, str], ...]:
    """Return query parameters of the Transform page."""
    full = View("nasbench201:77", "fully_concat", "sampled", 5, 3, 50, 1, "nasbench201", "normal", "node 2", "normal",
                "side", True, True, True)  # fmt: skip
    return full.to_query(), {"cell": _genotypes()[0], "seed": "1"}


def _damaged_texts(value: Mapping[str, str], rng: random.Random) -> dict[str, str]:
    """Damage or replace some of the texts."""
    changed_names = rng.sample(sorted(value), rng.randint(1, min(3, len(value))))
    found = dict(value)
    for name in changed_names:
        found[name] = damaged_text(value[name], rng) if rng.random() < 0.7 else str(rng.choice((*VALUES, *PIECES)))
    return found


def _open_address(query: Mapping[str, str]) -> object:
    view, problems = View.from_query(query)
    for _, sentence in problems:
        if len(sentence) > LONGEST_SENTENCE or "\n" in sentence:
            raise AssertionError(f"the page says {sentence[:100]!r}")
    if problems:
        raise ValueError(problems[0][1])
    return view


def _page(name: str, **query: str) -> Door:
    """Return a door that opens a page with damaged query parameters."""

    def enter(texts: Mapping[str, str]) -> object:
        app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
        for key, text in texts.items():
            app.query_params[key] = text
        app.switch_page(f"pages/{name}.py").run()
        if app.exception:
            raise AssertionError(f"the page raised {app.exception[0].value[:100]!r}")
        return app

    return Door(lambda: (query,), _damaged_texts, enter, share=0.02)


def _facts() -> tuple[dict[str, str], ...]:
    """Return a run's tags in the tracking record, as written by this or another machine."""
    request = request_for("train-images", preset("smoke", "loose_end"), cluster="http://h:1")
    facts = {"request": request.head_to_json(), "command": "x", "state": "lost", "heartbeat": "1.5", "step": "3",
             "eta_seconds": "5", "elapsed_seconds": "2", "best": "0.5", "last": "nan", "host": "h", "pid": "5",
             "process_created": "3.5", "usage": '{"cpu_percent": 5}', "silent_since": "1.5", "error": "x"}  # fmt: skip
    return ({f"nat.{name}": text for name, text in facts.items()},)


def _read_record(tags: Mapping[str, str]) -> object:
    """Read a run and its state from the record's tags."""
    record = RunRecord("a" * 32, "name", 1.0, tags, {})
    run = run_of(record, lambda run_id, text, command: Request.recorded(text, command, lambda: Request("x", {}, 1)))
    if run is None:
        raise ValueError("no run of this program")
    return run.state, run.label, run.place


def _read_measured(text: str) -> object:
    path = _folder() / "measured.jsonl"
    path.write_text(text, encoding="utf-8", errors="replace")
    return read_measured(path)


def _measured() -> tuple[str, ...]:
    lines = (ASSETS / "measured.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    return ("".join(lines[:4]), lines[-1])


def _option_texts() -> tuple[dict[str, str], ...]:
    """Return all options of three kinds of training as texts, as the command line or a form passes them."""
    found = []
    for config in _configurations():
        values = {name: option.value_in(config) for name, option in options_of(type(config)).items()}
        plain = {name: value[0] if isinstance(value, tuple) else value for name, value in values.items() if value != ()}
        found.append(
            {"": type(config).__name__, **{name: str(item) for name, item in plain.items() if item is not None}}
        )
    return tuple(found)


@cache
def _configurations() -> tuple[Any, ...]:
    return TrainingConfig(), preset("smoke", "fully_concat"), EvaluationConfig.from_dict(_evaluation())


def _set_options(texts: Mapping[str, str]) -> object:
    config = next((item for item in _configurations() if type(item).__name__ == texts.get("")), _configurations()[0])
    options = options_of(type(config))
    given = {
        name: [options[name].parse(text)] if options[name].repeatable else options[name].parse(text)
        for name, text in texts.items()
        if name in options
    }
    return changed(config, given)


def _call(arguments: list[Any]) -> object:
    """Call a public function with arguments of any type."""
    name, architecture, keywords = arguments
    known = {"cost": api.cost, "read": api.read, "predict": api.predict, "front": api.front, "transform": api.transform}
    try:
        return known[name](architecture, **keywords)
    except TypeError as error:
        if "accepted: " not in str(error) and "unexpected keyword" not in str(error):
            raise
        raise ValueError(str(error)) from None


def _calls() -> tuple[list[Any], ...]:
    sizes = {"network": "nasbench201", "channels": 16, "layers": 15, "classes": 10, "resolution": 32}
    return (
        ["cost", "nasbench201:7", sizes], ["read", "DARTS", {"choice": ""}], ["predict", ["DARTS"], {"policy": None}],
        ["front", "nasbench201:7", {"budgets": [0.5], "candidates": 2, "cost": "macs", "policy": "nasbench201"}],
        ["transform", "nasbench201:7", {"candidates": 2, "max_macs": 10**8, "policy": "nasbench201", "network": None}],
    )  # fmt: skip


def _damaged_call(arguments: list[Any], rng: random.Random) -> list[Any]:
    name, architecture, keywords = arguments
    if rng.random() < 0.4:
        architecture = damaged_text(architecture, rng) if isinstance(architecture, str) else rng.choice(VALUES)
    return [name, architecture, {**keywords, rng.choice(sorted(keywords)): rng.choice((*VALUES, *PIECES))}]


def _configuration(of: Callable[[Any], object], seeds: Callable[[], tuple[Any, ...]]) -> Door:
    return Door(lambda: tuple(map(_through_json, seeds())), damaged_value, of)


DOORS: dict[str, Door] = {
    "notation": Door(_genotypes, damaged_text, notation.parse),
    "architecture": Door(lambda: (*library(), "nasbench201:77", *_genotypes()), damaged_text, resolve),
    "text": Door(_texts, damaged_text, _read_document, guarded=True),
    "long text": Door(_long_texts, damaged_bytes, _read_document, guarded=True, share=0.05),
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
    "images": Door(lambda: (_few_images(),), damaged_bytes, _read_damaged_images, share=0.25),
    "csv table": Door(_trained_csv, damaged_text, _table("cells.csv")),
    "parquet table": Door(_trained_parquet, damaged_bytes, _table("cells.parquet")),
    "lanas trace": Door(lambda: (_trace(),), _damaged_trace, _table("cells.json")),
    "measured table": Door(_measured, damaged_text, _read_measured),
    "policy archive": Door(_archives, _damaged_archive, _unpack),
    "page address": Door(_query, _damaged_texts, _open_address),
    "compare page": _page("compare", compare="NAS-Bench-201", x="macs", y="cifar10_valid", cell201="7", output="10"),
    "architectures page": _page("compare", compare="Architectures", network="cifar", two_cell="normal"),
    "fronts page": _page("compare", compare="Fronts", fronts_space="fully_concat"),
    "learn page": _page("learn", step="Policy"),
    "train page": _page("train", runs="891edafa,314e4e09", smoothing="Light"),
    "record of a run": Door(_facts, _damaged_texts, _read_record),
    "record's address": Door(
        lambda: ("sqlite:////a/b.db?timeout=5", "http://host:5000", "postgresql://u:p@h/x"), damaged_text, address_of
    ),
    "cluster's address": Door(lambda: ("ray://head:8265", "http://[::1]:80"), damaged_text, job_server),
    "storage": Door(lambda: ("s3://bucket/folder", "/srv/shared", "memory://x"), damaged_text, Storage),
    "name of a run": Door(lambda: ("fully_concat-smoke-1", "naïve 𝔘"), damaged_text, checked_name),
    "options": Door(_option_texts, _damaged_texts, _set_options),
    "function": Door(_calls, _damaged_call, _call),
    "image source": Door(lambda: ("a/folder", "train.parquet", "uoft-cs/cifar10"), damaged_text, load_images),
}


@dataclass(frozen=True)
class Failure:
    """A case that was neither accepted nor refused properly."""

    door: str
    number: int
    reason: str


@dataclass
class Extremes:
    """A door's slowest case (processor seconds) and longest message (characters)."""

    seconds: float = 0.0
    characters: int = 0


def run(name: str, number: int, extremes: Extremes | None = None) -> Failure | bool:
    """Run one case; return its failure, or whether it was accepted. Updates `extremes`, if given."""
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
        if extremes is not None:
            extremes.characters = max(extremes.characters, len(sentence))
        if not sentence.strip() or len(sentence) > LONGEST_SENTENCE or "\n" in sentence.strip():
            return Failure(name, number, f"a message of {len(sentence)} characters: {sentence[:100]!r}")
    except Exception as error:
        return Failure(name, number, f"{type(error).__name__}: {str(error)[:200]}")
    finally:
        _guard().active = False
    if _guard().noticed:
        return Failure(name, number, _guard().noticed[0])
    seconds = time.process_time() - began
    if extremes is not None:
        extremes.seconds = max(extremes.seconds, seconds)
    return Failure(name, number, f"took {seconds:.1f} s of processor time") if seconds > SLOW_SECONDS else understood


@cache
def _seeds(name: str) -> tuple[Any, ...]:
    """Return the door's seeds; their imports are done here and not measured with a case."""
    seeds = DOORS[name].seeds()
    for seed in seeds if DOORS[name].guarded else seeds[:1]:
        with suppress(ValueError):
            DOORS[name].enter(copy.deepcopy(seed))
    return seeds


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--inputs", type=int, default=15_000, help="inputs of all doors; the default takes under two minutes"
    )
    parser.add_argument("--cases", type=int, help="number of cases per door, instead of --inputs")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--door", choices=list(DOORS), action="append")
    options = parser.parse_args()
    doors = options.door or list(DOORS)
    whole = sum(DOORS[name].share for name in doors)
    total, failures = 0, 0
    for name in doors:
        extremes = Extremes()
        _seeds(name)
        cases = options.cases or max(1, round(options.inputs * DOORS[name].share / whole))
        results = [run(name, number, extremes) for number in range(options.first, options.first + cases)]
        failed = [result for result in results if isinstance(result, Failure)]
        total, failures, accepted = total + len(results), failures + len(failed), results.count(True)
        refused = len(results) - accepted - len(failed)
        print(
            f"{name:18} {len(results):8,} inputs {accepted:8,} accepted {refused:8,} refused {len(failed):5,} faults"
            f"   slowest {1000 * extremes.seconds:5.0f} ms   longest message {extremes.characters:4}",
            flush=True,
        )
        for failure in failed[:10]:
            print(f"    case {failure.number}: {failure.reason}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{total:,} inputs, {failures:,} faults, at most {peak:,} MiB of memory")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
