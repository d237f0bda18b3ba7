"""NAT Lab's core: architectures, networks, learning. It knows nothing of the web front end.

Scripts and notebooks import what they need from here: `from nat_core import read, transform`; see `nat_core.api`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nat_core.api import cost, diff, draw, export, front, library, predict, read, transform

__all__ = ["cost", "diff", "draw", "export", "front", "library", "predict", "read", "transform"]


def __getattr__(name: str) -> Any:
    """The public functions, which are imported when one of them is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nat_core import api

    return getattr(api, name)
