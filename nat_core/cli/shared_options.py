"""Options that several commands have, or that a table declares, written once."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """A parameter of a command; `annotation` says how typer reads it."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def with_options(options: Iterable[inspect.Parameter]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command `options` in the place of its ``**`` parameter, which receives their values by name."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [item for item in signature.parameters.values() if item.kind is not inspect.Parameter.VAR_KEYWORD]
        command.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own), *options]
        )
        return command

    return decorate
