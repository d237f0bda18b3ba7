import random
import weakref
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch import nn

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.network.config import NetworkConfig
from nat_core.network.supernet import Supernet

CONFIGS = {
    "fully_concat": NetworkConfig("cifar", channels=4, layers=4, resolution=8, classes=5),
    "loose_end": NetworkConfig("cifar", channels=4, layers=4, resolution=9, classes=5),
    "nasbench201": NetworkConfig("nasbench201", channels=4, layers=3, resolution=9, classes=5),
}
SPACE = SPACES["fully_concat"]


@pytest.fixture(scope="module")
def supernets():
    torch.manual_seed(0)
    return {name: Supernet(SPACES[name], config) for name, config in CONFIGS.items()}


@pytest.fixture(scope="module")
def supernet(supernets):
    return supernets["fully_concat"]


def images(batch=6, side=8, device="cpu"):
    x = torch.randn(batch, 3, side, side, device=device, generator=torch.Generator(device).manual_seed(1))
    return x.contiguous(memory_format=torch.channels_last)


def sampled(space, seed, null_share=0.0):
    """Drawn from a space, a share of the edges then null: dead edges, and nodes of zeros."""
    rng = random.Random(seed)
    architecture = SPACES[space].sample(rng)
    return architecture.with_operations(
        ["null" if rng.random() < null_share else operation for operation in architecture.operations]
    )


def two_cells(*edges, nodes=4, output=(2, 3)):
    cell = Cell(2, nodes, tuple(Edge(*edge) for edge in edges), tuple(output))
    return Architecture(cell, cell)


# The same function as a network of its own


@pytest.mark.parametrize("null_share", [0, 0.3, 0.7])
@pytest.mark.parametrize("space", SPACES)
def test_logits_equal_those_of_a_standalone_network_with_the_same_weights(supernets, space, null_share):
    net, x = supernets[space], images(side=CONFIGS[space].resolution)
    for seed in range(20):
        architecture = sampled(space, seed, null_share)
        assert net.mismatch(architecture) is None
        with torch.no_grad():
            logits = net(x, architecture)
            assert torch.allclose(logits, net.standalone(architecture)(x), atol=1e-5)
        assert logits.shape == (6, 5)


