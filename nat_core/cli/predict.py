"""The command `predict`."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from nat_core.architecture import notation
from nat_core.cli.app import Archs, AsJson, Named, app, architectures_of
from nat_core.paths import PRETRAINED

if TYPE_CHECKING:
    from nat_core.prediction import Prediction

_LONGEST_NAME = 60


@app.command()
def predict(
    archs: Archs,
    policy: Annotated[
        str | None, typer.Option(help="A policy's name, folder, or archive (.zip); default: the first that fits.")
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


def _as_json(item: Named, prediction: "Prediction") -> str:
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


def _as_text(item: Named, prediction: "Prediction") -> str:
    """``DARTS   84.31 % ± 0.62 (modelled)``."""
    name = " ".join(item.name.split())[:_LONGEST_NAME]
    if prediction.accuracy_percent is None:
        return f"{name:<40} no accuracy"
    error = "" if prediction.standard_error_points is None else f" ± {prediction.standard_error_points:.2f}"
    return f"{name:<40} {prediction.accuracy_percent:.2f} %{error} ({prediction.kind})"


def _source(prediction: "Prediction") -> str:
    return f"{prediction.policy}: {prediction.description} ({prediction.kind})"
