"""What a decision of the policy has heard of: nodes and edges within as many steps as there were rounds of messages.

In every round of `encoder.EdgeNetwork` a node hears from both ends of its edges and links, through their operations; a
decision then sees the states of its edge's two ends. The graph is the one that the policy itself is given.
"""

from dataclasses import dataclass

from nat_core.architecture.cell import Architecture
from nat_core.learning.graphs.graph import encode


@dataclass(frozen=True)
class Heard:
    """What can influence one decision.

    Attributes:
        nodes: numbers in the encoded graph: the normal cell's nodes, its output, then the reduction cell's likewise.
        edges: positions in `Architecture.edges` whose operations count.
        of_nodes, of_edges: how many there are in all.
    """

    nodes: frozenset[int]
    edges: frozenset[int]
    of_nodes: int
    of_edges: int


def heard(architecture: Architecture, edge: int, rounds: int) -> Heard:
    """What the decision about `edge` has heard after `rounds` rounds of messages.

    Raises:
        ValueError: no such edge, or a negative number of rounds.
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
