"""How the page's own components are drawn."""

from collections.abc import Callable, Mapping
from typing import Any


def draw(component: Callable[..., Any], key: str, values: Mapping[str, Any], **callbacks: Callable[[], None]) -> None:
    """Draw a component whose data are a list of `values` alone.

    In a mapping Streamlit would look for data frames, and import pandas before the first page is shown.
    """
    component(key=key, data=[values], **callbacks)
