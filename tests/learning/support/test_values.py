from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from nat_core.learning.support.values import dataclass_of


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
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
    assert dataclass_of(Outer, FULL) == expected
    assert dataclass_of(Outer, {"name": "x"}) == Outer("x")
    assert dataclass_of(Outer, {"name": "x", "inner": Inner(7)}) == Outer("x", inner=Inner(7))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": 3}, "name is 3; it must be a text"),
        ({"kind": "c"}, "kind is 'c'; it must be 'a' or 'b'"),
        ({"kind": []}, "kind is []; it must be 'a' or 'b'"),
        ({"rate": True}, "rate is True; it must be a number"),
        ({"on": 1}, "on is 1; it must be true or false"),
        ({"pair": [0.3]}, "pair is [0.3]; it must be a list of 2"),
        ({"seeds": {"a": 1}}, "seeds is {'a': 1}; it must be a list"),
        ({"seeds": [1, 2.5]}, "seeds[1] is 2.5; it must be a whole number"),
        ({"inner": {"size": "big"}}, "inner.size is 'big'; it must be a whole number"),
        ({"inner": {"colour": 1}}, "unknown field 'inner.colour'; accepted: size"),
        ({"inner": 3}, "inner: 3 is not an object; its fields: size"),
        ({"several": [{"size": None}]}, "several[0].size is None; it must be a whole number"),
        ({"limit": "x"}, "limit is 'x'; it must be a whole number"),
        ({"facts": []}, "facts is []; it must be an object"),
    ],
)
def test_what_does_not_fit_is_named(changes, sentence):
    with pytest.raises(ValueError) as refused:
        dataclass_of(Outer, {**FULL, **changes})
    assert str(refused.value) == sentence


def test_missing_fields_and_no_objects_are_refused():
    with pytest.raises(ValueError, match="the field 'name' is missing"):
        dataclass_of(Outer, {})
    with pytest.raises(ValueError, match="Outer: 'text' is not an object; its fields: name"):
        dataclass_of(Outer, "text")
    with pytest.raises(ValueError) as refused:
        dataclass_of(Outer, {**FULL, "name": ["y" * 10000]})
    assert len(str(refused.value)) < 200
