"""Editing the input: the selected edge's or node's operation, ends and existence, by pointer or keyboard."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from nat_core.architecture import editing
from nat_core.architecture.cell import Architecture, Cell, CellName
from nat_core.architecture.notation import shortest
from nat_core.architecture.operations import INDEX, NAMES, NULL, OPERATIONS, SKIP
from nat_core.architecture.spaces import Space, space_of
from nat_core.architecture.transitions import is_legal
from nat_core.drawing.palette import operation_color
from nat_core.network.costs import cost_model
from ui import compute, notices
from ui.choice import choice
from ui.palette import Item, palette
from ui.text import edge_label, node_label, percent
from ui.unit import unit
from ui.view import choose_cell

# Session key of the cell with the selected part.
EDITED = "edited_cell"


@dataclass(frozen=True)
class Editor:
    """The cell that is being edited, with the costs and probabilities of its edges.

    Attributes:
        architecture, name: the input, and the name of its edited cell.
        space: the input's space, whose output rule is kept.
        macs: MACs of this cell's edges over the network, [E, operations]; None if they cannot be counted.
        probabilities: the policy's, [E, operations]; NaN if its rule forbids the operation; None without a policy.
    """

    architecture: Architecture
    name: CellName
    space: Space | None
    macs: NDArray[np.int64] | None
    probabilities: NDArray[np.float64] | None

    @property
    def cell(self) -> Cell:
        return dict(self.architecture.cells)[self.name]

    def apply(self, what: str, edit: Callable[[Cell], Cell], part: Callable[[Cell], str] | None = None) -> None:
        """Make the edited cell the input and select a `part` of it; an impossible edit changes nothing."""
        try:
            cell = edit(self.cell)
        except ValueError as error:
            st.session_state["edit_error"] = str(error)
            return
        if part is not None:
            st.session_state["part"] = part(cell)
        prefix = f"{self.name} cell, " if self.architecture.reduction else ""
        choose_cell(shortest(editing.replaced(self.architecture, self.name, cell)), prefix + what)


def edited(architecture: Architecture, log_probabilities: NDArray[np.float64] | None) -> Editor:
    """Return the editor of the selected part's cell. `log_probabilities`: [edges, operations], the policy's, if any."""
    name = st.session_state[EDITED]
    split = len(architecture.normal.edges)
    own = slice(0, split) if name == "normal" else slice(split, None)
    network = compute.default_network(architecture)
    macs = None if network is None else cost_model(network).edge_table(architecture)[0][own]
    logarithms = None if log_probabilities is None else log_probabilities[own]
    probabilities = None if logarithms is None else np.where(np.isfinite(logarithms), np.exp(logarithms), np.nan)
    return Editor(architecture, name, space_of(architecture), macs, probabilities)


def offered(item: Editor) -> list[Item]:
    """Return the palette of the selected edge; empty for other parts."""
    kind, _, number = st.session_state["part"].partition(" ")
    return _items(item, int(number)) if kind == "edge" else []


def set_operation(item: Editor, operation: str) -> None:
    """Replace the selected edge's operation."""
    kind, _, number = st.session_state["part"].partition(" ")
    if kind == "edge":
        _set_operation(item, int(number), operation)


def controls(item: Editor) -> None:
    """Draw the controls of the selected part."""
    cell = item.cell
    kind, _, number = st.session_state["part"].partition(" ")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        choice(
            "Selected",
            parts(cell),
            st.session_state["part"],
            "part",
            partial(_part_title, cell),
            partial(select, item.name),
            210,
            help="Or click an edge or a node in a drawing.",
        )
        if kind == "edge":
            _edge_controls(item, int(number))
        elif kind == "node":
            _node_controls(item, int(number))
        else:
            _output_controls(item)
        _additions(item)
    with st.container():
        if error := st.session_state.get("edit_error"):
            notices.problem(error, "The input stays as it was")
        if kind == "edge":
            palette(offered(item), "palette", partial(set_operation, item))
    st.caption(validity(item.architecture))


def restore_part(architecture: Architecture, drawn: Sequence[CellName]) -> None:
    """Select the first edge of the first drawn cell if the selected part does not exist; call it before drawing."""
    asked = st.session_state["part_cell"]
    st.session_state[EDITED] = asked if asked in drawn else drawn[0]
    known = parts(dict(architecture.cells)[st.session_state[EDITED]])
    if st.session_state["part"] not in known:
        st.session_state["part"] = known[0]


