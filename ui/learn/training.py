"""Step 5: the reward, for one real cell, and the shipped policy's training curves."""

import plotly.graph_objects as go
import streamlit as st

from nat_core.architecture import notation
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.optimality import oracle_codes
from nat_core.learning.policies.checkpoint import PolicyCard
from nat_core.learning.training.curve import Series, TrainingCurve
from nat_core.specification import number_at
from ui import notices
from ui.compare.outputs import output_code
from ui.learn import shipped
from ui.text import plain, signed
from ui.theme import style, theme
from ui.view import BENCHMARK_CELL

_SCORE = "cifar10_valid"
_NONE = Series((), ())
_CURVES = {
    "gain": ("Gain", "points"),
    "entropy": ("Entropy", "nats per cell"),
}


def draw() -> None:
    """Draw the reward, the curves and their origin."""
    try:
        card, curve = shipped.card(), shipped.curve()
    except ValueError as error:
        notices.problem(error, "No policy can be shown")
        return
    _reward()
    if curve is None:
        st.info("No curve of this policy's training was recorded.", icon=":material/info:")
        return
    which = st.segmented_control(
        "Curve", _CURVES, format_func=lambda name: _CURVES[name][0], default="gain", required=True, key="learn_curve",
        persist_state="session",
    )  # fmt: skip
    possible = number_at(card.quality, "greedy", "oracle_gain") if which == "gain" else None
    st.plotly_chart(_figure(curve, which, possible), config={"displayModeBar": False}, key="learn_training",
                    alt=f"{_CURVES[which][0]} during training")  # fmt: skip
    st.markdown(_TEXTS[which])
    st.caption(
        f"`{curve.command}`; seed {curve.seed}, recorded {curve.date}, {_effort(card)}. Rewards: "
        f"{plain(card.data)} (tabular)."
    )


def _effort(card: PolicyCard) -> str:
    """Return ``1,500 steps in 60 s on 1 thread``, as far as the card has these facts."""
    steps, threads = number_at(card.training, "steps"), number_at(card.machine, "threads")
    of_steps = "" if steps is None else f"{steps:,.0f} steps in "
    on_threads = "" if threads is None else f" on {threads:.0f} thread{'' if threads == 1 else 's'}"
    return f"{of_steps}{card.elapsed_seconds:.0f} s{on_threads}"


_TEXTS = {
    "gain": "At first the policy guesses, and most guesses hurt. Then it finds what helps. "
    "The dashed line is all that legal transitions could gain, on the cells that it never trained on.",
    "entropy": "Entropy is how undecided the policy is. A small reward for it, λ·H(π), keeps the policy trying; "
    "it fades, and the policy makes up its mind.",
}


def _reward() -> None:
    """Draw R(α|β) with the numbers of one cell."""
    before = int(table.codes([notation.parse(BENCHMARK_CELL)])[0])
    after, best = output_code(before, 1), int(oracle_codes(_SCORE, shipped.card().rule)[before])
    accuracies = table.accuracies_percent(_SCORE)
    left, right = st.columns(2, gap="large")
    with left:
        st.latex(r"R(\alpha|\beta) = \text{acc}(\alpha) - \text{acc}(\beta)")
        st.markdown(
            "The reward is the accuracy that the new cell **α** gains over the old cell **β**, on the same data."
        )
    columns = right.columns(3)
    columns[0].metric("Accuracy of β", f"{accuracies[before]:.2f} %", "as it was", delta_arrow="off",
                      delta_color="gray")  # fmt: skip
    columns[1].metric("Accuracy of α, the policy's", f"{accuracies[after]:.2f} %",
                      f"reward {signed(accuracies[after] - accuracies[before])}", delta_arrow="off")  # fmt: skip
    columns[2].metric("The best α there is", f"{accuracies[best]:.2f} %",
                      f"reward {signed(accuracies[best] - accuracies[before])}", delta_arrow="off")  # fmt: skip
    right.caption(f"Cell {table.benchmark_indices()[before]:,} of NAS-Bench-201, {table.DATA_SETS[_SCORE]}, tabular.")


def _figure(curve: TrainingCurve, which: str, possible: float | None) -> go.Figure:
    """Return the curve of one metric; the gain also has its held-out curve and its limit."""
    colors, figure = theme(), go.Figure()
    lines = {
        "gain": (("gain", "sampled, training cells", colors.tint(colors.accent, 0.45)),
                 ("held_out_gain", "most probable, held-out cells", colors.accent)),
        "entropy": (("entropy", "entropy", colors.accent),),
    }[which]  # fmt: skip
    for name, title, color in lines:
        series = curve.series.get(name, _NONE)
        figure.add_scatter(
            x=series.steps, y=series.values, mode="lines", name=title, line={"color": color, "width": 2},
            hovertemplate=f"step %{{x}}: %{{y:.2f}} {_CURVES[which][1]}<extra>{title}</extra>",
        )  # fmt: skip
    if possible is not None:
        figure.add_hline(y=possible, line={"dash": "dash", "color": colors.muted, "width": 1},
                         annotation={"text": f"possible: {signed(possible)} points", "font": {"color": colors.muted},
                                     "xanchor": "right"})  # fmt: skip
    last = max((step for name, *_ in lines for step in curve.series.get(name, _NONE).steps), default=1)
    style(figure, 360).update_xaxes(title="gradient steps", range=[0, last])
    return figure.update_yaxes(title=f"{_CURVES[which][0]}, {_CURVES[which][1]}")
