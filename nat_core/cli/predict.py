"""The command `predict`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core import PRETRAINED
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.cli.app import AsJson, app, architecture_of
from nat_core.naming import resolve

if TYPE_CHECKING:
    from nat_core.prediction import Prediction

_LONGEST_NAME = 60


@app.command()
def predict(
    archs: Annotated[
        list[str],
        typer.Argument(metavar="ARCH…|FILE", help="Library names, genotypes, or files of them; - is standard input."),
    ],
    policy: Annotated[
        str | None, typer.Option(help="A name in pretrained/, a run's name, or a policy's folder; default: what fits.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what a policy's accuracy source says of architectures: percent, and how far off that may be."""
    from nat_core.prediction import predict as run
    from nat_core.runs.folders import default_folders

    named = architectures_of(archs)
    predictions = run([item.architecture for item in named], (PRETRAINED, *default_folders().policy_roots), policy)
    for item, prediction in zip(named, predictions, strict=True):
        print(_as_json(item, prediction) if as_json else _as_text(item, prediction))
    for text in dict.fromkeys(item.why_not or _source(item) for item in predictions):
        print(text, file=sys.stderr)


def _as_json(item: "Named", prediction: "Prediction") -> str:
    return json.dumps(
        {
            "architecture": item.name,
            "genotype": notation.shortest(item.architecture),
            "accuracy": prediction.accuracy_percent,
            "standard_error": prediction.standard_error_points,
            "accuracy_kind": prediction.kind,
            "policy": prediction.policy,
        }
    )


def _as_text(item: "Named", prediction: "Prediction") -> str:
    """``DARTS   84.31 % ± 0.62 (modelled)``."""
    name = " ".join(item.name.split())[:_LONGEST_NAME]
    if prediction.accuracy_percent is None:
        return f"{name:<40} no accuracy"
    error = "" if prediction.standard_error_points is None else f" ± {prediction.standard_error_points:.2f}"
    return f"{name:<40} {prediction.accuracy_percent:.2f} %{error} ({prediction.kind})"


def _source(prediction: "Prediction") -> str:
    return f"{prediction.policy}: {prediction.description} ({prediction.kind})"


@dataclass(frozen=True)
class Named:
    """An architecture and what it was called."""

    name: str
    architecture: Architecture


def architectures_of(texts: Sequence[str]) -> list[Named]:
    """The architectures that arguments mean: each its own, or those of a file with one on each line; - is standard
    input. Raises ValueError: something cannot be read; says what and where."""
    return [item for text in texts for item in _of_argument(text)]


def _of_argument(text: str) -> list[Named]:
    if text == "-":
        return _of_lines("standard input", sys.stdin.read())
    if not _is_file(text):
        return [Named(text, resolve(text))]
    content = Path(text).read_bytes().decode("utf-8", errors="replace").strip()
    if "\n" in content and _is_architecture(content.partition("\n")[0]):
        return _of_lines(text, content)
    return [Named(text, architecture_of(text))]


def _is_architecture(text: str) -> bool:
    try:
        resolve(text)
    except ValueError:
        return False
    return True


def _is_file(text: str) -> bool:
    try:
        return "\n" not in text and Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a null byte in it
        return False


def _of_lines(place: str, content: str) -> list[Named]:
    found = []
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            try:
                found.append(Named(line.strip(), resolve(line)))
            except ValueError as error:
                raise ValueError(f"{place}, line {number}: {error}") from None
    if not found:
        raise ValueError(f"{place} holds no architecture; accepted: one on each line")
    return found
