"""What people call an architecture: a name in the library, a NAS-Bench-201 index, or its genotype in any notation."""

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find


def resolve(text: str) -> Architecture:
    """The architecture that `text` names or spells.

    Raises:
        ValueError: it does neither; says where it fails and what is accepted.
    """
    text = text.strip()
    if any(mark in text for mark in "(|{[\n") or not text:
        return notation.parse(text)
    prefix, separator, index = text.partition(":")
    if separator and prefix == "nasbench201":
        return _nasbench201(index)
    return find(text).architecture


def _nasbench201(index: str) -> Architecture:
    from nat_core.learning.nasbench201.table import (
        architecture_of_index,  # pandas and the table are not needed for the rest
    )

    if not (index.isascii() and index.isdigit() and len(index) <= 5):
        raise ValueError(f"nasbench201:{index[:20]} is not an index; accepted: nasbench201:0 to nasbench201:15624")
    return architecture_of_index(int(index))
