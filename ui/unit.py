"""MACs or FLOPs, in whichever the visitor of the Transform page reads costs."""

from dataclasses import dataclass

import streamlit as st

from ui.text import millions


@dataclass(frozen=True)
class Unit:
    """What costs are counted in.

    Attributes:
        name: for people.
        per_mac: how many there are in a multiply-add.
    """

    name: str
    per_mac: int

    def text(self, macs: int) -> str:
        """``35.4 M MACs``, of this many multiply-adds."""
        return f"{millions(macs, self.per_mac)} {self.name}"

    def in_millions(self, macs: int) -> float:
        """Millions of these in this many multiply-adds."""
        return macs * self.per_mac / 1e6


MACS, FLOPS = Unit("MACs", 1), Unit("FLOPs", 2)


def unit() -> Unit:
    """What the switch on the page says."""
    return FLOPS if st.session_state.get("flops") else MACS
