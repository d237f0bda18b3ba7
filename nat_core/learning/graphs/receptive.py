"""The receptive field of the policy's decisions: the nodes and edges that can influence a decision.

In every round of `encoder.EdgeNetwork`, a node receives messages from its neighbours through the operations of its
edges and links. A decision about an edge then depends on the states of the edge's two nodes. The receptive field is
computed on the same graph that the policy reads.
"""

from dataclasses import dataclass

from nat_core.architecture.cell import Architecture
from nat_core.learning.graphs.graph import encode


@dataclass(frozen=True)
class Heard:
    """The receptive field of one decision.

    Attributes:
        nodes: numbers of the nodes that count; in the encoded graph, each cell's nodes precede its output node.
        edges: positions in `Architecture.edges` whose operations count.
        of_nodes, of_edges: total numbers of nodes and edges.
    """

    nodes: frozenset[int]
    edges: frozenset[int]
    of_nodes: int
    of_edges: int


def heard(architecture: Architecture, edge: int, rounds: int) -> Heard:
    """Return the receptive field of the decision about `edge` after `rounds` rounds of messages.

    Raises:
        ValueError: there is no such edge, or `rounds` is negative.
    """
    if not 0 <= edge < len(architecture.edges) or rounds < 0:
        raise ValueError(f"edge {edge} after {rounds} rounds; there are {len(architecture.edges)} edges, rounds ≥ 0")
    graphs = encode([architecture])
    edges = [tuple(pair) for pair in graphs.edge_index.T.tolist()]
    links = [tuple(pair) for pair in graphs.link_index.T.tolist()]
    nodes, passed = set(edges[edge]), {edge}
    for _ in range(rounds):
        passed |= {number for number, ends in enumerate(edges) if nodes & set(ends)}
        nodes |= {end for ends in (*edges, *links) if nodes & set(ends) for end in ends}
    return Heard(frozenset(nodes), frozenset(passed), len(graphs.x), len(edges))
