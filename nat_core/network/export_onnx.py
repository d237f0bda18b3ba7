"""An architecture's network as an ONNX file, which Netron, ONNX Runtime and other tools read.

The file is written by torch's tracing exporter, which needs no package but onnx. If no weights are given, the network
has freshly initialised ones: such a file shows structure and cost, not accuracy.
"""

import io
import warnings
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import torch

from nat_core.architecture.cell import Architecture
from nat_core.architecture.notation import shortest
from nat_core.network.config import NetworkConfig
from nat_core.network.networks import CellNetwork, build_network
from nat_core.network.weights import load_weights

OPSET = 17
_exporting = Lock()  # the exporter keeps settings of its own for the whole process


def why_no_onnx() -> str | None:
    """Return one sentence if the package that writes ONNX is missing, else None."""
    if find_spec("onnx") is None:
        return "ONNX files need the package onnx, which is not installed here: pip install onnx."
    return None


def onnx_file(
    architecture: Architecture,
    config: NetworkConfig,
    seed: int = 0,
    weights: Path | BinaryIO | None = None,
    name: str = "",
) -> bytes:
    """Return the network of `architecture` in evaluation mode, with `weights` or with fresh ones from `seed`.

    The input ``images`` is [batch, 3, resolution, resolution], the output ``logits`` [batch, classes], for any batch
    size. The file holds no auxiliary head, since evaluation does not execute it.

    Raises:
        OSError, ValueError: `load_weights` cannot read them; it also documents `weights` and `name`.
        ValueError: the network cannot be built of these cells, or onnx is missing.
    """
    if problem := why_no_onnx():
        raise ValueError(problem)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(architecture, config)
    if weights is not None:
        load_weights(network, weights, name)
    return onnx_of(network, config, shortest(architecture))


def onnx_of(network: CellNetwork, config: NetworkConfig, description: str = "") -> bytes:
    """Return `network`, with its current weights and in evaluation mode, as an ONNX file."""
    import onnx  # only here, so that everything else works without it

    images = torch.zeros(1, 3, config.resolution, config.resolution)
    file = io.BytesIO()
    with _exporting, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter is deprecated, and sizes become constants, which is intended
        torch.onnx.export(
            network.eval(),
            (images,),
            file,  # type: ignore[arg-type]  # the tracing exporter takes open files too
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
        )
    model = onnx.load_from_string(file.getvalue())
    described = replace(config, auxiliary=False).description
    model.producer_name, model.doc_string = "NAT Lab", f"{described}; {description}"
    onnx.checker.check_model(model)
    return model.SerializeToString()
