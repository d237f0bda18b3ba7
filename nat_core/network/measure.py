"""The cost of executing a module, counted per operator by fvcore.

Conventions: one multiply-add is one MAC; biases and additions are free. `macs`, the usual figure, counts
convolutions and linear layers, as the literature does. The other operators are counted separately: batch norm
as 2 per element (1 without scale and shift), k×k pooling as k² per *output* element, global pooling as 1 per input
element.
"""

import threading
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from nat_core.network.cost import Cost

with warnings.catch_warnings():  # importing fvcore compiles a loss function with the deprecated torch.jit.script
    warnings.simplefilter("ignore", DeprecationWarning)
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import batchnorm_flop_jit, conv_flop_jit, get_shape, linear_flop_jit


def _convolution(inputs: list[Any], outputs: list[Any]) -> int:
    return conv_flop_jit(inputs, outputs)["conv"]


def _pooling(inputs: list[Any], outputs: list[Any]) -> int:
    kernel = [side.toIValue() for side in inputs[1].node().inputs()]
    return prod(kernel) * prod(get_shape(outputs[0]))


def _global_pooling(inputs: list[Any], outputs: list[Any]) -> int:
    return prod(get_shape(inputs[0]))


_COUNTERS: Mapping[str, tuple[str, Callable[[list[Any], list[Any]], int]]] = MappingProxyType(
    {
        "aten::_convolution": ("convolution", _convolution),
        "aten::linear": ("linear", linear_flop_jit),
        "aten::batch_norm": ("batch_norm", batchnorm_flop_jit),
        "aten::max_pool2d": ("max_pool", _pooling),
        "aten::avg_pool2d": ("avg_pool", _pooling),
        "aten::adaptive_avg_pool2d": ("global_pool", _global_pooling),
    }
)
# Free by convention, beside what fvcore itself leaves out (ReLU, concatenation, slices, shape arithmetic).
_FREE = ("aten::add", "aten::add_", "aten::pad")


def _handle(name: str, count: Callable[[list[Any], list[Any]], int]) -> Callable[[list[Any], list[Any]], Counter[str]]:
    return lambda inputs, outputs: Counter({name: int(count(inputs, outputs))})


_HANDLES = {operator: _handle(name, count) for operator, (name, count) in _COUNTERS.items()}
_tracing = threading.Lock()  # torch's tracer is process-wide


class _Everything(nn.Module):
    """Wraps `module` so that it also returns the output of each leaf: a trace drops whatever reaches no output."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> tuple[Any, ...]:
        outputs: list[Any] = []
        leaves = [part for part in self.module.modules() if not any(part.children())]
        hooks = [leaf.register_forward_hook(lambda leaf, given, output: outputs.append(output)) for leaf in leaves]
        try:
            return self.module(*inputs), *outputs
        finally:
            for hook in hooks:
                hook.remove()


def measure(module: nn.Module, *input_shapes: tuple[int, ...]) -> Cost:
    """Count the cost of executing `module` once in evaluation mode, by tracing it with fvcore.

    Everything that is executed counts, even if it does not influence the output. All of the module's parameters count,
    executed or not. The module's mode is restored afterwards.

    Args:
        module: a module on any device but "meta".
        input_shapes: one shape per argument of `forward`, batch included: (1, channels, height, width).

    Raises:
        ValueError: the module executes an operator that has no counter and is not known to be free.
    """
    training = {part: part.training for part in module.modules()}
    try:
        counts, unknown = _count(_Everything(module).eval(), input_shapes)
    finally:
        for part, mode in training.items():
            part.training = mode
    if unknown:
        raise ValueError(f"no cost known for operators {', '.join(sorted(unknown))} of {type(module).__name__}")
    return Cost(parameters=sum(parameter.numel() for parameter in module.parameters()), **counts)


def _count(module: nn.Module, input_shapes: tuple[tuple[int, ...], ...]) -> tuple[Counter[str], Counter[str]]:
    """Return the counts by operator, and the operators for which no counter exists."""
    device = next((parameter.device for parameter in module.parameters()), "cpu")
    inputs = tuple(torch.zeros(shape, device=device) for shape in input_shapes)
    with _tracing, torch.no_grad():
        analysis = FlopCountAnalysis(module, inputs)
        analysis.clear_op_handles().set_op_handle(**_HANDLES, **dict.fromkeys(_FREE))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        return analysis.by_operator(), analysis.unsupported_ops()
