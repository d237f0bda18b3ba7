"""Options that several commands have, or that fields of configurations declare, written once."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command_from_info
from typer.models import CommandInfo

if TYPE_CHECKING:
    from nat_core.options import Option


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    """A parameter of a command; `annotation` says how typer reads it."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def with_options(options: Iterable[inspect.Parameter]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command `options` in the place of its ``**`` parameter, which receives their values by name."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command)
        own = [item for item in signature.parameters.values() if item.kind is not inspect.Parameter.VAR_KEYWORD]

        @wraps(command)
        def given(**values: Any) -> None:
            command(**values)

        given.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[*(item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own), *options]
        )
        return given

    return decorate


def declared(options: Callable[[], Iterable["Option"]]) -> type[TyperCommand]:
    """A kind of command with the options that fields declare besides its own.

    They are asked for when the command is used, since the fields take time to import; their values come by name.
    """

    class Declared(TyperCommand):
        _complete = False

        def get_params(self, ctx: Any) -> list[Any]:
            if not self._complete:
                self._complete = True
                callback = with_options(map(_parameter, options()))(inspect.unwrap(self.callback))  # type: ignore[arg-type]
                made = get_command_from_info(CommandInfo(callback=callback), pretty_exceptions_short=False,
                                             rich_markup_mode=None)  # fmt: skip
                self.params, self.callback = made.params, made.callback
            return super().get_params(ctx)

    return Declared


def _parameter(item: "Option") -> inspect.Parameter:
    kind: Any = list[item.kind] if item.repeatable else item.kind  # type: ignore[name-defined]
    return option(item.name, Annotated[kind | None, typer.Option(*item.flags, help=item.asked.help)])
