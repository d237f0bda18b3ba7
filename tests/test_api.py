"""What scripts and notebooks call says in a sentence what it does not take."""

from pathlib import Path

import numpy as np
import pytest

import nat_core

WRONG = (None, 5, 1.5, True, b"DARTS", {"a": 1}, object(), Path("DARTS"))


@pytest.mark.parametrize("call", [nat_core.cost, nat_core.draw, nat_core.transform, nat_core.front, nat_core.diff])
def test_an_architecture_of_another_type_is_named(call):
    for wrong in WRONG:
        given = (wrong, "DARTS") if call is nat_core.diff else (wrong,)
        with pytest.raises(TypeError, match=r"^an architecture is .{1,60}; accepted: an Architecture, or a text"):
            call(*given)


def test_so_is_one_of_several():
    for wrong in (None, 5, [5], ["DARTS", None], b"DARTS"):
        with pytest.raises(TypeError, match=r"^an architecture is "):
            nat_core.predict(wrong)
    for wrong in (None, 5, b"x", ["DARTS"]):
        with pytest.raises(TypeError, match=r"^the source is "):
            nat_core.read(wrong)


@pytest.mark.parametrize(
    "call, name, wrong",
    [
        (nat_core.transform, "candidates", 1.5), (nat_core.transform, "candidates", "x"),
        (nat_core.transform, "max_macs", float("nan")), (nat_core.transform, "max_macs", "1"),
        (nat_core.transform, "max_macs", 10**400), (nat_core.front, "candidates", 10**400),
        (nat_core.transform, "policy", 5), (nat_core.transform, "network", []), (nat_core.cost, "network", []),
        (nat_core.front, "cost", []), (nat_core.front, "candidates", None), (nat_core.front, "budgets", 0.5),
        (nat_core.front, "budgets", "0.5"), (nat_core.front, "budgets", ["a"]), (nat_core.front, "budgets", [None]),
        (nat_core.predict, "policy", 5), (nat_core.transform, "policy", "x" * 300), (nat_core.predict, "policy", "\0"),
    ],
)  # fmt: skip
def test_an_argument_of_another_type_is_named(call, name, wrong):
    with pytest.raises(ValueError, match="; accepted: ") as refused:
        call("DARTS", **{name: wrong})
    assert name.rstrip("s").replace("_", " ").split()[0] in str(refused.value) and len(str(refused.value)) < 300


def test_a_budget_may_be_any_number_and_numpys_counts_are_counts():
    share = 0.7 * nat_core.cost("DARTS").macs
    made = nat_core.transform("DARTS", max_macs=share, candidates=np.int64(3))
    assert made.output.cost.macs <= share and made.options.samples == 3
    assert nat_core.transform("DARTS", max_macs=np.int64(share), candidates=3).output == made.output
