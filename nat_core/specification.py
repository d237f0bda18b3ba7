"""Configurations that check themselves: a field's annotation says its type, its bounds and what else is accepted.

A class that is `specified` is a frozen pydantic dataclass. Values are not converted: text is no number, and NaN and
unknown fields are refused. This module alone turns validation errors into one sentence.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache, wraps
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

T = TypeVar("T")

_STRICT = ConfigDict(arbitrary_types_allowed=True, strict=True, extra="forbid", allow_inf_nan=False)
_TITLES: Mapping[Any, str] = {
    bool: "true or false", int: "whole numbers", float: "numbers", str: "a text", NoneType: "null", Any: "anything"
}  # fmt: skip
_REFUSED = "one_of"
_LIMITS = ("min_length", "max_length", "ge", "le", "lt")


@dataclass(frozen=True, eq=False)
class OneOf:
    """An annotation for fields whose text is one of a few choices.

    Attributes:
        titles: accepted texts, with the titles shown to people.
        refused: reasons why certain other texts are not accepted, by text.
    """

    titles: Mapping[str, Any]
    refused: Mapping[str, str] = field(default_factory=dict)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def _checked(self, value: str) -> str:
        if value not in self.titles:
            raise PydanticCustomError(_REFUSED, f", {self.refused[value]}" if value in self.refused else "")
        return value


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def specified(cls: type[T]) -> type[T]:
    """Make a class a frozen dataclass that checks its fields when created. It raises ValueError like `read`."""
    made: Any = pydantic_dataclass(frozen=True, config=_STRICT)(cls)
    build = made.__init__

    @wraps(build)
    def checked(self: Any, *arguments: Any, **values: Any) -> None:
        try:
            build(self, *arguments, **values)
        except ValidationError as error:
            raise ValueError(_sentence(made, error)) from None

    made.__init__ = checked
    return cast(type[T], made)


def read(cls: type[T], value: Any) -> T:
    """The `cls`, which is specified, from a JSON object; dataclasses and tuples within it are built, too.

    Raises:
        ValueError: `value` is no object, or a field is missing, unknown or not acceptable.
    """
    try:
        return cast(T, _adapter(cast(Any, cls)).validate_json(json.dumps(value, default=_plain)))
    except ValidationError as error:
        raise ValueError(_sentence(cls, error)) from None


def check(hint: Any, value: Any, name: str) -> None:
    """Raise ValueError if the annotation `hint` does not accept `value`; the message calls it `name`."""
    try:
        _adapter(hint).validate_python(value, strict=True)
    except ValidationError as error:
        raise ValueError(_sentence(hint, error, name)) from None


@cache
def _adapter(cls: Any) -> TypeAdapter[Any]:
    return TypeAdapter(cls)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else asdict(value)


def bare(hint: Any) -> Any:
    """The type of an annotation, without what is said of it and without None."""
    if get_origin(hint) is Annotated:
        return bare(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return bare(next(item for item in get_args(hint) if item is not NoneType))
    return hint


def said(hint: Any, kind: type[T]) -> T | None:
    """Return the object of this kind in an annotation."""
    notes = hint.__metadata__ if get_origin(hint) is Annotated else ()
    return next((note for note in notes if isinstance(note, kind)), None)


def accepted(hint: Any) -> str:
    """Return in words what an annotation accepts."""
    if choices := said(hint, OneOf):
        return ", ".join(filter(None, choices.titles))
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(accepted, get_args(hint)))
    kind, origin = bare(hint), get_origin(bare(hint))
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if origin is tuple:
        items = get_args(kind)
        many = "" if items[-1] is Ellipsis else f" of {len(items)}"
        return f"a list{many}: {' and '.join(dict.fromkeys(accepted(item) for item in items if item is not Ellipsis))}"
    if is_dataclass(kind):
        return f"an object; its fields: {', '.join(item.name for item in fields(kind))}"
    info = said(hint, FieldInfo)
    return f"{_TITLES.get(kind, 'an object')}{_bounds(info) if info else ''}"


def _bounds(info: FieldInfo) -> str:
    """A field has two bounds or none."""
    limits = {name: getattr(note, name) for note in info.metadata for name in _LIMITS if hasattr(note, name)}
    if not limits:
        return ""
    low, high = [f"{limit:,}" if isinstance(limit, int) else f"{limit:g}" for limit in limits.values()]
    below, characters = "below " if "lt" in limits else "", " characters" if "max_length" in limits else ""
    return f" from {low} to {below}{high}{characters}"


def _sentence(cls: Any, error: ValidationError, name: str = "") -> str:
    """The first thing that is wrong; a field too much or too few before any other."""
    first, *_ = sorted(error.errors(include_url=False), key=lambda item: _ORDER.get(item["type"], 2))
    hint, place = _place(cls, first["loc"])
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    if first["type"] == "unexpected_keyword_argument":
        known = bare(_place(cls, first["loc"][:-1])[0])
        return f"unknown field {place!r:.60}; accepted: {', '.join(item.name for item in fields(known))}"
    if first["type"] == "missing" and isinstance(first["loc"][-1], str):
        return f"the field {place!r} is missing"
    if first["type"] == "missing":
        hint, place = _place(cls, first["loc"][:-1])
    why = first["msg"] if first["type"] == _REFUSED else ""
    return f"{place or name or cls.__name__} is {first['input']!r:.60}{why}; accepted: {accepted(hint)}"


_ORDER: Mapping[str, int] = {"unexpected_keyword_argument": 0, "missing": 1}


def _place(cls: Any, path: tuple[int | str, ...]) -> tuple[Any, str]:
    """The annotation at a path below a class, and how to say where that is."""
    hint, place = cls, ""
    for part in path:
        kind = bare(hint)
        if is_dataclass(kind):
            name = fields(kind)[part].name if isinstance(part, int) else part
            hint = get_type_hints(kind, include_extras=True).get(name, Any)
            place += f".{name}" if place else name
        else:
            items = [item for item in get_args(kind) if item is not Ellipsis] or [Any]
            hint = items[min(part, len(items) - 1)] if isinstance(part, int) else items[-1]
            place += f"[{part}]"
    return hint, place


def from_json(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is no JSON or nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("brackets are nested too deep") from None


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested JSON objects by dotted names."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        found |= flat(item, f"{prefix}{name}.") if isinstance(item, Mapping) else {f"{prefix}{name}": item}
    return found


def number_at(value: Any, *path: str) -> float | None:
    """The finite number at `path` in a JSON object of objects; None where there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    try:
        return _NUMBER.validate_python(value)
    except ValidationError:
        return None


_NUMBER: TypeAdapter[float] = TypeAdapter(float, config=ConfigDict(strict=True, allow_inf_nan=False))
