"""Drawings of one architecture as transformed by a run's policy at each kept checkpoint."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import streamlit as st

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import difference
from nat_core.architecture.library import library
from nat_core.architecture.spaces import SPACES
from nat_core.drawing.cells import draw_overlay
from nat_core.learning.graphs.graph import encode
from nat_core.learning.policies import catalogue
from nat_core.learning.policies.costs import edge_costs
from nat_core.learning.policies.distribution import transformed
from nat_core.learning.policies.proposing import proposals
from nat_core.naming import resolve_in
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model
from nat_core.runs.artifacts import Snapshots, fetch_snapshots
from nat_core.runs.kinds import trains_a_policy
from nat_core.runs.run import Run, State
from nat_core.runs.tracking import Tracking
from ui import notices
from ui.text import plain, relative
from ui.theme import theme
from ui.train.files import policy_folder
from ui.view import USUAL_CELLS


def show(tracking: Tracking, run: Run) -> None:
    """Draw a chosen architecture and its transformation, step by step."""
    kept = steps(tracking, run)
    if run.request.space not in SPACES or not trains_a_policy(run):
        st.caption("This run trains no policy.")
        return
    if tracking.is_elsewhere(run) or (run.state is State.FINISHED and not kept):
        _fetch(tracking, run, bool(kept))
    elif not kept:
        st.caption("Nothing yet: the first drawing appears with the first checkpoint.")
    if not kept:
        return
    architecture = _chosen(run)
    if architecture is None:
        return
    names = [name for name, _ in architecture.cells]
    name = names[0]
    if len(names) > 1:
        name = st.segmented_control(
            "Cell", names, default=names[0], required=True, format_func=str.capitalize, key="train_timeline_cell",
            label_visibility="collapsed",
        )  # fmt: skip
    percent = st.slider(
        "Budget, % of the input's cost", 10, 100, 100, 5, key="train_timeline_budget", width=420,
        persist_state="session", help="Of what the policy is told budgets of, or of the MACs.",
    )  # fmt: skip
    st.caption(
        "Most probable transformation that fits the budget at each kept checkpoint; changes are marked “old → new”."
    )
    found = frames(kept, architecture, percent / 100)
    if not found:
        st.info(f"Nothing legal costs at most {percent} % of this architecture.", icon=":material/info:")
    columns = st.columns(2)
    for number, (first, last, after) in enumerate(found):
        with columns[number % 2]:
            _frame(
                run, architecture, after, name, f"Step {first:,}" if first == last else f"Steps {first:,} to {last:,}"
            )


def _fetch(tracking: Tracking, run: Run, some: bool) -> None:
    """Offer to fetch the policies of checkpoints on another machine, of which the record has copies."""
    more = "Newer ones" if some else "The policies of its checkpoints"
    away = f"are in {plain(run.place)}" if tracking.is_elsewhere(run) else "are not here any more"
    st.caption(f"{more} {away}; its record has copies.")
    if st.button("Fetch them", key=f"train-fetch-{run.id}", icon=":material/download:"):
        try:
            fetch_snapshots(tracking, run)
        except (ValueError, OSError) as error:
            notices.problem(error)
            return
        st.rerun()


def steps(tracking: Tracking, run: Run) -> dict[int, Path]:
    """Return the folders of the policies by step: the kept ones and the latest."""
    kept = Snapshots.of(tracking.folders, run).kept()
    last = policy_folder(tracking, run)
    return kept | ({max(run.step, *kept, 0): last} if last is not None else {})


def _chosen(run: Run) -> Architecture | None:
    """Choose an architecture of the library, or enter one; each space keeps its own choice."""
    space = SPACES[run.request.space]
    fitting = [name for name, entry in library().items() if space.mismatch(entry.architecture) is None]
    options = list(dict.fromkeys([USUAL_CELLS[space.name], *fitting]))
    text = st.selectbox(
        "Architecture", options, key=f"train_cell_{space.name}", width=420, accept_new_options=True,
        persist_state="session", help="A name, nasbench201:INDEX, or a genotype in any notation.",
    )  # fmt: skip
    try:
        return resolve_in(space, text)
    except ValueError as error:
        notices.problem(error)
        return None


def frames(
    kept: Mapping[int, Path], architecture: Architecture, share: float = 1.0
) -> list[tuple[int, int, Architecture]]:
    """Return (first step, last step, output), merging neighbouring checkpoints with equal outputs, without broken ones.

    Args:
        kept: folders of policies by step.
        architecture: the input.
        share: maximum cost of outputs, relative to the input's.
    """
    found: list[tuple[int, int, Architecture]] = []
    for step, folder in kept.items():
        try:
            after = output(folder, folder.stat().st_mtime_ns, architecture, share)
        except (ValueError, OSError):
            continue
        if found and found[-1][2] == after:
            found[-1] = (found[-1][0], step, after)
        else:
            found.append((step, step, after))
    return found


def _frame(run: Run, architecture: Architecture, after: Architecture, name: str, title: str) -> None:
    costs = cost_model(NETWORKS[SPACES[run.request.space].network])
    change = relative(costs.cost(after).macs, costs.cost(architecture).macs)
    changed = len(difference(architecture, after))
    st.markdown(f"**{title}** · {changed} edge{'' if changed == 1 else 's'} changed · {change} MACs")
    pair = dict(architecture.cells)[name], dict(after.cells)[name]
    svg = draw_overlay(*pair, "svg", "".join(filter(str.isalnum, title)), theme().name, responsive=True).decode()
    st.image(svg, width="stretch")


@lru_cache(maxsize=512)
def output(folder: Path, stamp: int, architecture: Architecture, share: float = 1.0) -> Architecture:
    """Return the policy's most probable transformation within a share of the input's cost.

    Raises ValueError for a broken policy, or if nothing fits.
    """
    policy, card = catalogue.load(folder)
    costs = edge_costs([architecture], card.target_space, policy.config.budget or "macs")
    own = float(costs.of(encode([architecture]).operation)[0])
    ((choices,),) = proposals(policy, [architecture], card.target_space, [[share * own]], 1, costs, card.rule)
    if not len(choices[0]):
        raise ValueError(f"nothing legal costs at most {share:.0%} of the architecture")
    return transformed(architecture, choices[0][0].tolist())
