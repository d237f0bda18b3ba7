"""The operations of a cell as data: one table of names and traits.

Every other module derives what it needs (modules, costs, transition rules, policy features,
colours) from these traits, so a new operation is one line in `_table`. Sources: NAT++ (arXiv 2102.10301), section 3.2,
and the operations of published cells.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple


class Kind(StrEnum):
    """The kind of computation, regardless of kernel size."""

    CONV = "conv"
    THIN_CONV = "thin_conv"
    SEP_CONV = "sep_conv"
    DIL_CONV = "dil_conv"
    MAX_POOL = "max_pool"
    AVG_POOL = "avg_pool"
    SKIP = "skip"
    NULL = "null"

    @property
    def is_pooling(self) -> bool:
        return self in (Kind.MAX_POOL, Kind.AVG_POOL)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    Attributes:
        name: canonical name, e.g. ``sep_conv_3x3``.
        kind: the kind of computation.
        kernel: side of the kernel in pixels; 0 for skip and null.
        dilation: 2 for dilated convolutions, which may be separable, too; else 1.
        tall_first: whether a thin convolution's name puts k×1 before 1×k. Both compute 1×k first. Only labels differ,
            and policies, which were trained with this feature, treat the two differently.
    """

    name: str
    kind: Kind
    kernel: int = 0
    dilation: int = 1
    tall_first: bool = False

    @property
    def short_label(self) -> str:
        """A label that fits into a drawing: ``sep 3×3``, ``dil sep 3×3``, ``max 3×3``, ``skip``, ``1×3 3×1``."""
        if self.kind in (Kind.SKIP, Kind.NULL):
            return self.kind.value
        if self.kind is Kind.THIN_CONV:
            wide, tall = f"1×{self.kernel}", f"{self.kernel}×1"
            return f"{tall} {wide}" if self.tall_first else f"{wide} {tall}"
        dilated = "dil " if self.kind is Kind.SEP_CONV and self.dilation > 1 else ""
        return f"{dilated}{self.kind.value.split('_')[0]} {self.kernel}×{self.kernel}"


def _table() -> Iterator[Operation]:
    for k in (1, 3, 5, 7):
        yield Operation(f"conv_{k}x{k}", Kind.CONV, k)
    for k in (3, 5, 7):
        yield Operation(f"conv_1x{k}_{k}x1", Kind.THIN_CONV, k)
        yield Operation(f"conv_{k}x1_1x{k}", Kind.THIN_CONV, k, tall_first=True)
    for k in (3, 5, 7):
        yield Operation(f"sep_conv_{k}x{k}", Kind.SEP_CONV, k)
    for k in (3, 5, 7):
        yield Operation(f"dil_conv_{k}x{k}", Kind.DIL_CONV, k, dilation=2)
    for kind in (Kind.MAX_POOL, Kind.AVG_POOL):
        for k in (2, 3, 5, 7):
            yield Operation(f"{kind}_{k}x{k}", kind, k)
    yield Operation("skip_connect", Kind.SKIP)
    yield Operation("null", Kind.NULL)
    # These rows come last, so that the rows above keep their numbers and policies' outputs for them do not change.
    for k in (3, 5, 7):
        yield Operation(f"dil_sep_conv_{k}x{k}", Kind.SEP_CONV, k, dilation=2)


OPERATIONS = MappingProxyType({operation.name: operation for operation in _table()})
NAMES: tuple[str, ...] = tuple(OPERATIONS)
INDEX = MappingProxyType({name: index for index, name in enumerate(NAMES)})

NULL = "null"
SKIP = "skip_connect"


class Spelling(NamedTuple):
    """Spellings of an operation in other projects.

    Attributes:
        pattern: matches a whole name in lower case without underscores; its groups fill `name`.
        name: the canonical name, with placeholders for the groups.
        examples: spellings found in other projects.
    """

    pattern: re.Pattern[str]
    name: str
    examples: tuple[str, ...]


# NAS-Bench-201's "nor_conv" is ReLU, convolution, batch norm like ours; AutoDL-Projects' "dua_sepc" applies the
# separable convolution twice as DARTS does, its "dil_sepc" is DARTS' dilated one; NNI's short names mean 3×3.
SPELLINGS: tuple[Spelling, ...] = tuple(
    Spelling(re.compile(pattern), name, tuple(examples.split()))
    for pattern, name, examples in (
        (r"none|zero|zeroize|null", NULL, "none zero Zero"),
        (r"identity|skip|skipconnect|skipconnection|id", SKIP, "identity Identity skipconnect"),
        (r"(?:nor|std|relu)?conv(\d)x(\d)", "conv_{0}x{1}", "nor_conv_3x3 conv3x3"),
        (r"(?:duasepc|sepconv|separableconv)(\d)x(\d)", "sep_conv_{0}x{1}", "dua_sepc_3x3 sepconv3x3"),
        (r"(?:dilsepc|dilconv|dilatedconv)(\d)x(\d)", "dil_conv_{0}x{1}", "dil_sepc_3x3 dilconv3x3"),
        (r"dilsepconv(\d)x(\d)", "dil_sep_conv_{0}x{1}", "dilsepconv3x3"),
        (r"(max|avg)pool(?:ing)?(\d)x(\d)", "{0}_pool_{1}x{2}", "maxpool3x3"),
        (r"(max|avg)pool(?:ing)?", "{0}_pool_3x3", "maxpool avgpool"),
        (r"conv(\d)x(\d)(\d)x(\d)", "conv_{0}x{1}_{2}x{3}", "conv1x3_3x1"),
    )
)


def canonical_name(name: str) -> str:
    """Return the canonical name for `name`, which may be another project's spelling.

    Raises:
        ValueError: the operation is unknown.
    """
    if name in OPERATIONS:
        return name
    if (known := _respelled(name)) is not None:
        return known
    shown = name if len(name) <= 40 else name[:37] + "..."
    near = get_close_matches(name[:40], NAMES, n=3, cutoff=0.75)
    hint = f"did you mean {' or '.join(near)}?" if near else f"accepted: {', '.join(NAMES)}"
    raise ValueError(f"unknown operation {shown!r}; {hint}")


@lru_cache(maxsize=1024)
def _respelled(name: str) -> str | None:
    """Return the canonical name for another project's spelling, or None."""
    plain = name[:40].replace("_", "").casefold()
    for spelling in SPELLINGS:
        if match := spelling.pattern.fullmatch(plain):
            found = spelling.name.format(*match.groups())
            return found if found in OPERATIONS else None
    return None
