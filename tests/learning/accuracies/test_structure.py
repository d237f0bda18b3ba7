"""What is counted about an architecture."""

from math import log

import numpy as np
import pytest

from nat_core.architecture.library import find
from nat_core.architecture.notation import parse
from nat_core.learning.accuracies.structure import FEATURES, carrying_edges, features
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

NETWORK = NETWORKS["cifar"]
GIVEN = parse(
    "Genotype(normal=[('conv_3x3', 0, 2), ('null', 1, 2), ('sep_conv_5x5', 2, 3), ('skip_connect', 0, 3), "
    "('max_pool_3x3', 0, 4), ('null', 1, 4), ('conv_1x1', 5, 6), ('null', 0, 5)], normal_concat=[2, 3, 6], "
    "reduce=[('avg_pool_3x3', 1, 2), ('dil_conv_3x3', 0, 3)], reduce_concat=[2, 3])"
)


def test_counts_of_a_cell_worked_out_by_hand():
    counts = dict(zip(FEATURES, features([GIVEN], NETWORK)[0], strict=True))
    macs = cost_model(NETWORK).cost(GIVEN.effective).macs
    assert counts.pop("ln MACs") == pytest.approx(np.log(macs))
    assert counts == pytest.approx(
        {
            "ln(1 + layers), normal cell": log(4),  # what hangs from a node without input carries nothing
            "ln(1 + layers of any kernel), normal cell": log(4),
            "ln(1 + max poolings), normal cell": 0,  # leads nowhere
            "ln(1 + average poolings), normal cell": 0,
            "reads the latest cell, normal cell": 0,
            "share of the older cell, up to 1/4, normal cell": 1 / 4,
            "most poolings on a path, normal cell": 0,
            "ln(1 + layers), reduction cell": log(2),
            "ln(1 + layers of any kernel), reduction cell": log(2),
            "ln(1 + max poolings), reduction cell": 0,
            "ln(1 + average poolings), reduction cell": log(2),
            "reads the latest cell, reduction cell": 1,
            "share of the older cell, up to 1/4, reduction cell": 1 / 4,
            "most poolings on a path, reduction cell": 1,
        }
    )


def test_only_what_leads_from_an_input_to_the_output_carries():
    assert [edge[1:] for edge in carrying_edges(GIVEN.normal)] == [(0, 2), (0, 3), (2, 3)]


@pytest.mark.parametrize(("name", "share"), [("VGG", 0), ("NAT_VGG", 1 / 4), ("ResBlock", 0), ("NAT_ResBlock", 1 / 4)])
def test_skips_from_the_older_cell_are_seen(name, share):
    counts = dict(zip(FEATURES, features([find(name).architecture], NETWORK)[0], strict=True))
    assert counts["share of the older cell, up to 1/4, normal cell"] == pytest.approx(share)


def test_poolings_one_after_the_other_are_seen():
    row = "[('max_pool_3x3', 0, 2), ('avg_pool_3x3', 2, 3), ('sep_conv_3x3', 3, 4), ('max_pool_5x5', 1, 4)]"
    given = parse(f"Genotype(normal={row}, normal_concat=[4], reduce={row}, reduce_concat=[2, 4])")
    counts = dict(zip(FEATURES, features([given], NETWORK)[0], strict=True))
    assert counts["most poolings on a path, normal cell"] == counts["most poolings on a path, reduction cell"] == 2


def test_an_architecture_without_reduction_cell_has_zeros_there():
    cell = parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|")
    (counts,) = features([cell], NETWORKS["nasbench201"])
    assert counts[-7:].tolist() == [0] * 7
    assert counts[1:8].tolist() == pytest.approx([log(2), log(3), 0, log(2), 1, 1 / 4, 1])


def test_architectures_are_counted_in_their_order():
    items = [find(name).architecture for name in ("DARTS", "ENAS", "DARTS")]
    together = features(items, NETWORK)
    assert together.shape == (3, len(FEATURES))
    assert (together[0] == together[2]).all() and (
        together == np.concatenate([features([i], NETWORK) for i in items])
    ).all()
    assert features([], NETWORK).shape == (0, len(FEATURES))
