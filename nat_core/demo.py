"""The public demo: where `NAT_LAB_PUBLIC` is set, strangers compute a little, and nothing is launched or written.

Pages leave out what is switched off. Whatever launches, deletes or writes asks here as well, so that nothing happens
if somebody gets past a page.
"""

import os

SETTING = "NAT_LAB_PUBLIC"


def is_public() -> bool:
    """Whether this is a public demo."""
    return os.environ.get(SETTING, "").strip().lower() not in ("", "0", "false", "no")


def refuse_if_public(what: str) -> None:
    """Refuse an action in a public demo; everything that launches, writes or deletes calls this first.

    Args:
        what: the action, for the message, such as "launching a run".

    Raises:
        ValueError: this is a public demo.
    """
    if is_public():
        raise ValueError(
            f"{what} is switched off in this public demo ({SETTING} is set); accepted: your own copy of NAT Lab"
        )
