"""The shape of a policy."""

from collections.abc import Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from nat_core.learning.nasbench201.columns import DEVICES
from nat_core.specification import OneOf, specified

# What budgets may limit that a policy is told.
BUDGETS = {"": "None", "macs": "MACs", "parameters": "Parameters", **DEVICES}
# Bounds are the largest sizes that any policy needs, so that a card cannot ask for more memory.
Width = Annotated[int, Field(ge=1, le=1024)]


@specified
class PolicyConfig:
    """The shape of a policy.

    Attributes:
        network: "edge" (ours) or "gcn" (the form of the papers' code).
        width: width of hidden states.
        layers: number of message-passing rounds.
        embedding: width of an operation's embedding.
        key: width of the edges' query vectors and the target operations' key vectors.
        budget: the cost limited by the budget that the policy is told; empty: the policy is told no budget.

    Raises:
        ValueError: the network or the cost is unknown, or a size is out of bounds.
    """

    network: Annotated[str, OneOf({"edge": "Ours", "gcn": "The papers'"})] = "edge"
    width: Width = 64
    layers: Annotated[int, Field(ge=1, le=16)] = 3
    embedding: Width = 32
    key: Width = 64
    budget: Annotated[str, OneOf(BUDGETS)] = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


# The configurations that go with the networks' names; the second has the sizes of the papers' code.
POLICY_CONFIGS: Mapping[str, PolicyConfig] = MappingProxyType(
    {"edge": PolicyConfig(), "gcn": PolicyConfig(network="gcn", width=100, layers=2, embedding=100, key=100)}
)
