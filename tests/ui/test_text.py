import pytest

from nat_core.architecture.library import library
from nat_core.architecture.notation import parse
from ui.text import edge_label, millions, percent, plain, relative, sentence, signed


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (millions(220_119_680), "220.1 M"),
        (millions(1_531_546), "1.53 M"),
        (millions(9_996_000), "10.0 M"),
        (millions(1_000_000, 2), "2.00 M"),
        (relative(80, 100), "−20.0 %"),
        (relative(3, 3), "±0 %"),
        (relative(3, 0), "new"),
        (signed(1.234), "+1.23"),
        (signed(-0.001), "±0.00"),
        (percent(0.00001), "< 0.1 %"),
        (percent(0.99999), "> 99.9 %"),
        (percent(0), "0.0 %"),
        (percent(0.1256), "12.6 %"),
    ],
)
def test_numbers(text, expected):
    assert text == expected


def test_nodes_are_named_as_in_the_drawings():
    assert edge_label(library()["DARTS"].architecture.normal, 0, 2) == "cₖ₋₂ → 0"
    assert edge_label(library()["DARTS"].architecture.normal, 1, 5) == "cₖ₋₁ → 3"
    assert edge_label(parse("|none~0|+|none~0|none~1|").normal, 0, 1) == "cₖ₋₁ → 0"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("|op~0|+|op~1|", r"|op\~0|+|op\~1|"),
        ("![x](ftp://y) <b> $a$ `c` *d*", r"!\[x\](ftp://y) \<b\> \$a\$ \`c\` \*d\*"),
        (":red[x] :smile: a: b", r"\:red\[x\] \:smile: a: b"),
        ("sep_conv_3x3 _x_ __y", r"sep_conv_3x3 \_x\_ \_\_y"),
        ("# a", r"\# a"),
        ("- a", r"\- a"),
        ("12. a", r"12\. a"),
        ("---", r"\---"),
        ("#5 -5 3.5 M", "#5 -5 3.5 M"),
        ("a\n\n# b\n", "a # b "),
        ("&lt;b&gt; a & b", r"\&lt;b\&gt; a & b"),
        ("a\x1b[0m\u202eb", "a\ufffd\\[0m\ufffdb"),
        ("http://a.b", "http://\u2060a.b"),
        ("www.a.b", "www\u2060.a.b"),
        ("a@b.c @d", "a@\u2060b.c @d"),
    ],
)
def test_nothing_in_text_from_elsewhere_means_anything(text, shown):
    assert plain(text) == shown


def test_sentences():
    assert sentence(ValueError("channels is 7; it must be even")) == "Channels is 7; it must be even."
    assert sentence("Done.") == "Done."
    assert sentence("did you mean conv_3x3?") == "Did you mean conv_3x3?"
