"""The network for ImageNet equals one that is written by hand from DARTS' recipe, auxiliary head included."""

import pytest
import torch

from nat_core.architecture.library import find
from nat_core.network.config import NetworkConfig
from nat_core.network.networks import build_network
from nat_core.network.weights import matched
from tests.support import darts_family


@pytest.mark.parametrize("name", ["DARTS", "PC_DARTS_CIFAR", "PDARTS", "NASNet-A"])
def test_outputs_equal_those_of_a_network_written_by_hand(name):
    torch.manual_seed(0)
    given = find(name).architecture
    theirs = darts_family.original(given, 8, 6, classes=11, auxiliary=True, imagenet=True).double()
    ours = build_network(given, NetworkConfig("imagenet", 8, 6, 224, 11, auxiliary=True)).double()
    weights = {key: value for key, value in theirs.state_dict().items() if not key.endswith("num_batches_tracked")}
    ours.load_state_dict(matched(weights, ours), strict=False)
    images = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs(images), atol=1e-5, rtol=1e-5)
        logits, auxiliary = ours.train()(images)
        expected, expected_auxiliary = _in_training(theirs, images)
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(auxiliary, expected_auxiliary, atol=1e-5, rtol=1e-5)


def _in_training(network, images):
    """Both logits: the second ones from the output of the second reduction cell, whose head the recipe describes."""
    network.train()
    outputs = []
    network.cells[2 * len(network.cells) // 3].register_forward_hook(
        lambda module, inputs, output: outputs.append(output)
    )
    logits = network(images)
    head = network.auxiliary_head
    return logits, head.classifier(head.features(outputs[0]).flatten(1))
