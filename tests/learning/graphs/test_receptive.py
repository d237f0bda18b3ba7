import pytest
import torch

from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES
from nat_core.learning.graphs.receptive import heard
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy

DARTS = find("DARTS").architecture


def test_by_hand_on_darts():
    own = heard(DARTS, 7, 0)
    assert own.nodes == {2, 5} and own.edges == {7}
    after_one = heard(DARTS, 7, 1)
    assert {DARTS.edges[e][1][1:] for e in after_one.edges} >= {(2, 5), (0, 2), (1, 2), (0, 5)}
    assert len(after_one.edges) < after_one.of_edges
    everything = heard(DARTS, 7, 9)
    assert (len(everything.nodes), len(everything.edges)) == (everything.of_nodes, everything.of_edges)


@pytest.mark.parametrize("edge", [0, 7, 12])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_exactly_what_is_heard_can_move_an_untrained_policys_decision(edge, rounds):
    """Of the operations that no round brings near, changing any leaves the decision as it was, bit for bit."""
    torch.manual_seed(0)
    policy = Policy(PolicyConfig(layers=rounds)).eval()
    item = heard(DARTS, edge, rounds)

    def decision(architecture):
        with torch.inference_mode():
            rows = policy.distribution([architecture], SPACES["fully_concat"]).log_probabilities[edge]
        return rows[torch.isfinite(rows)]

    before = decision(DARTS)
    for other in range(len(DARTS.edges)):
        if other != edge:
            operations = list(DARTS.operations)
            operations[other] = "conv_5x5"
            moved = not torch.equal(decision(DARTS.with_operations(operations)), before)
            assert moved <= (other in item.edges), other


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="edge 99 after 1 rounds; there are 16 edges"):
        heard(DARTS, 99, 1)
    with pytest.raises(ValueError, match="rounds ≥ 0"):
        heard(DARTS, 0, -1)
