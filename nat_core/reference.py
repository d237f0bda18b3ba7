"""docs/api.md, made of the public functions' docstrings: `python -m nat_core.reference > docs/api.md`."""

import inspect
import re
from collections.abc import Iterator

from nat_core import api

_HEAD = """# From Python

{about}

This page is made of the docstrings by `python -m nat_core.reference`.
"""


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join(
        [_HEAD.format(about=inspect.getdoc(api)), *(line for name in api.__all__ for line in _entry(name))]
    )


def _entry(name: str) -> Iterator[str]:
    function = getattr(api, name)
    yield f"## {name}\n"
    yield f"```python\n{_signature(name, function)}\n```\n"
    summary, *rest = (inspect.getdoc(function) or "").split("\n\n")
    yield f"{' '.join(summary.split())}\n"
    for part in rest:
        title, _, body = part.partition("\n")
        if title != "Args:":
            yield f"{' '.join(part.split())}\n"
            continue
        yield "\n".join(f"- `{argument}`: {text}" for argument, text in _arguments(body)) + "\n"


def _arguments(body: str) -> Iterator[tuple[str, str]]:
    """Names and descriptions of a docstring's Args section."""
    for line in inspect.cleandoc(body).replace("\n    ", " ").splitlines():
        argument, _, text = line.partition(": ")
        yield argument, text


def _signature(name: str, function: object) -> str:
    text = f"{name}{inspect.signature(function)}"  # type: ignore[arg-type]
    # Without the names of modules, which a reader knows or need not know.
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])", "", text)


if __name__ == "__main__":
    print(reference(), end="")
