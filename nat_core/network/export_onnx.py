"""An architecture's network as an ONNX file, which Netron, ONNX Runtime and other tools read.

Written by torch's tracing exporter, which needs the package onnx and nothing else. Unless weights are given they are
fresh: the file then tells structure and cost, not accuracy.
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
    """One sentence if the package that writes ONNX is missing, else None."""
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
    """The network of `architecture` in evaluation mode with given weights, or fresh ones of that seed.

    Input ``images`` [batch, 3, resolution, resolution], output ``logits`` [batch, classes]; the batch is free. An
    auxiliary head, which evaluation does not execute, is not in the file.

    Raises:
        OSError, ValueError: as `load_weights` does, which also says what `weights` and `name` are.
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
    """`network` as it is, in evaluation mode, as an ONNX file."""
    import onnx  # only here, so that everything else works without it

    images = torch.zeros(1, 3, config.resolution, config.resolution)
    file = io.BytesIO()
    with _exporting, warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter's age, and that sizes become constants, as they should
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
