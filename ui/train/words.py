"""Times, sizes and errors as people read them."""


def duration(seconds: float | None) -> str:
    """``45 s``, ``12 min``, ``3.2 h``, ``2.4 days``; nothing for None."""
    if seconds is None:
        return ""
    for limit, unit, form in _UNITS:
        if seconds < limit:
            return f"{form.format(seconds / unit[0])} {unit[1]}"
    return f"{seconds / 86_400:,.1f} days"


_UNITS = (
    (99.5, (1, "s"), "{:.0f}"),
    (99.5 * 60, (60, "min"), "{:.0f}"),
    (48 * 3600, (3600, "h"), "{:.1f}"),
)


def gigabytes(count: float) -> str:
    """``1.2 GB``."""
    return f"{count / 2**30:.1f} GB"
