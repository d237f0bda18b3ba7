"""Every notation of a cell in the wild: one door that reads text, one table of formats.

`values` reads literals, `scanning` finds them in a text, `formats` and `refusals` tell what they are, `documents`
chooses among what a text holds, `writing` gives an architecture back.
"""

from nat_core.architecture.notation.documents import MAX_ARCHITECTURE_BYTES, MAX_BYTES, Document, Found
from nat_core.architecture.notation.reading import parse
from nat_core.architecture.notation.writing import TITLES, WRITERS, expressible, shortest, write

__all__ = [
    "MAX_ARCHITECTURE_BYTES", "MAX_BYTES", "TITLES", "WRITERS", "Document", "Found", "expressible", "parse",
    "shortest", "write",
]  # fmt: skip
