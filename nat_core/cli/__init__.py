"""The command line, `python -m nat_core …` or `nat-lab …`: the same use cases as the pages.

`--json` goes to stdout alone, everything else to stderr; bad input is one line on stderr and exit status 2. Whatever
takes long to import is imported inside the command that needs it.
"""

import sys

import typer
from typer.exceptions import TyperException

from nat_core.cli import application, architectures, evaluate, export, front, policies, predict, runs, train, transform
from nat_core.cli.app import app
from nat_core.garbage import search_seldom
from nat_core.sentences import brief

__all__ = [
    "application", "architectures", "evaluate", "export", "front", "main", "policies", "predict", "run", "runs",
    "train", "transform",
]  # fmt: skip


_LONGEST = 2000  # characters of a message


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    try:
        status = app(args=arguments, standalone_mode=False)
        return status if isinstance(status, int) else 0
    except TyperException as error:
        message = error.format_message()
    except BrokenPipeError:
        return 0
    except (ValueError, OSError) as error:
        message = str(error)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    print(f"error: {brief(message, _LONGEST)}", file=sys.stderr)
    return 2


def run() -> None:
    """The command `nat-lab`."""
    search_seldom()
    sys.exit(main())