def parts(cell: Cell) -> list[str]:
    """Return all selectable parts: edges, intermediate nodes, numbered as in the cell, and the output."""
    edges, nodes = range(len(cell.edges)), cell.intermediates
    return [f"edge {i}" for i in edges] + [f"node {node}" for node in nodes] + ["output"]


def validity(architecture: Architecture) -> str:
    """Return one line about the input: its space and its dead edges."""
    space = space_of(architecture)
    sentences = [f"Valid cells of the space {space.title}." if space else "Valid cells, of no known space."]
    for name, cell in architecture.cells:
        where = f" of the {name} cell" if architecture.reduction else ""
        if dead := [edge_label(cell, *cell.edges[i][1:]) for i in cell.dead_edges]:
            sentences.append(f"No output is reached from {_listed('edge', dead)}{where}.")
    return " ".join(sentences)


def _listed(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def select(name: CellName, part: str) -> None:
    """Select an edge or a node of a cell, named as in `parts`."""
    st.session_state["part_cell"], st.session_state["part"] = name, part


def _part_title(cell: Cell, part: str) -> str:
    """Return ``Edge cₖ₋₁ → 2``, or ``Edge cₖ₋₁ → 2 (2)`` for the second of parallel edges."""
    kind, _, number = part.partition(" ")
    if kind == "output":
        return "Output cₖ"
    if kind == "node":
        return f"Node {node_label(cell, int(number))}"
    _, source, target = cell.edges[int(number)]
    before = sum(edge[1:] == (source, target) for edge in cell.edges[: int(number)])
    return f"Edge {edge_label(cell, source, target)}" + (f" ({before + 1})" if before else "")


def _set_operation(item: Editor, position: int, operation: str) -> None:
    edge = item.cell.edges[position]
    if operation != edge.operation:
        old, new = edge.traits.short_label, OPERATIONS[operation].short_label
        what = f"{edge_label(item.cell, edge.source, edge.target)}: {old} → {new}"
        item.apply(what, lambda cell: editing.with_operation(cell, position, operation))


def _edge_controls(item: Editor, position: int) -> None:
    cell, edge = item.cell, item.cell.edges[position]
    label = edge_label(cell, edge.source, edge.target)
    choice(
        "Operation",
        NAMES,
        edge.operation,
        "edge_operation",
        lambda name: _operation_title(item, position, name),
        lambda name: _set_operation(item, position, name),
        230,
    )

    def rewire(source: int, target: int) -> None:
        item.apply(
            f"{label} becomes {edge_label(cell, source, target)}",
            lambda cell: editing.rewired(cell, position, source, target, item.space),
        )

    name = partial(node_label, cell)
    choice("From", range(edge.target), edge.source, "edge_source", name, lambda node: rewire(node, edge.target), 90)
    targets = range(max(cell.inputs, edge.source + 1), cell.nodes)
    choice("To", targets, edge.target, "edge_target", name, lambda node: rewire(edge.source, node), 90)
    st.button("Delete edge", icon=":material/delete:", on_click=lambda: _delete_edge(item, position))


def delete(architecture: Architecture, name: CellName, part: str) -> None:
    """Delete an edge or a node of a cell, named as in `parts`; the output cannot be deleted."""
    item, (kind, _, number) = Editor(architecture, name, space_of(architecture), None, None), part.partition(" ")
    if kind == "edge":
        _delete_edge(item, int(number))
    elif kind == "node":
        _delete_node(item, int(number))


def _delete_edge(item: Editor, position: int) -> None:
    edge = item.cell.edges[position]
    item.apply(
        f"{edge_label(item.cell, edge.source, edge.target)} deleted",
        lambda cell: editing.without_edge(cell, position, item.space),
        lambda cell: f"edge {max(position - 1, 0)}",
    )


def _delete_node(item: Editor, node: int) -> None:
    item.apply(
        f"node {node_label(item.cell, node)} deleted",
        lambda cell: editing.without_node(cell, node, item.space),
        lambda cell: f"node {min(node, cell.nodes - 1)}",
    )


def _node_controls(item: Editor, node: int) -> None:
    label = node_label(item.cell, node)
    included = node in item.cell.output
    key = f"node_in_output-{node}-{included}"

    def toggled() -> None:
        item.apply(
            f"node {label} {'out of' if included else 'in'} the output",
            lambda cell: editing.with_outputs(cell, {*cell.output} ^ {node}),
        )
        st.session_state[key] = included  # resets the switch if the edit was impossible

    st.toggle("Part of the output", included, key=key, on_change=toggled)
    st.button(
        "Delete node",
        icon=":material/delete:",
        help="With all of its edges.",
        on_click=lambda: _delete_node(item, node),
    )


def _output_controls(item: Editor) -> None:
    """Draw the choice of the output's nodes."""
    cell, name = item.cell, partial(node_label, item.cell)
    key = f"output_nodes-{cell.nodes}-{cell.output}"

    def chosen() -> None:
        nodes = st.session_state[key]
        item.apply(f"output of {_listed('node', [name(node) for node in nodes])}",
                   lambda cell: editing.with_outputs(cell, nodes))  # fmt: skip
        st.session_state[key] = list(cell.output)  # restores the nodes if the edit was impossible

    st.pills(
        "Nodes that the output is made of", range(cell.nodes), default=cell.output, selection_mode="multi",
        format_func=name, key=key, on_change=chosen,
    )  # fmt: skip


def _additions(item: Editor) -> None:
    """Draw the controls that add an edge (a popover) and a node."""
    cell, name = item.cell, partial(node_label, item.cell)
    with st.popover("Add edge", icon=":material/add:"):
        source = st.selectbox("From", range(cell.nodes - 1), format_func=name, key="new_source")
        targets = range(max(cell.inputs, source + 1), cell.nodes)
        target = st.selectbox("To", targets, format_func=name, key="new_target")
        operation = st.selectbox(
            "Operation",
            [operation for operation in NAMES if operation != NULL] + [NULL],
            format_func=lambda name: OPERATIONS[name].short_label,
            key="new_operation",
        )
        st.button("Add this edge", on_click=_add_edge, args=(item, operation, source, target))
    st.button(
        "Add node",
        icon=":material/add:",
        help="The last one; it starts with a skip connection from the node before it.",
        on_click=lambda: item.apply(
            f"node {cell.nodes - cell.inputs} added",
            lambda cell: editing.with_node(cell, SKIP, cell.nodes - 1, item.space),
            lambda cell: f"edge {len(cell.edges) - 1}",
        ),
    )


def _add_edge(item: Editor, operation: str, source: int, target: int) -> None:
    known = item.cell.edges

    def part(cell: Cell) -> str:
        pairs = zip((*known, None), cell.edges, strict=True)
        return f"edge {next(i for i, (old, new) in enumerate(pairs) if old != new)}"

    what = f"{edge_label(item.cell, source, target)} added: {OPERATIONS[operation].short_label}"
    item.apply(what, lambda cell: editing.with_edge(cell, operation, source, target, item.space), part)


def _items(item: Editor, position: int) -> list[Item]:
    """Return the palette: the operations of the space (all, without a space) and the edge's own."""
    current = item.cell.edges[position].operation
    offered = item.space.operations if item.space else NAMES
    return [_item(item, position, current, name) for name in NAMES if name in offered or name == current]


def _item(item: Editor, position: int, current: str, name: str) -> Item:
    chance = _probability(item, position, name)
    legal = is_legal(current, name) if item.probabilities is None else chance is not None
    odds = ("legal" if chance is None else percent(chance)) if legal else "no transition"
    rule = "" if legal else f"; the rule forbids it in the place of {OPERATIONS[current].short_label}"
    return Item(
        name=name,
        label=OPERATIONS[name].short_label,
        cost="" if item.macs is None else unit().text(int(item.macs[position, INDEX[name]])),
        odds=odds,
        hint=f"{name}{rule}",
        color=operation_color(name),
        probability=chance if legal else None,
        legal=legal,
        current=name == current,
    )


def _operation_title(item: Editor, position: int, name: str) -> str:
    """Return a text such as ``sep 3×3, 12.3 M MACs, 4.1 %``."""
    entry = _item(item, position, item.cell.edges[position].operation, name)
    return ", ".join(part for part in (entry.label, entry.cost, entry.odds) if part)


def _probability(item: Editor, position: int, name: str) -> float | None:
    if item.probabilities is None:
        return None
    value = float(item.probabilities[position, INDEX[name]])
    return value if math.isfinite(value) else None
