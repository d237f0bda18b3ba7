"""Numbers and names as people read them."""

import re

from nat_core.architecture.cell import Cell
from nat_core.drawing.looks import node_label
from nat_core.sentences import seen

# Markup of Streamlit's Markdown within a line: an underscore at a word's edge, a colon before a word, …
_MARKS = re.compile(r"[\\`*{}\[\]<>~$]|(?<![^\W_])_|_(?![^\W_])|:(?=\w)|&(?=[#\w]+;)")
# Markup at the beginning of a line: headings, lists, rules.
_BLOCK = re.compile(r"^(\s*(?:\d{1,9}(?=[.)](?:\s|$))|(?=[#+=-](?![\w.]))))(.)")
# A zero-width mark keeps addresses from becoming links.
_LINKS = re.compile(r"(?i)https?://|\bwww(?=\.)|(?<=[\w.+-])@(?=[\w-]+\.)")


def plain(text: object) -> str:
    """Escape text for Markdown and put it in one line: names, messages, what a visitor typed."""
    return _BLOCK.sub(r"\g<1>\\\g<2>", _MARKS.sub(r"\\\g<0>", _LINKS.sub("\\g<0>\u2060", seen(text))))


def sentence(text: object) -> str:
    """Return a message as a sentence with a capital first letter and one full stop or question mark."""
    words = str(text).strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('?') else '.'}"


def unbroken(text: str) -> str:
    """Return `text` without line breaks between a number and its sign or unit: ``± 0.10``, ``24 %``."""
    return re.sub(r"(?<=±) | (?=%)", "\u00a0", text)


def millions(count: int, factor: int = 1) -> str:
    """Return ``220.1 M`` for 220,119,680; two decimals below 10 M."""
    value = count * factor / 1e6
    return f"{value:.2f} M" if value < 9.995 else f"{value:.1f} M"


def relative(after: float, before: float) -> str:
    """Return the change from `before` to `after` as ``−46.1 %``, with a typographic minus."""
    if before == after:
        return "±0 %"
    if not before:
        return "new"
    return signed(100 * (after / before - 1), 1, " %")


def percent(share: float) -> str:
    """Return ``12.6 %``; values that would round to 0 or 100 % become ``< 0.1 %`` or ``> 99.9 %``."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if 0.9995 < share < 1 else f"{100 * share:.1f} %"


def signed(value: float, decimals: int = 2, unit: str = "") -> str:
    """Return ``+1.25`` or ``−0.40``, with a typographic minus."""
    rounded = f"{abs(value):.{decimals}f}"
    sign = "" if float(rounded) == 0 else "+" if value > 0 else "−"
    return f"{sign or '±'}{rounded}{unit}"


def edge_label(cell: Cell, source: int, target: int) -> str:
    """Return an edge's label, such as ``cₖ₋₁ → 2``."""
    return f"{node_label(cell, source)} → {node_label(cell, target)}"
