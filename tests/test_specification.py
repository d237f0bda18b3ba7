from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

import pytest

from nat_core.specification import read, specified


@specified
class Inner:
    size: int = 1


@specified
class Outer:
    name: str
    kind: Literal["a", "b"] = "a"
    rate: float = 0.5
    on: bool = False
    pair: tuple[float, int] = (0.1, 2)
    seeds: tuple[int, ...] = ()
    inner: Inner = field(default_factory=Inner)
    several: tuple[Inner, ...] = ()
    limit: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


FULL = {
    "name": "x", "kind": "b", "rate": 1, "on": True, "pair": [0.3, 4], "seeds": [1, 2], "inner": {"size": 3},
    "several": [{"size": 4}, {}], "limit": None, "facts": {"any": [1]},
}  # fmt: skip


def test_every_kind_of_field_is_built():
    expected = Outer("x", "b", 1, True, (0.3, 4), (1, 2), Inner(3), (Inner(4), Inner()), None, {"any": [1]})
    assert read(Outer, FULL) == expected
    assert read(Outer, {"name": "x"}) == Outer("x")
    assert read(Outer, {"name": "x", "inner": Inner(7)}) == Outer("x", inner=Inner(7))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": 3}, "name is 3; accepted: a text"),
        ({"kind": "c"}, "kind is 'c'; accepted: 'a' or 'b'"),
        ({"kind": []}, "kind is []; accepted: 'a' or 'b'"),
        ({"rate": True}, "rate is True; accepted: numbers"),
        ({"on": 1}, "on is 1; accepted: true or false"),
        ({"pair": [0.3]}, "pair is [0.3]; accepted: a list of 2: numbers and whole numbers"),
        ({"seeds": {"a": 1}}, "seeds is {'a': 1}; accepted: a list: whole numbers"),
        ({"seeds": [1, 2.5]}, "seeds[1] is 2.5; accepted: whole numbers"),
        ({"inner": {"size": "big"}}, "inner.size is 'big'; accepted: whole numbers"),
        ({"inner": {"colour": 1}}, "unknown field 'inner.colour'; accepted: size"),
        ({"inner": 3}, "inner is 3; accepted: an object; its fields: size"),
        ({"several": [{"size": None}]}, "several[0].size is None; accepted: whole numbers"),
        ({"limit": "x"}, "limit is 'x'; accepted: whole numbers or null"),
        ({"facts": []}, "facts is []; accepted: an object"),
    ],
)
def test_what_does_not_fit_is_named(changes, sentence):
    with pytest.raises(ValueError) as refused:
        read(Outer, {**FULL, **changes})
    assert str(refused.value) == sentence


def test_missing_fields_and_no_objects_are_refused():
    with pytest.raises(ValueError, match="the field 'name' is missing"):
        read(Outer, {})
    with pytest.raises(ValueError, match="Outer is 'text'; accepted: an object; its fields: name"):
        read(Outer, "text")
    with pytest.raises(ValueError) as refused:
        read(Outer, {**FULL, "name": ["y" * 10000]})
    assert len(str(refused.value)) < 200
