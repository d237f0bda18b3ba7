"""What a browser tells of a dropped file."""

import base64

import pytest

from ui.drop import file_of

MOST = 1000


def told(whole: bytes | None = b"DARTS", **changes):
    text = None if whole is None else base64.b64encode(whole).decode()
    return {"count": 1, "name": "cell.txt", "size": len(whole or b""), "content": text} | changes


@pytest.mark.parametrize("content", [b"DARTS", b"", bytes(range(256))])
def test_a_dropped_file_arrives_as_it_is(content):
    assert file_of(told(content), MOST) == (content, "cell.txt")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (told(count=2), "2 files were dropped; accepted: one"),
        (told(count=0, name=""), "0 files were dropped; accepted: one"),
        (told(None, size=MOST + 1), r"'cell.txt' has 1,001 bytes; accepted: at most 1,000"),
        (told(None), "'cell.txt' cannot be read; accepted: a file, not a folder"),
        (told(content="%%%"), "'cell.txt' did not arrive whole; drop it again"),
        (told(content="é"), "'cell.txt' did not arrive whole; drop it again"),
        (told(content=7), "cannot be read"),
        (told(name=None), "what was dropped is no file"),
        ("cell.txt", "what was dropped is no file"),
    ],
)
def test_what_is_no_single_readable_file_is_one_sentence(value, message):
    with pytest.raises(ValueError, match=message):
        file_of(value, MOST)