def squares(network):
    return sum(p.grad.square().sum().item() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("space", ["fully_concat", "loose_end"])
def test_gradients_equal_those_of_a_standalone_network(supernets, space):
    net, x = supernets[space], images(side=CONFIGS[space].resolution)
    for seed in range(5):
        architecture = sampled(space, seed, 0.2).effective
        net.zero_grad(set_to_none=True)
        net(x, architecture).logsumexp(1).sum().backward()
        alone = net.standalone(architecture)
        alone(x).logsumexp(1).sum().backward()
        assert torch.allclose(net.stem[0][0].weight.grad, alone.stem[0][0].weight.grad, atol=1e-4)
        parallel = any(len(set(cell.edges)) < len(cell.edges) for _, cell in architecture.cells)
        if not parallel:
            assert squares(net) == pytest.approx(squares(alone), rel=1e-3)


def test_dilated_separable_and_thin_convolutions():
    names = ("dil_sep_conv_3x3", "dil_sep_conv_5x5", "conv_7x1_1x7", "conv_1x3_3x1", "null")
    net = Supernet(replace(SPACE, operations=names), replace(CONFIGS["fully_concat"], layers=3))
    for seed in range(5):
        architecture = net.space.sample(random.Random(seed))
        assert net.mismatch(architecture) is None
        with torch.no_grad():
            assert torch.allclose(net(images(), architecture), net.standalone(architecture)(images()), atol=1e-5)


@pytest.mark.parametrize("name", ["DARTS", "NAONet", "ENAS", "NASNet-A"])
def test_published_cells(name):
    architecture = library()[name].architecture
    space = replace(space_of(architecture), operations=tuple(sorted(set(architecture.operations))))
    net = Supernet(space, replace(CONFIGS["fully_concat"], layers=3), intermediates=5)
    assert net.mismatch(architecture) is None
    with torch.no_grad():
        assert torch.allclose(net(images(), architecture), net.standalone(architecture)(images()), atol=1e-5)


def test_imagenet_network_and_a_stem_of_stride_two():
    for config in (
        NetworkConfig("imagenet", channels=4, layers=3, resolution=32, classes=5),
        NetworkConfig("cifar", channels=4, layers=3, resolution=16, classes=5, stem_stride=2),
    ):
        net, architecture = Supernet(SPACE, config), sampled("fully_concat", 3)
        x = images(side=config.resolution)
        with torch.no_grad():
            assert torch.allclose(net(x, architecture), net.standalone(architecture)(x), atol=1e-5)


def test_a_standalone_network_owns_its_weights(supernet):
    alone = supernet.standalone(sampled("fully_concat", 0))
    before = supernet.stem[0][0].weight.clone()
    with torch.no_grad():
        for parameter in alone.parameters():
            parameter.zero_()
    assert torch.equal(supernet.stem[0][0].weight, before)


# Shared


def test_loose_ends_are_what_is_concatenated(supernets):
    net = supernets["loose_end"]
    cell = SPACES["loose_end"].cell((Edge("conv_1x1", 0, 2), Edge("conv_3x3", 2, 3), Edge("conv_1x1", 1, 4)), 5)
    assert cell.output_nodes == (3, 4)
    seen = []
    handle = net.classifier.block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    net(images(side=9), Architecture(cell, cell))
    handle.remove()
    assert seen == [2 * 16]  # two nodes of 4 · 2 · 2 channels


def test_the_weights_of_a_node_are_the_same_in_every_company(supernet):
    one = two_cells(("conv_1x1", 0, 2), ("conv_3x3", 1, 3), output=(2, 3))
    reordered = two_cells(("conv_3x3", 1, 3), ("conv_1x1", 0, 2), output=(3, 2))
    x = images()
    assert torch.allclose(supernet(x, one), supernet(x, reordered), atol=1e-6)
    alone = supernet.standalone(reordered)
    with torch.no_grad():
        assert torch.allclose(supernet(x, reordered), alone(x), atol=1e-5)


def test_parallel_edges_share_a_module_and_count_twice(supernet):
    calls = []
    handle = supernet.cells[0].operations["0_2_conv_3x3"].register_forward_hook(lambda *_: calls.append(1))
    twice = two_cells(("conv_3x3", 0, 2), ("conv_3x3", 0, 2), ("skip_connect", 1, 2), nodes=3, output=(2,))
    once = two_cells(("conv_3x3", 0, 2), ("skip_connect", 1, 2), nodes=3, output=(2,))
    x = images()
    logits = supernet(x, twice)
    assert len(calls) == 1
    handle.remove()
    assert not torch.allclose(logits, supernet(x, once), atol=1e-3)
    with torch.no_grad():
        assert torch.allclose(logits, supernet.standalone(twice)(x), atol=1e-5)


def executed(net, architecture):
    """Keys of the modules that a forward pass executes in the first cell."""
    keys, handles = set(), []
    for key, module in net.cells[0].operations.items():
        handles.append(module.register_forward_hook(lambda *_, key=key: keys.add(key)))
    net(images(), architecture)
    for handle in handles:
        handle.remove()
    return keys


def test_null_and_dead_edges_and_sources_of_zeros_are_not_executed(supernet):
    before = []
    handle = supernet.cells[0].preprocess[1].register_forward_hook(lambda *_: before.append(1))
    architecture = two_cells(
        ("null", 0, 2),
        ("conv_5x5", 2, 3),  # of zeros
        ("conv_3x3", 0, 3),
        ("sep_conv_3x3", 1, 4),  # dead
        nodes=5,
        output=(2, 3),
    )
    assert executed(supernet, architecture) == {"0_3_conv_3x3"}
    handle.remove()
    assert not before  # node 1 is read by a dead edge only


def test_a_network_through_which_nothing_flows_has_the_bias_as_logits(supernets):
    for space in ("fully_concat", "nasbench201"):
        net, x = supernets[space], images(side=CONFIGS[space].resolution)
        architecture = sampled(space, 0, null_share=1.0)
        logits = net(x, architecture)
        assert torch.allclose(logits, net.standalone(architecture)(x))
        assert torch.equal(logits[0], logits[1])
        logits.sum().backward()


def test_what_is_not_used_gets_no_gradient(supernet):
    supernet.zero_grad(set_to_none=True)
    supernet(images(), two_cells(("conv_3x3", 1, 2), ("dil_conv_3x3", 2, 3))).sum().backward()
    with_gradient = {name for name, p in supernet.cells[0].operations.named_parameters() if p.grad is not None}
    assert with_gradient == {"1_2_conv_3x3.1.weight", "2_3_dil_conv_3x3.1.weight", "2_3_dil_conv_3x3.2.weight"}
    weight = supernet.classifier.block[2].weight.grad.unflatten(1, (4, -1))
    assert weight[:, :2].any()
    assert not weight[:, 2:].any()  # the nodes of other architectures


def test_a_relu_is_computed_once_per_node(supernet):
    edges = [("conv_3x3", 0, 2), ("sep_conv_3x3", 0, 2), ("dil_conv_3x3", 0, 2)]
    architecture = two_cells(*edges, nodes=3, output=(2,))
    relus = []
    real = torch.nn.functional.relu
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "relu", lambda x, *args, **kw: relus.append(1) or real(x, *args, **kw))
        supernet(images(), architecture)
    per_cell = 2 + 1  # node 0, and between the two halves of the separable convolution; node 2 for the next cells
    assert len(relus) == 1 + 4 * per_cell - 1  # the stem's output; the last cell's is taken as it is


# Several architectures at once


