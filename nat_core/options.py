"""Options: fields of configurations that people are asked for, each declared once, where the field is.

The command line, the page's fields, the equivalent command and the configuration are all made from them.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, is_dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from nat_core.specification import OneOf, accepted, bare, said

C = TypeVar("C")


@dataclass(frozen=True, eq=False)
class Asked:
    """An annotation for fields that the command line and the pages ask for.

    Attributes:
        label: label of the page's field; empty if the page has no such field.
        help: one line of help.
        name: name of the option; empty for the field's own. Fields with the same name are set together.
        alias: another name of the option on the command line.
        unit: unit of the number.
        main: whether a page shows the field before "Advanced".
        only: kinds of training to which the option applies; empty for all.
        named: values by the texts that stand for them.
        files: whether the texts are file names.
    """

    label: str = ""
    help: str = ""
    name: str = ""
    alias: str = ""
    unit: str = ""
    main: bool = False
    only: tuple[str, ...] = ()
    named: Mapping[str, Any] | None = None
    files: bool = False


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: name of the option, with underscores.
        label: label of the page's field, with the unit.
        kind: type of its value, or of each of its values.
        repeatable: whether it may be given several times.
        choices: titles by accepted text, if there are few such texts.
        accepted: what the option accepts, in words.
        sets: values by the texts that stand for them, for each field that the option sets (by its dotted name); None
            if the text itself is the value.
        asked: the field's annotation.
    """

    name: str
    label: str
    kind: type
    repeatable: bool
    choices: Mapping[str, str] = field(compare=False)
    accepted: str
    sets: Mapping[str, Mapping[str, Any] | None] = field(compare=False)
    asked: Asked

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the option's names on the command line."""
        if self.kind is bool:
            return (f"{self.flag}/--no{self.flag[1:]}",)
        return (self.flag, f"--{self.asked.alias.replace('_', '-')}") if self.asked.alias else (self.flag,)

    def words(self, value: Any) -> list[str]:
        """Return the arguments that give the option this value."""
        if self.kind is bool:
            return [self.flag if value else f"--no{self.flag[1:]}"]
        return [self.flag, str(value)]

    def parse(self, text: str) -> Any:
        """Return the value that a text spells. Raises ValueError if it spells none."""
        return _PARSERS[self.kind](text)

    def value_in(self, config: Any) -> Any:
        """Return a configuration's value of its first field in words; None if there is no word for it."""
        path, named = next(iter(self.sets.items()))
        value = config
        for name in path.split("."):
            value = getattr(value, name)
        return value if named is None else next((text for text, item in named.items() if item == value), None)

    def fields(self, value: Any) -> dict[str, Any]:
        """Return a value of the option as its fields hold it. Raises ValueError for an unknown text."""
        if any(self.sets.values()) and value not in self.choices:
            raise ValueError(f"{self.name} is {value!r:.60}; accepted: {self.accepted}")
        if self.asked.files:
            value = tuple(str(Path(path).resolve()) for path in value)
        plain = tuple(value) if self.repeatable else value
        return {path: plain if named is None else named[value] for path, named in self.sets.items()}


def options_of(config: Any, kind: str = "") -> Mapping[str, Option]:
    """The options of a class of configurations, and of those within it, by name; of one kind of training or of all."""
    return _options_of(config, kind)


@cache
def _options_of(config: Any, kind: str) -> Mapping[str, Option]:
    found: dict[str, Option] = {}
    for path, hint, asked in _asked("", config):
        name = asked.name or path.rpartition(".")[2]
        if name in found:
            found[name] = replace(found[name], sets={**found[name].sets, path: asked.named})
        elif not kind or not asked.only or kind in asked.only:
            found[name] = _option(name, path, hint, asked)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: not item[1].asked.main)))


def _asked(prefix: str, config: type) -> Iterator[tuple[str, Any, Asked]]:
    for name, hint in get_type_hints(config, include_extras=True).items():
        if asked := said(hint, Asked):
            yield f"{prefix}{name}", hint, asked
        if is_dataclass(inner := bare(hint)):
            yield from _asked(f"{prefix}{name}.", inner)  # type: ignore[arg-type]


def _option(name: str, path: str, hint: Any, asked: Asked) -> Option:
    kind, titles = bare(hint), said(hint, OneOf)
    repeatable = get_origin(kind) is tuple
    choices = {text: text for text in asked.named} if asked.named else titles.titles if titles else {}
    label = ", ".join(filter(None, (asked.label, asked.unit)))
    kind = Path if asked.files else str if asked.named else bare(get_args(kind)[0]) if repeatable else kind
    words = ", ".join(choices) or accepted(hint)
    return Option(name, label, kind, repeatable, choices, words, {path: asked.named}, asked)


def changed(config: C, given: Mapping[str, Any], kind: str = "") -> C:
    """Return `config` with other values of some options. Raises ValueError if a value is not accepted."""
    options = options_of(type(config), kind)
    values: dict[str, Any] = {}
    for name in given.keys() & options.keys():
        values |= options[name].fields(given[name])
    return with_fields(config, values)


def with_fields(config: C, values: Mapping[str, Any]) -> C:
    """A dataclass with fields set, those of dataclasses within it by dotted names; each is made anew only once."""
    own = {name: value for name, value in values.items() if "." not in name}
    for head in dict.fromkeys(name.partition(".")[0] for name in values if "." in name):
        inner = {name.partition(".")[2]: value for name, value in values.items() if name.startswith(f"{head}.")}
        own[head] = with_fields(own.get(head, getattr(config, head)), inner)
    return replace(config, **own) if own else config  # type: ignore[type-var]


def command_words(config: Any, standard: Any, kind: str = "") -> list[str]:
    """Return the options of a command line that turn `standard` into `config`."""
    words: list[str] = []
    for option in options_of(type(config), kind).values():
        value = option.value_in(config)
        if value is not None and value != option.value_in(standard):
            for item in value if option.repeatable else (value,):
                words += option.words(item)
    return words


def _whole(text: str) -> int:
    try:
        return int(text.replace(",", "").strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a whole number") from None


def _decimal(text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()[:20]!r} is not a finite number")
    return value


def _either(text: str) -> bool:
    if text.strip().lower() not in ("true", "false"):
        raise ValueError(f"{text.strip()[:20]!r} is neither true nor false")
    return text.strip().lower() == "true"


_PARSERS: Mapping[type, Callable[[str], Any]] = {
    int: _whole, float: _decimal, bool: _either, str: str.strip, Path: Path
}  # fmt: skip
