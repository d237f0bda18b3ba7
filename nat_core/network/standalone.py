"""The networks of this project in plain torch, without its data structures: the template of exported files.

`export_torch` copies the parts of this module and of `blocks` that a network needs into one file, then adds the network
itself as data. So this module must not depend on anything else in this project. Parameters have the same names as in
`networks.CellNetwork`.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ReluConvBn(nn.Sequential):
    """ReLU, k×k convolution, batch norm."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1) -> None:
        conv = nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)
        super().__init__(nn.ReLU(), conv, nn.BatchNorm2d(out_channels))


class ThinConv(nn.Sequential):
    """ReLU, 1×k convolution, k×1 convolution, batch norm; each strides along its kernel's long side."""

    def __init__(self, channels: int, kernel: int, stride: int) -> None:
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, (1, kernel), (1, stride), (0, kernel // 2), bias=False),
            nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (kernel // 2, 0), bias=False),
            nn.BatchNorm2d(channels),
        )


class DepthwiseSeparable(nn.Sequential):
    """ReLU, depthwise k×k convolution, pointwise convolution, batch norm."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1) -> None:
        padding = dilation * (kernel // 2)
        super().__init__(
            nn.ReLU(),
            nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )


class SepConv(nn.Sequential):
    """Two depthwise separable convolutions; the first has the stride."""

    def __init__(self, channels: int, kernel: int, stride: int, dilation: int = 1) -> None:
        super().__init__(
            DepthwiseSeparable(channels, kernel, stride, dilation),
            DepthwiseSeparable(channels, kernel, 1, dilation),
        )


class FactorisedReduction(nn.Module):
    """ReLU, two 1×1 convolutions with stride 2, the second shifted by one pixel, concatenation, batch norm."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.straight = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.shifted = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(x)
        even, odd = x[:, :, ::2, ::2], x[:, :, 1::2, 1::2]
        odd = F.pad(odd, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        return self.norm(torch.cat((self.straight(even), self.shifted(odd)), dim=1))


class EvenPool(nn.Module):
    """2×2 pooling that repeats the right and bottom border where the image's size does not fill the last window."""

    def __init__(self, pool: type[nn.Module], stride: int) -> None:
        super().__init__()
        self.pool = pool(2, stride)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        bottom, right = (1, 1) if self.stride == 1 else (x.shape[2] % 2, x.shape[3] % 2)
        return self.pool(F.pad(x, (0, right, 0, bottom), mode="replicate") if bottom or right else x)


def max_pool(kernel: int, stride: int) -> nn.Module:
    """Return a max pooling whose padding is never the maximum."""
    return nn.MaxPool2d(kernel, stride, kernel // 2) if kernel % 2 else EvenPool(nn.MaxPool2d, stride)


def avg_pool(kernel: int, stride: int) -> nn.Module:
    """Return an average pooling that excludes padding."""
    if kernel % 2:
        return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)
    return EvenPool(nn.AvgPool2d, stride)


def skip(channels: int, stride: int) -> nn.Module:
    """Return the identity, or a factorised reduction if the stride is 2."""
    return nn.Identity() if stride == 1 else FactorisedReduction(channels, channels)


class Cell(nn.Module):
    """A cell: intermediate nodes sum their incoming edges, and the output concatenates or sums some of the nodes.

    Args:
        cell: a dict of inputs, nodes, edges (operation, source, target), output, combine ("concat" or "sum").
        operations: builders by name, called with (channels, stride).
        reduces: whether edges that start at an input node have stride 2.
        preprocess: one module per input; empty to take inputs as they are.
        carried: in a reduction cell, the module that halves each input node that is part of the output.
    """

    def __init__(
        self,
        cell: dict[str, Any],
        operations: dict[str, Any],
        channels: int,
        reduces: bool,
        preprocess: list[nn.Module],
        carried: dict[str, nn.Module],
    ) -> None:
        super().__init__()
        self.cell = cell
        self.stride = 2 if reduces else 1
        self.preprocess = nn.ModuleList(preprocess)
        self.operations = nn.ModuleDict()
        for i, (name, source, _) in enumerate(cell["edges"]):
            if name in operations:
                self.operations[str(i)] = operations[name](channels, self.stride if source < cell["inputs"] else 1)
        self.carried = nn.ModuleDict(carried)

    def forward(self, *earlier: Tensor) -> Tensor:
        inputs = earlier[-self.cell["inputs"] :]
        nodes = (
            [block(x) for block, x in zip(self.preprocess, inputs, strict=True)]
            if len(self.preprocess)
            else list(inputs)
        )
        for node in range(len(nodes), self.cell["nodes"]):
            terms = [
                self.operations[str(i)](nodes[source])
                for i, (_, source, target) in enumerate(self.cell["edges"])
                if target == node and str(i) in self.operations
            ]
            zeros = torch.zeros_like(nodes[0][:, :, :: self.stride, :: self.stride])
            nodes.append(sum(terms[1:], terms[0]) if terms else zeros)
        output = [
            self.carried[str(node)](nodes[node]) if str(node) in self.carried else nodes[node]
            for node in self.cell["output"]
        ]
        return torch.cat(output, dim=1) if self.cell["combine"] == "concat" else sum(output[1:], output[0])


class Network(nn.Module):
    """Stem, cells, classifier: images [batch, 3, height, width] to logits [batch, classes].

    An auxiliary head takes the output of cell `auxiliary_after`; training mode then returns (logits, auxiliary logits).
    """

    def __init__(
        self,
        stem: list[nn.Module],
        cells: list[nn.Module],
        classifier: nn.Module,
        auxiliary: nn.Module | None = None,
        auxiliary_after: int = -1,
    ) -> None:
        super().__init__()
        self.stem = nn.ModuleList(stem)
        self.cells = nn.ModuleList(cells)
        self.classifier = classifier
        self.auxiliary = auxiliary
        self.auxiliary_after = auxiliary_after

    def forward(self, images: Tensor) -> Any:
        first = last = self.stem[0](images)
        for block in self.stem[1:]:
            last = block(last)
        states = (first, last)
        auxiliary_logits = None
        for index, cell in enumerate(self.cells):
            states = (states[1], cell(*states))
            if self.training and self.auxiliary is not None and index == self.auxiliary_after:
                auxiliary_logits = self.auxiliary(states[1])
        logits = self.classifier(states[1])
        return logits if auxiliary_logits is None else (logits, auxiliary_logits)
