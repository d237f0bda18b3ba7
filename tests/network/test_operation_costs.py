from nat_core.architecture.operations import NAMES, NULL
from nat_core.network import operation_costs
from nat_core.network.operation_costs import keys, measure_all, small_cost


def test_the_asset_holds_what_measuring_gives():
    shipped = operation_costs._shipped()
    assert shipped == measure_all()
    assert {name for name, *_ in shipped} == set(NAMES) - {NULL}


def test_what_the_asset_lacks_is_measured(monkeypatch, tmp_path):
    known = small_cost("sep_conv_3x3", 4, 2, True)
    monkeypatch.setattr(operation_costs, "ASSET", tmp_path / "nothing.json")
    operation_costs._shipped.cache_clear()
    try:
        assert small_cost("sep_conv_3x3", 4, 2, True) == known
    finally:
        operation_costs._shipped.cache_clear()


def test_keys_are_distinct():
    assert len(set(keys())) == len(list(keys()))
