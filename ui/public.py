"""Limits for each visitor of the public demo; without `NAT_LAB_PUBLIC`, pages are complete and unlimited."""

import time
from collections import deque
from dataclasses import dataclass

import streamlit as st
from streamlit import config

from nat_core.architecture.notation import MAX_BYTES
from nat_core.demo import is_public
from ui import notices
from ui.history import MAX_STEPS

_ASKED = "public_asked"
_WINDOW_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """Limits of one visitor.

    Attributes:
        answers: answers of pages per minute.
        samples: candidates within each budget.
        upload_megabytes: size of one file or pasted text.
        inputs: number of cells offered from one text.
        steps: length of the history.
        draws_ahead: whether the slider's other positions are drawn in advance.
    """

    answers: float = float("inf")
    samples: float = float("inf")
    upload_megabytes: int = MAX_BYTES >> 20
    inputs: int = 200
    steps: int = MAX_STEPS
    draws_ahead: bool = True


PUBLIC = Limits(answers=120, samples=30, upload_megabytes=1, inputs=20, steps=20, draws_ahead=False)
_OWN = Limits()


def limits() -> Limits:
    """Return the current visitor's limits."""
    return PUBLIC if is_public() else _OWN


def admit() -> None:
    """Count an answer before its page is drawn; end the page with a sentence if there were too many.

    This also sets the server's upload limit, since the server receives uploads before any page does.
    """
    if not is_public():
        return
    most = limits()
    if config.get_option("server.maxUploadSize") > most.upload_megabytes:
        config.set_option("server.maxUploadSize", most.upload_megabytes, "public demo")
    now = time.monotonic()
    asked: deque[float] = st.session_state.setdefault(_ASKED, deque())
    while asked and now - asked[0] > _WINDOW_SECONDS:
        asked.popleft()
    if len(asked) >= most.answers:
        left = _WINDOW_SECONDS - (now - asked[0])
        notices.problem(
            f"a visitor of this public demo gets {most.answers:.0f} answers a minute; go on in {left:.0f} seconds"
        )
        st.stop()
    asked.append(now)


def check_size(content: str | bytes) -> None:
    """Raise ValueError for a text or file larger than this visitor's limit."""
    size, most = len(content), limits().upload_megabytes << 20
    if size > most:
        raise ValueError(f"there are {size:,} bytes; accepted: at most {most:,}")


def why_not() -> str:
    """Return the text of a page that the public demo leaves out."""
    return (
        "This is a public demo: cells are transformed and compared here, and nothing is trained. "
        "In a copy of your own, two commands away, this page trains policies."
    )
