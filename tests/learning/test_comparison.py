from dataclasses import replace

import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import shortest
from nat_core.learning.comparison import Item, chains, library_items, rows
from nat_core.learning.scratch.measured import MeasuredAccuracy, MeasuredResult
from nat_core.network.config import NETWORKS

CIFAR = NETWORKS["cifar"]


def by_name(network=CIFAR, measured=None):
    return {row.item.name: row for row in rows(library_items(), network, measured)}


def test_costs_are_the_known_ones_at_any_size():
    found = by_name()
    assert (found["DARTS"].cost.parameters, found["DARTS"].cost.macs) == (3_349_342, 528_359_040)
    assert found["NATv2_DARTS"].cost.macs == 394_155_648
    small = by_name(replace(CIFAR, channels=16, layers=8))
    assert small["DARTS"].cost.macs < found["DARTS"].cost.macs / 10


def test_what_does_not_fit_has_no_cost():
    assert all(row.cost is None for row in by_name(NETWORKS["nasbench201"]).values())


def test_equal_architectures_share_a_published_result():
    found = by_name()
    assert found["DARTS"].item.architecture == found["DARTS_V2"].item.architecture
    assert found["DARTS"].published_accuracy_percent == pytest.approx(97.24)
    assert found["NAT_DARTS"].published_accuracy_percent is None


def test_published_changes_outside_the_methods_rule_are_told():
    found = by_name()
    assert any("conv 1×1 → max 3×3" in change for change in found["NATv2_NAONet"].outside_rule)
    assert found["DARTS"].outside_rule == () and found["NAT_DARTS"].outside_rule == ()


def test_chains_go_from_input_over_nat_to_nat_plus_plus():
    found = {chain[0].name: [item.method for item in chain] for chain in chains(library_items())}
    assert found["DARTS"] == [None, "NAT", "NAT++"] and found["Random_R1"] == [None, "NAT"]
    assert "PDARTS" not in found
    assert len(found) == len({entry.derived_from for entry in library().values() if entry.derived_from})


def test_measured_accuracies_are_means_over_seeds():
    architecture = library()["ENAS"].architecture
    texts = dict.fromkeys(("network", "data", "preset"), "") | {"date": "2026-01-01", "settings": {}, "machine": {}}
    numbers = {"parameters": 1, "macs": 1, "epochs": 3, "elapsed_seconds": 1.0}
    results = [
        MeasuredResult("ENAS", shortest(architecture), accuracy, "test", "abc", seed, **numbers, **texts)
        for seed, accuracy in enumerate((80.0, 82.0))
    ]
    found = by_name(measured=MeasuredAccuracy(results))
    assert found["ENAS"].measured_accuracy_percent == 81 and found["DARTS"].measured_accuracy_percent is None


def test_an_own_architecture_stands_beside_the_library():
    item = Item("mine", library()["ENAS"].architecture, "own", derived_from="ENAS", method="ours")
    (*_, row) = rows((*library_items(), item), CIFAR)
    assert row.space == "Loose-end (ENAS-like)" and row.outside_rule == ()
