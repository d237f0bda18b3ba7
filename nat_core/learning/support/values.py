"""JSON values as dataclasses, every field checked against its annotation before anything is built."""

import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def _is_finite(value: Any) -> bool:
    """A number that a float can hold; JSON may spell NaN, infinity and whole numbers of any length."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


_LARGEST = sys.float_info.max
_PLAIN: Mapping[type, tuple[str, Callable[[Any], bool]]] = types.MappingProxyType(
    {
        bool: ("true or false", lambda value: isinstance(value, bool)),
        int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
        float: ("a number", _is_finite),
        str: ("a text", lambda value: isinstance(value, str)),
        types.NoneType: ("null", lambda value: value is None),
    }
)


def dataclass_of(cls: type[T], value: Any, place: str = "") -> T:
    """The dataclass `cls` from a JSON object; fields of other dataclasses and tuples of them are built too.

    Args:
        place: what sentences say before a field's name.

    Raises:
        ValueError: no object, a field missing, unknown, or of another type; says which and what is accepted. So does
            `cls` for values that it does not accept.
    """
    known = {item.name: item for item in fields(cls)}
    if not isinstance(value, Mapping):
        what = place.rstrip(".") or cls.__name__
        raise ValueError(f"{what}: {value!r:.60} is not an object; its fields: {', '.join(known)}")
    if unknown := [name for name in value if name not in known]:
        raise ValueError(f"unknown field {f'{place}{unknown[0]}'!r:.60}; accepted: {', '.join(known)}")
    required = (name for name, item in known.items() if item.default is MISSING and item.default_factory is MISSING)
    if missing := [name for name in required if name not in value]:
        raise ValueError(f"the field {place + missing[0]!r} is missing")
    hints = get_type_hints(cls)
    return cls(**{name: _checked(hints[name], part, f"{place}{name}") for name, part in value.items()})


def number_at(value: Any, *path: str) -> float | None:
    """The finite number at `path` in a JSON object of objects; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return float(value) if _is_finite(value) else None


def _checked(hint: Any, value: Any, place: str) -> Any:
    """`value` as what the annotation `hint` asks for."""
    if hint in _PLAIN:
        title, fits = _PLAIN[hint]
        return _accepted(value, place, title, fits(value))
    if isinstance(hint, type) and is_dataclass(hint):
        return value if isinstance(value, hint) else dataclass_of(hint, value, f"{place}.")
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _accepted(value, place, " or ".join(map(repr, arguments)), value in arguments)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, place)
    if origin is tuple:
        return _sequence(arguments, value, place)
    return _accepted(value, place, "an object", hint is Any or isinstance(value, Mapping))


def _one_of(hints: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and types.NoneType in hints:
        return None
    return _checked(next(hint for hint in hints if hint is not types.NoneType), value, place)


def _sequence(hints: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _accepted(value, place, "a list", isinstance(value, list | tuple))
    if hints[-1] is Ellipsis:
        hints = hints[:1] * len(value)
    _accepted(value, place, f"a list of {len(hints)}", len(value) == len(hints))
    return tuple(_checked(hint, part, f"{place}[{i}]") for i, (hint, part) in enumerate(zip(hints, value, strict=True)))


def _accepted(value: Any, place: str, title: str, fits: bool) -> Any:
    if not fits:
        raise ValueError(f"{place} is {value!r:.60}; it must be {title}")
    return value
