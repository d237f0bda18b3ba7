"""Fronts of several inputs and policies in one chart: gains over shares of each input's own MACs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import reachable_front
from nat_core.learning.nasbench201.quantities import QUANTITIES
from nat_core.learning.policies import catalogue
from nat_core.naming import resolve, resolve_in
from nat_core.ranking import Candidate
from nat_core.tradeoff import Front
from ui import compute, notices
from ui.compare import outputs, own
from ui.compare.download import chart_config, figure_format
from ui.segments import segments
from ui.text import percent, plain
from ui.theme import style, theme
from ui.train.curves import COLORS, DASHES

HEIGHT = 460
MOST = 8  # maximum number of inputs, since each has its own colour
_USUAL = {
    "fully_concat": ("DARTS", "PDARTS", "GDAS_V1"),
    "loose_end": ("ENAS", "NAONet"),
    "nasbench201": ("nasbench201:5982", "nasbench201:77", "nasbench201:9930"),
}


@dataclass(frozen=True)
class Line:
    """One front.

    Attributes:
        input, policy: their names.
        front: the policy's front for the input.
        recovered: share of the area under the best possible front; None if unknown.
    """

    input: str
    policy: str
    front: Front
    recovered: float | None = None


def page() -> None:
    """Draw the choice of inputs and policies, and the chart."""
    cards = catalogue.cards(compute.POLICIES)
    spaces = [name for name in SPACES if any(card.space == name for card in cards.values())]
    if not spaces:
        st.info("No policy is here yet.", icon=":material/info:")
        return
    space = SPACES[segments("Space", spaces, spaces[0], "fronts_space", format_func=lambda name: SPACES[name].title)]
    names = [name for name, card in cards.items() if card.space == space.name]
    inputs = _inputs(space)
    policies = st.multiselect(
        "Policies", names, names[:1], key=f"fronts_policies_{space.name}", max_selections=len(DASHES),
        persist_state="session",
    )  # fmt: skip
    try:
        lines, source = _lines(inputs, policies, space)
    except ValueError as error:
        notices.problem(error, "No fronts")
        return
    if not lines or source is None:
        st.info("Choose at least one input and one policy.", icon=":material/info:")
        return
    _chart(lines, source)


def _inputs(space: Space) -> Mapping[str, Architecture]:
    """Return the chosen architectures by name; says which names cannot be read."""
    known = {name: entry.architecture for name, entry in library().items()}
    known |= {item.name: item.architecture for item in own.items()}
    known |= {name: resolve(name) for name in _USUAL[space.name] if name not in known}
    fitting = {name: item for name, item in known.items() if space.mismatch(item) is None}
    usual = [name for name in _USUAL[space.name] if name in fitting]
    chosen = st.multiselect(
        "Inputs", list(fitting), usual, key=f"fronts_inputs_{space.name}", max_selections=MOST,
        accept_new_options=True, persist_state="session",
        help="Names, nasbench201:INDEX, or genotypes in any notation.",
    )  # fmt: skip
    found = {}
    for text in chosen:
        try:
            found[text] = fitting[text] if text in fitting else resolve_in(space, text)
        except ValueError as error:
            notices.problem(error, "Left out")
    return found


def _lines(
    inputs: Mapping[str, Architecture], policies: Sequence[str], space: Space
) -> tuple[list[Line], AccuracySource | None]:
    """Return a front per pair, all by the first policy's accuracy source. Raises ValueError if it has none."""
    if not inputs or not policies:
        return [], None
    source = catalogue.source_of(catalogue.card_of(compute.POLICIES, policies[0]), download=False)
    if source is None:
        raise ValueError(f"nothing beside the policy {policies[0][:60]!r} tells accuracies")
    lines = []
    for policy in policies:
        loaded, _ = catalogue.load_for(compute.POLICIES, next(iter(inputs.values())), policy)
        for name, architecture in inputs.items():
            found = outputs.fine_front(architecture, loaded, space, source)
            lines.append(Line(name, policy, found, _recovered(architecture, found, source, loaded.rule)))
    return lines, source


