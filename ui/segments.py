"""A segmented control whose value is part of the page's address."""

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st


def segments(
    label: str,
    options: Sequence[str],
    default: str,
    key: str,
    format_func: Callable[[str], str] = str,
    help: str | None = None,
    label_visibility: Literal["visible", "hidden", "collapsed"] = "visible",
    persist_state: Literal["session"] | None = None,
) -> str:
    """Return the selected option; an address with an empty value stands for `default`.

    Args:
        key: key of the widget and of the address parameter.
        format_func: returns an option's text.
    """
    chosen = st.segmented_control(
        label, options, default=default, required=True, key=key, bind="query-params", format_func=format_func,
        help=help, label_visibility=label_visibility, persist_state=persist_state,
    )  # fmt: skip
    return chosen or default
