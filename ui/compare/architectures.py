"""Architectures."""


def page() -> None: ...
