"""An architecture's whole network as a file that runs elsewhere: a PyTorch module (.py) or ONNX (.onnx)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from nat_core.architecture.cell import Architecture
from nat_core.network.config import NetworkConfig

SUFFIXES = (".py", ".onnx")


def check_suffix(output: Path) -> str:
    """Return the suffix of an output file in lower case. Raises ValueError if it names no export format."""
    suffix = output.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"the file to write is {output.name!r:.80}; accepted: names that end in {', '.join(SUFFIXES)}")
    return suffix


def write_network(architecture: Architecture, config: NetworkConfig, output: Path, weights: Path | None = None) -> str:
    """Write the network in the format that the suffix names; weights for a PyTorch module go into a file beside it.

    Args:
        weights: a state dict saved by DARTS' code or a descendant of it; None for fresh weights.

    Returns:
        One sentence that says what was written.

    Raises:
        ValueError: the suffix names no format, or the weights do not fit this network.
    """
    return _WRITERS[check_suffix(output)](architecture, config, output, weights)


def _write_torch(architecture: Architecture, config: NetworkConfig, output: Path, weights: Path | None) -> str:
    from nat_core.network.export_torch import state_file, torch_source

    source = torch_source(architecture, config)
    if weights is None:
        output.write_text(source, encoding="utf-8")
        return f"{output}: {config.description}, with fresh weights"
    beside = output.with_suffix(".pt")
    if beside.exists() and weights.exists() and beside.samefile(weights):
        raise ValueError(f"{beside} holds the given weights and would be overwritten; give another name to write to")
    state = state_file(architecture, config, weights)
    output.write_text(source, encoding="utf-8")
    beside.write_bytes(state)
    return f"{output}: {config.description}; {beside}: its weights, for build_network().load_state_dict(torch.load(…))"


def _write_onnx(architecture: Architecture, config: NetworkConfig, output: Path, weights: Path | None) -> str:
    from nat_core.network.export_onnx import onnx_file

    output.write_bytes(onnx_file(architecture, config, weights=weights))
    left_out = "; the auxiliary head works in training only and is left out" if config.auxiliary else ""
    return f"{output}: {config.description}, with {'fresh' if weights is None else 'the given'} weights{left_out}"


_WRITERS: Mapping[str, Callable[[Architecture, NetworkConfig, Path, Path | None], str]] = MappingProxyType(
    dict(zip(SUFFIXES, (_write_torch, _write_onnx), strict=True))
)
