"""What messages quote from elsewhere."""

import pytest

from nat_core.sentences import brief, seen, without_password


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a\nb\r\n  c\td", "a b c d"),
        ("\x1b[31mred\x07", "�[31mred�"),
        ("safe\u202egnp.exe", "safe�gnp.exe"),
        ("half \ud800", "half �"),
        ("24\u00a0% – naïve 𝔘", "24\u00a0% – naïve 𝔘"),
    ],
)
def test_one_line_of_what_can_be_seen(text, shown):
    assert seen(text) == shown


def test_long_texts_are_cut():
    assert brief("a" * 300, 10) == "aaaaaaaaa…" and brief(" a  b ", 10) == "a b"


@pytest.mark.parametrize(
    "address, shown",
    [
        ("http://user:secret@host:80/x", "http://…@host:80/x"),
        ("failed for postgresql://u:p@h/x and http://v:q@h", "failed for postgresql://…@h/x and http://…@h"),
        ("sqlite:////srv/runs.db", "sqlite:////srv/runs.db"),
    ],
)
def test_no_password_is_shown(address, shown):
    assert without_password(address) == shown
