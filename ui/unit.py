"""The unit in which the Transform page shows costs: MACs or FLOPs."""

from dataclasses import dataclass

import streamlit as st

from ui.text import millions


@dataclass(frozen=True)
class Unit:
    """A unit of costs.

    Attributes:
        name: displayed name.
        per_mac: units per multiply-add.
    """

    name: str
    per_mac: int

    def text(self, macs: int) -> str:
        """Return a number of multiply-adds as text, for example ``35.4 M MACs``."""
        return f"{millions(macs, self.per_mac)} {self.name}"

    def in_millions(self, macs: int) -> float:
        """Return a number of multiply-adds in millions of this unit."""
        return macs * self.per_mac / 1e6


MACS, FLOPS = Unit("MACs", 1), Unit("FLOPs", 2)


def unit() -> Unit:
    """Return the unit that the switch on the page selects."""
    return FLOPS if st.session_state.get("flops") else MACS
