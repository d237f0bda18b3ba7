"""Reads YAML in block style, the default of YAML writers for lists; `values` reads YAML's flow style."""

import re
from typing import Any

import yaml

_MAX_BYTES = 64 * 1024
_LOOKS_LIKE = re.compile(r"^\s*-\s", re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """Loads plain values only, tuples as lists. Aliases are refused, since a few can expand to millions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not accepted")
        return super().compose_node(parent, index)


_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _Loader.construct_sequence)


def read(text: str) -> Any:
    """Return the value of a YAML text with lists in block style, or None for any other text."""
    if len(text) > _MAX_BYTES or not _LOOKS_LIKE.search(text):
        return None
    try:
        return _plain(yaml.load(text, _Loader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _plain(value: Any) -> Any:
    """Turn all keys into strings, as `values` does."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
