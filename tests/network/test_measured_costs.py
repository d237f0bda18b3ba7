from nat_core.architecture.operations import NAMES, NULL
from nat_core.network import measured_costs
from nat_core.network.blocks import Classifier
from nat_core.network.measured_costs import (
    BLOCKS,
    block_name,
    measure_all,
    operation_keys,
    small_block_cost,
    small_cost,
)


def test_the_asset_holds_what_measuring_gives():
    shipped = measured_costs._shipped()
    assert shipped == measure_all()
    assert {name for name, *_ in shipped} == (set(NAMES) - {NULL}) | {block_name(block) for block in BLOCKS}


def test_what_the_asset_lacks_is_measured(monkeypatch, tmp_path):
    known, block = small_cost("sep_conv_3x3", 4, 2, True), small_block_cost(Classifier, 4, 2)
    monkeypatch.setattr(measured_costs, "ASSET", tmp_path / "nothing.json")
    measured_costs._shipped.cache_clear()
    try:
        assert small_cost("sep_conv_3x3", 4, 2, True) == known
        assert small_block_cost(Classifier, 4, 2) == block
    finally:
        measured_costs._shipped.cache_clear()


def test_keys_are_distinct():
    assert len(set(operation_keys())) == len(list(operation_keys()))
