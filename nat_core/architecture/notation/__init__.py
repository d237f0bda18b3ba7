"""Every notation of a cell in the wild, read by one parser and written by one table.

Read: DARTS' pairs, NAT's (operation, source, target), FairDARTS' (operation, target, source),
pt.darts' nested lists, each as a `Genotype(…)` call, a dict or JSON; NAS-Bench-201 strings; this
project's own JSON.
"""

from nat_core.architecture.notation.reading import MAX_TEXT_BYTES, parse
from nat_core.architecture.notation.writing import NOTATIONS, expressible, shortest, write

__all__ = ["MAX_TEXT_BYTES", "NOTATIONS", "expressible", "parse", "shortest", "write"]
