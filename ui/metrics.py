"""Figures with their changes. The sign repeats what the colour shows, so that nobody depends on colour."""

from streamlit.delta_generator import DeltaGenerator

from ui.along import Figure
from ui.text import millions, relative, signed

_COLORS = {"better": "green", "worse": "red", "same": "gray"}


def show(column: DeltaGenerator, figure: Figure) -> None:
    """Draw one figure in a column."""
    color = _COLORS[figure.tone]
    column.metric(figure.label, figure.value, figure.change or None, delta_color=color, delta_arrow="off")


def cost(label: str, before: int, after: int) -> Figure:
    """Return a figure of operations or parameters, in millions; less is better."""
    change = f"{relative(after, before)} of {millions(before)}"
    return Figure(label, millions(after), change, _tone(better=after < before, same=after == before))


def accuracy(label: str, before: float, after: float, is_demonstration: bool = False) -> Figure:
    """Return a figure in percent; more is better, unless the accuracies are only a demonstration."""
    gain = after - before
    change = f"{signed(gain)} points on {before:.2f} %{', a demonstration' if is_demonstration else ''}"
    same = is_demonstration or abs(gain) < 0.005
    return Figure(label, f"{after:.2f} %", change, _tone(better=gain > 0, same=same))


def _tone(better: bool, same: bool) -> str:
    return "same" if same else "better" if better else "worse"
