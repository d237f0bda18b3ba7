"""Figures with their changes. Colour repeats the sign, so that nobody depends on colour."""

from streamlit.delta_generator import DeltaGenerator

from ui.text import millions, relative, signed


def cost(column: DeltaGenerator, label: str, before: int, after: int) -> None:
    """A number of operations or parameters, in millions; less is better."""
    delta = f"{relative(after, before)} of {millions(before)}"
    _change(column, label, millions(after), delta, better=after < before, same=after == before)


def accuracy(column: DeltaGenerator, label: str, before: float, after: float) -> None:
    """Percent; more is better."""
    gain = after - before
    delta = f"{signed(gain)} points on {before:.2f} %"
    _change(column, label, f"{after:.2f} %", delta, better=gain > 0, same=abs(gain) < 0.005)


def _change(column: DeltaGenerator, label: str, value: str, delta: str, better: bool, same: bool) -> None:
    """Any figure, its change green where it is better and red where it is worse."""
    color = "gray" if same else "green" if better else "red"
    column.metric(label, value, delta, delta_color=color, delta_arrow="off")
