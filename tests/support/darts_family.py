"""An independent implementation of the DARTS family's networks, from which published weights are saved.

Module names, order and arithmetic are the originals'; `nat_core.network` is not used, so that the two can be compared.
"""

import torch
from torch import nn
from torch.nn import functional as F

POOLS = {
    "max": lambda k, s: nn.MaxPool2d(k, s, k // 2),
    "avg": lambda k, s: nn.AvgPool2d(k, s, k // 2, count_include_pad=False),
}


def conv(c_in, c_out, kernel, stride=1, padding=0, **options):
    return nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=False, **options)


class Op(nn.Module):
    """Layers registered under the name `op`."""

    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


class FactorizedReduce(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv_1 = conv(c_in, c_out // 2, 1, 2)
        self.conv_2 = conv(c_in, c_out // 2, 1, 2)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))


def relu_conv_bn(c_in, c_out):
    return Op(nn.ReLU(), conv(c_in, c_out, 1), nn.BatchNorm2d(c_out))


def separable(c, k, stride, dilation=1):
    padding = dilation * (k // 2)
    return (
        nn.ReLU(), conv(c, c, k, stride, padding, dilation=dilation, groups=c), conv(c, c, 1), nn.BatchNorm2d(c),
    )  # fmt: skip


def operation(name, c, stride):
    kind, _, size = name.rpartition("_")
    k = int(size.rpartition("x")[2]) if "x" in size else 0
    if kind in ("max_pool", "avg_pool"):
        return POOLS[kind[:3]](k, stride)
    if name == "skip_connect":
        return FactorizedReduce(c, c) if stride == 2 else nn.Identity()
    if kind == "sep_conv":
        return Op(*separable(c, k, stride), *separable(c, k, 1))
    if kind == "dil_conv":
        return Op(*separable(c, k, stride, dilation=2))
    if name in ("conv_7x1_1x7", "conv_1x7_7x1"):
        thin = conv(c, c, (1, 7), (1, stride), (0, 3)), conv(c, c, (7, 1), (stride, 1), (3, 0))
        return nn.Sequential(nn.ReLU(), *thin, nn.BatchNorm2d(c))
    if kind == "conv":
        return Op(nn.ReLU(), conv(c, c, k, stride, k // 2), nn.BatchNorm2d(c))
    raise AssertionError(name)


class Cell(nn.Module):
    """A cell; `edges` are (operation, source, target), `concat` the nodes of the output."""

    def __init__(self, edges, concat, c_older, c_newer, c, reduces, after_reduction):
        super().__init__()
        self.preprocess0 = FactorizedReduce(c_older, c) if after_reduction else relu_conv_bn(c_older, c)
        self.preprocess1 = relu_conv_bn(c_newer, c)
        self._ops = self.register_ops(
            [(source, target, operation(name, c, 2 if reduces and source < 2 else 1)) for name, source, target in edges]
        )
        self.ends, self.concat = [(source, target) for _, source, target in edges], concat

    @staticmethod
    def register_ops(ops):
        return nn.ModuleList(op for *_, op in ops)

    def in_order(self):
        return list(self._ops)

    def forward(self, older, newer):
        states = {0: self.preprocess0(older), 1: self.preprocess1(newer)}
        for op, (source, target) in zip(self.in_order(), self.ends, strict=True):
            x = op(states[source])
            states[target] = states[target] + x if target in states else x
        return torch.cat([states[node] for node in self.concat], dim=1)


class NodeWiseCell(Cell):
    """FairDARTS' cell: operations sorted by target, source and number; `edges` must have this order, too."""

    @staticmethod
    def register_ops(ops):
        nodes = nn.ModuleDict()
        for source, target, op in ops:
            if str(target) not in nodes:
                nodes[str(target)] = nn.ModuleDict()
            if str(source) not in nodes[str(target)]:
                nodes[str(target)][str(source)] = nn.ModuleList()
            nodes[str(target)][str(source)].append(op)
        return nodes

    def in_order(self):
        return [op for sources in self._ops.values() for ops in sources.values() for op in ops]


class AuxiliaryHead(nn.Module):
    """The auxiliary classifier; CIFAR's features end with a batch norm, ImageNet's do not."""

    def __init__(self, c, classes, stride, last_norm):
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(), nn.AvgPool2d(5, stride, count_include_pad=False), conv(c, 128, 1), nn.BatchNorm2d(128),
            nn.ReLU(), conv(128, 768, 2), *([nn.BatchNorm2d(768)] if last_norm else []), nn.ReLU(),
        )  # fmt: skip
        self.classifier = nn.Linear(768, classes)


class Network(nn.Module):
    """A network; `normal` and `reduction` are (edges, concat)."""

    def __init__(self, c, classes, layers, auxiliary, normal, reduction, imagenet=False, cell=Cell):
        super().__init__()
        self.imagenet = imagenet
        older = newer = c if imagenet else 3 * c
        if imagenet:
            self.stem0 = nn.Sequential(
                conv(3, c // 2, 3, 2, 1), nn.BatchNorm2d(c // 2), nn.ReLU(), conv(c // 2, c, 3, 2, 1), nn.BatchNorm2d(c)
            )
            self.stem1 = nn.Sequential(nn.ReLU(), conv(c, c, 3, 2, 1), nn.BatchNorm2d(c))
        else:
            self.stem = nn.Sequential(conv(3, newer, 3, 1, 1), nn.BatchNorm2d(newer))
        self.cells, after_reduction = nn.ModuleList(), imagenet
        for index in range(layers):
            reduces = index in (layers // 3, 2 * layers // 3)
            c *= 2 if reduces else 1
            edges, concat = reduction if reduces else normal
            self.cells.append(cell(edges, concat, older, newer, c, reduces, after_reduction))
            older, newer, after_reduction = newer, len(concat) * c, reduces
            if index == 2 * layers // 3:
                for_auxiliary = newer
        if auxiliary:
            self.auxiliary_head = AuxiliaryHead(for_auxiliary, classes, 2 if imagenet else 3, last_norm=not imagenet)
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(newer, classes)

    def forward(self, images):
        s0 = self.stem0(images) if self.imagenet else self.stem(images)
        s1 = self.stem1(s0) if self.imagenet else s0
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return self.classifier(self.global_pooling(s1).flatten(1))


class BenchmarkCell(nn.Module):
    """NAS-Bench-201's cell with one input; a null edge is a module without tensors, as in AutoDL-Projects."""

    def __init__(self, edges, c):
        super().__init__()
        self.layers = nn.ModuleList(nn.Flatten() if name == "null" else operation(name, c, 1) for name, *_ in edges)
        self.edges = edges

    def forward(self, x):
        states = {0: x}
        for layer, (name, source, target) in zip(self.layers, self.edges, strict=True):
            y = torch.zeros_like(x) if name == "null" else layer(states[source])
            states[target] = states[target] + y if target in states else y
        return states[max(states)]


class ResNetBasicblock(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv_a = Op(nn.ReLU(), conv(c_in, c_out, 3, 2, 1), nn.BatchNorm2d(c_out))
        self.conv_b = Op(nn.ReLU(), conv(c_out, c_out, 3, 1, 1), nn.BatchNorm2d(c_out))
        self.downsample = nn.Sequential(nn.AvgPool2d(2), conv(c_in, c_out, 1))

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class TinyNetwork(nn.Module):
    """NAS-Bench-201's network: three stages of n cells."""

    def __init__(self, c, n, edges, classes):
        super().__init__()
        self.stem = nn.Sequential(conv(3, c, 3, 1, 1), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList()
        for stage in range(3):
            if stage:
                self.cells.append(ResNetBasicblock(c, 2 * c))
                c *= 2
            self.cells.extend(BenchmarkCell(edges, c) for _ in range(n))
        self.lastact = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU())
        self.global_pooling = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(c, classes)

    def forward(self, images):
        x = self.stem(images)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(self.global_pooling(self.lastact(x)).flatten(1))


def benchmark_original(architecture, c, n, classes=10):
    """Return NAS-Bench-201's network of `architecture`, like `original`."""
    return randomised(TinyNetwork(c, n, [tuple(edge) for edge in architecture.normal.edges], classes))


def original(architecture, c, layers, classes=10, auxiliary=False, imagenet=False, cell=Cell):
    """Return the network of `architecture` with random weights and batch norm statistics, in evaluation mode."""
    cells = [([tuple(edge) for edge in item.edges], item.output_nodes) for _, item in architecture.cells]
    return randomised(Network(c, classes, layers, auxiliary, *cells, imagenet=imagenet, cell=cell))


def randomised(network):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            module.num_batches_tracked.fill_(7)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_(0, 0.2)
    return network.eval()
