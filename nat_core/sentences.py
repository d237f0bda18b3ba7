"""Quotes in messages: one short line without control characters or markup that a terminal or page would interpret."""

import re

# Control characters, marks that turn the direction of writing, what has no width, halves of pairs.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_SECRET = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")


def seen(text: object) -> str:
    """Return a text in one line; what cannot be seen, such as control characters, is shown as �."""
    return _UNSEEN.sub("�", re.sub(r"[ \t]*[\n\r\v\f]\s*|\t", " ", str(text)))


def brief(text: object, most: int = 200) -> str:
    """Return a text in one line, shortened to `most` characters."""
    line = " ".join(seen(text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def without_password(text: object, most: int = 200) -> str:
    """Quote an address, or a text with addresses, without user names and passwords."""
    return brief(_SECRET.sub("…@", str(text)), most)
