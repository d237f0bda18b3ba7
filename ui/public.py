"""What each visitor of the public demo may ask for; without `NAT_LAB_PUBLIC`, pages have everything and no limits."""

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
    """Of one visitor.

    Attributes:
        answers: that pages give within a minute.
        samples: candidates within each budget.
        upload_megabytes: of one file or pasted text.
        inputs: that are offered of one text.
        steps: of the history.
        draws_ahead: whether what the slider leads to is drawn before it is moved.
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
    """Those of whoever visits now."""
    return PUBLIC if is_public() else _OWN


def admit() -> None:
    """Called before a page is drawn: counts the answer; the page ends here, with a sentence, where there were too many.

    The server is told, too, how large uploads may be, for it takes them before any page sees them.
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
    """Raises ValueError for a text or file that is larger than this visitor may send."""
    size, most = len(content), limits().upload_megabytes << 20
    if size > most:
        raise ValueError(f"there are {size:,} bytes; accepted: at most {most:,}")


def why_not() -> str:
    """What is said on a page that the public demo leaves out."""
    return (
        "This is a public demo: cells are transformed and compared here, and nothing is trained. "
        "In a copy of your own, two commands away, this page trains policies."
    )