def _recovered(architecture: Architecture, found: Front, source: AccuracySource, rule: str) -> float | None:
    """Return the share of the exact front's area; None if the space cannot be enumerated."""
    if not isinstance(source, table.TabularAccuracy):
        return None
    costs, (code,) = QUANTITIES["macs"].values, table.codes([architecture])
    accuracies = table.accuracies_percent(source.data_set)
    own_codes = table.codes([point.candidate.architecture for point in found.points])
    best = reachable_front(int(code), costs, source.data_set, rule)
    inside = [other for other in best if costs[other] <= costs[code]]
    return outputs.recovered_area(int(code), own_codes.tolist(), inside, costs, accuracies)


def _chart(lines: Sequence[Line], source: AccuracySource) -> None:
    format = figure_format("fronts_format")
    st.plotly_chart(
        figure(lines), key="fronts_chart", config=chart_config("fronts", format, HEIGHT),
        alt="Fronts: share of the input's MACs against gain in accuracy",
    )  # fmt: skip
    area = " In brackets: of the area under the best possible front, the share that is recovered." * (
        lines[0].recovered is not None
    )
    st.caption(
        plain(
            f"Gains over each input; accuracies are {source.kind}: {source.description}. A star is what Transform "
            f"shows first.{area}"
        )
    )


def figure(lines: Sequence[Line]) -> go.Figure:
    """Return the chart: one colour per input, one dash style per policy, a star on Transform's first output."""
    chart, colors = go.Figure(), theme()
    inputs = list(dict.fromkeys(line.input for line in lines))
    policies = list(dict.fromkeys(line.policy for line in lines))
    for line in lines:
        points = [point.candidate for point in line.front.points]
        color = COLORS[inputs.index(line.input) % len(COLORS)]
        dash = DASHES[policies.index(line.policy)]
        _points(chart, line, points, title(line, len(policies) > 1), {"color": color, "dash": dash})
        shown = line.front.first.candidate if line.front.first else line.front.input
        _points(chart, line, [shown], title(line, len(policies) > 1), {"color": color}, is_star=True)
    style(chart, HEIGHT).update_layout(hovermode="closest", paper_bgcolor=colors.ground, showlegend=True)
    chart.update_layout(legend={"y": -0.2, "yanchor": "top"}, margin={"t": 36})
    chart.add_hline(y=0, line={"color": colors.muted, "width": 1, "dash": "dot"})
    chart.update_xaxes(title="Share of the input's MACs, %", range=[0, 104])
    return chart.update_yaxes(title="Gain, points", range=_range(chart))


def _points(
    chart: go.Figure, line: Line, items: Sequence[Candidate], name: str, look: dict[str, str], is_star: bool = False
) -> None:
    given = line.front.input
    chart.add_scatter(
        x=[100 * item.cost.macs / max(given.cost.macs, 1) for item in items],
        y=[item.gain_over(given) for item in items],
        mode="markers" if is_star else "lines+markers",
        name=name,
        legendgroup=name,
        showlegend=not is_star,
        line={"width": 1.8, "shape": "hv", **look},
        marker={
            "symbol": "star" if is_star else "circle", "size": 15 if is_star else 6, "color": look["color"],
            "line": {"width": 1, "color": theme().ground},
        },
        customdata=[[item.cost.macs / 1e6, item.accuracy_percent] for item in items],
        hovertemplate="%{x:.0f} % of the MACs: %{y:+.2f} points<br>%{customdata[0]:.1f} M MACs, "
        "%{customdata[1]:.2f} %<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _range(chart: go.Figure) -> list[float]:
    """Return the range of the gain axis: all gains, and losses up to twice the largest gain."""
    gains = [gain for trace in chart.data for gain in trace.y] or [0.0]
    high = max(*gains, 0.0) if len(gains) > 1 else max(gains[0], 0.0)
    low = max(min(0.0, *gains), -2 * max(high, 1.0))
    margin = 0.06 * (high - low or 1.0)
    return [low - margin, high + margin]


def title(line: Line, several: bool) -> str:
    """Return ``DARTS · fully_concat (99.0 %)``: the policy if there are several, the area if known."""
    name = " · ".join([line.input[:40], *([line.policy[:40]] if several else [])])
    return name if line.recovered is None else f"{name} ({percent(line.recovered)})"
