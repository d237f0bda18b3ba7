"""Where a published input is from, what its paper reports, and whether it obeys the method's own rule."""

import streamlit as st

from nat_core.learning.comparison import library_items, outside_rule
from ui.text import plain


def note(name: str) -> None:
    """A line about the library's architecture of that name; nothing for any other input."""
    if facts := about(name):
        st.caption(facts)


def about(name: str) -> str:
    """Sentences for Markdown; empty for what is not in the library."""
    items = {item.name: item for item in library_items()}
    item = items.get(name)
    if item is None:
        return ""
    origin, sentences = items.get(item.derived_from or ""), []
    if item.method:
        sentences.append(f"What {item.method} made of {item.derived_from}, as published.")
    if item.published:
        result = item.published
        sentences.append(
            f"Accuracy {100 - result.test_error_percent:.2f} % on {result.dataset} test (published: {result.cited_in}; "
            f"{result.params_millions:g} M parameters, for the paper's own network and training)."
        )
    text = plain(" ".join(sentences))
    if illegal := outside_rule(item, origin):
        changes = plain(f"changes that {item.method} itself does not allow: {', '.join(illegal)}.")
        text += f" :orange[:material/flag: Outside the rule:] {changes}"
    return text
