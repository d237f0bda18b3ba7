"""The colours of drawings, charts and tables.

The colours of operation kinds are Okabe and Ito's, which colour-blind readers can tell apart; node fills are those of
the papers. Colour is never the only cue: labels, dashes and line widths give the same information.
"""

from dataclasses import dataclass
from types import MappingProxyType

from nat_core.architecture.difference import ChangeKind
from nat_core.architecture.operations import OPERATIONS, Kind

KIND_COLORS = MappingProxyType(
    {
        Kind.CONV: "#0072B2",
        Kind.THIN_CONV: "#CC79A7",
        Kind.SEP_CONV: "#56B4E9",
        Kind.DIL_CONV: "#009E73",
        Kind.MAX_POOL: "#E69F00",
        Kind.AVG_POOL: "#E69F00",
        Kind.SKIP: "#7F7F7F",
        Kind.NULL: "#BBBBBB",
    }
)
NODE_FILLS = MappingProxyType({"input": "#B4EEB4", "intermediate": "#ADD8E6", "output": "#EEE8AA"})
NODE_TEXT = "#1A1A1A"


@dataclass(frozen=True)
class Theme:
    """Colours that depend on the background.

    Attributes:
        ground: the background on which a drawing is expected; drawings themselves are transparent.
        text, muted: main and secondary text.
        line: unchanged and unlabelled edges.
        null: null edges, faint on the background.
        accent: the interface's accent colour, which means neither good nor bad.
        changes: one colour per kind of change.
    """

    name: str
    ground: str
    text: str
    muted: str
    line: str
    accent: str
    null: str
    changes: MappingProxyType[ChangeKind, str]

    def tint(self, color: str, share: float) -> str:
        """Blend a share (0 to 1) of `color` with the background."""
        return mix(color, self.ground, share)


_LIGHT = Theme(
    name="light",
    ground="#FFFFFF",
    text="#1F2328",
    muted="#6B7280",
    line="#A3A9B2",
    accent="#0067A3",
    null=KIND_COLORS[Kind.NULL],
    changes=MappingProxyType(
        {"unchanged": "#A3A9B2", "changed": "#C77700", "removed": "#C62828", "added": "#1E8E3E"},
    ),
)
_DARK = Theme(
    name="dark",
    ground="#0E1117",
    text="#E6E8EB",
    muted="#9AA1AC",
    line="#6A717D",
    accent="#4AA8E0",
    null="#565C66",
    changes=MappingProxyType(
        {"unchanged": "#6A717D", "changed": "#FFB938", "removed": "#FF6B6B", "added": "#57C878"},
    ),
)
THEMES = MappingProxyType({theme.name: theme for theme in (_LIGHT, _DARK)})


def operation_color(operation: str) -> str:
    """Return the colour of the operation's kind."""
    return KIND_COLORS[OPERATIONS[operation].kind]


def mix(color: str, ground: str, share: float) -> str:
    """Blend a share (0 to 1) of `color` with `ground`; colours are ``#RRGGBB``."""
    channels = (round(share * int(color[i : i + 2], 16) + (1 - share) * int(ground[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{channel:02X}" for channel in channels)