@pytest.mark.parametrize("null_share", [0, 0.3])
@pytest.mark.parametrize("space", SPACES)
def test_logits_of_several_architectures_are_those_of_each(supernets, space, null_share):
    net, x = supernets[space], images(side=CONFIGS[space].resolution)
    given = sampled(space, 0, null_share)
    related = [given.with_operations([*given.operations[:-1], name]) for name in ("null", *given.operations[:3])]
    architectures = [given, *related, given, *(sampled(space, seed, null_share) for seed in range(5))]
    with torch.no_grad():
        together = [*net.each(x, architectures)]
        assert all(torch.equal(*pair) for pair in zip(together, [net(x, item) for item in architectures], strict=True))


def test_what_architectures_have_in_common_is_computed_once(supernet):
    first = two_cells(("conv_3x3", 0, 2), ("conv_1x1", 1, 3), ("conv_5x5", 2, 3))
    other = two_cells(("conv_3x3", 0, 2), ("sep_conv_3x3", 1, 3), ("conv_5x5", 2, 3))
    calls = Counter()
    cells = {"first": supernet.cells[0], "last": supernet.cells[-1]}
    handles = [
        module.register_forward_hook(lambda *_, key=(place, key): calls.update([key]))
        for place, cell in cells.items()
        for key, module in cell.operations.items()
    ]
    list(supernet.each(images(), [first, other]))
    for handle in handles:
        handle.remove()
    common = {"0_2_conv_3x3": 1, "2_3_conv_5x5": 1, "1_3_conv_1x1": 1, "1_3_sep_conv_3x3": 1}
    assert {key: count for (place, key), count in calls.items() if place == "first"} == common
    assert calls["last", "0_2_conv_3x3"] == 2  # what comes before it differs


def test_values_are_kept_only_while_an_architecture_to_come_needs_them(supernet):
    alive = weakref.WeakSet()
    handles = [
        module.register_forward_hook(lambda _, inputs, output: alive.add(output))
        for cell in supernet.cells
        for module in cell.operations.values()
        if not isinstance(module, nn.Identity)
    ]
    with torch.no_grad():
        each = supernet.each(images(), [two_cells(("conv_3x3", 0, 2), (name, 1, 3)) for name in ("conv_1x1", "null")])
        next(each)
        assert len(alive) == 2  # the first two cells' 3×3 convolutions of the stem's output
        next(each)
        assert not alive
    for handle in handles:
        handle.remove()


def test_a_deep_network_needs_no_deep_recursion():
    chain = two_cells(*(("conv_1x1", node - 1, node) for node in range(2, 6)), nodes=6, output=range(2, 6))
    net = Supernet(SPACE, replace(CONFIGS["fully_concat"], layers=60))
    assert net(images(), chain).shape == (6, 5)


# Evaluation


def test_evaluation_modifies_nothing_and_equals_training(supernet):
    before = {name: tensor.clone() for name, tensor in supernet.state_dict().items()}
    architecture, x = sampled("fully_concat", 1), images()
    with torch.no_grad():
        trained = supernet.train()(x, architecture)
    with torch.inference_mode():
        assert torch.equal(supernet.eval()(x, architecture), trained)
    assert before.keys() == supernet.state_dict().keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in supernet.state_dict().items())


def test_the_state_is_parameters_only(supernet):
    assert set(supernet.state_dict()) == {name for name, _ in supernet.named_parameters()}
    assert not any(isinstance(m, nn.BatchNorm2d) and (m.affine or m.track_running_stats) for m in supernet.modules())
    other = Supernet(SPACE, CONFIGS["fully_concat"])
    other.load_state_dict(supernet.state_dict())
    architecture = sampled("fully_concat", 2)
    assert torch.equal(other(images(), architecture), supernet(images(), architecture))


def test_every_device(device):
    net = Supernet(SPACE, CONFIGS["fully_concat"]).to(device)
    architecture = sampled("fully_concat", 4)
    logits = net(images(device=device), architecture)
    logits.logsumexp(1).sum().backward()
    assert logits.device.type == device.type
    assert torch.allclose(logits, net.standalone(architecture)(images(device=device)), atol=1e-3)


# Refusals


def test_architectures_without_weights(supernet):
    assert "needs a normal and a reduction cell" in supernet.mismatch(sampled("nasbench201", 0))
    seven = two_cells(("sep_conv_7x7", 0, 2), ("skip_connect", 1, 3))
    assert "the normal cell has sep_conv_7x7, for which there are no shared weights" in supernet.mismatch(seven)
    with_input = two_cells(("sep_conv_3x3", 0, 2), ("skip_connect", 1, 3), output=(0, 2, 3))
    assert "the normal cell's output is not what" in supernet.mismatch(with_input)
    five = two_cells(*(("skip_connect", 0, node) for node in range(2, 7)), nodes=7, output=range(2, 7))
    assert supernet.mismatch(five) == ("the normal cell has 5 intermediate nodes; there are shared weights for 4")


def test_no_auxiliary_head():
    with pytest.raises(ValueError, match="a network of shared weights has no auxiliary head"):
        Supernet(SPACE, NetworkConfig("cifar", 4, 3, 32, 5, auxiliary=True))
