"""Distributions over transformations: one categorical over operations per edge, illegal ones exactly impossible.

The maths is in pure functions on flat edges (E edges of n architectures, `edge_batch` [E] says
whose each is); `TransformationDistribution` binds them to architectures. Operations are numbered as in the
table of operations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.architecture.operations import NAMES


def masked_log_softmax(logits: Tensor, legal: Tensor) -> Tensor:
    """Return log-probabilities [..., operations]: -inf for illegal operations; the others' probabilities sum to 1.

    The papers' binary-masked softmax: the mask is applied before the softmax. Gradients are finite: an illegal
    logit's is exactly 0.
    """
    return torch.log_softmax(logits.masked_fill(~legal, -torch.inf), dim=-1)


def edge_entropy(log_probabilities: Tensor) -> Tensor:
    """Return the entropy of every edge in nats, [E], from log-probabilities [E, operations]; 0·log 0 counts 0."""
    finite = log_probabilities.masked_fill(torch.isneginf(log_probabilities), 0.0)
    return -(log_probabilities.exp() * finite).sum(dim=-1)


def sum_per_graph(values: Tensor, edge_batch: Tensor, count: int) -> Tensor:
    """Sum values of edges [..., E] over each architecture, shape [..., count]."""
    return values.new_zeros(*values.shape[:-1], count).index_add(-1, edge_batch, values)


def log_probability(log_probabilities: Tensor, operations: Tensor, edge_batch: Tensor, count: int) -> Tensor:
    """Return the log-probabilities of choices `operations` [samples, E], shape [samples, count]."""
    chosen = log_probabilities.gather(1, operations.T).T
    return sum_per_graph(chosen, edge_batch, count)


def sample(log_probabilities: Tensor, samples: int, generator: torch.Generator | None = None) -> Tensor:
    """Draw independently, shape [samples, E], from log-probabilities [E, operations].

    The cumulative distribution is inverted, so that an operation of probability 0 is never drawn. A generator on the
    CPU serves every device.
    """
    probabilities = log_probabilities.detach().double().exp()
    cumulative = probabilities.cumsum(dim=1)
    source = generator.device if generator is not None else probabilities.device
    uniform = torch.rand((len(probabilities), samples), generator=generator, dtype=torch.float64, device=source)
    drawn = torch.searchsorted(cumulative, uniform.to(probabilities.device) * cumulative[:, -1:], right=True)
    numbers = torch.arange(probabilities.shape[1], device=probabilities.device)
    last = torch.where(probabilities > 0, numbers, -1).amax(dim=1, keepdim=True)
    return torch.minimum(drawn, last).T.contiguous()


def greedy(log_probabilities: Tensor) -> Tensor:
    """Return the most probable operation of every edge, shape [E]."""
    return log_probabilities.argmax(dim=-1)


def most_probable(log_probabilities: NDArray[np.floating], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the `count` most probable distinct choices for all edges together, exactly, best first.

    Edge by edge, the best `count` partial choices are extended by every possible operation and cut to the best `count`
    again. That is exact: a prefix of one of the best choices is itself among the best prefixes,
    because edges are independent.

    Args:
        log_probabilities: log-probabilities, [E, operations]; -inf marks impossible operations.
        count: maximum number of choices; fewer are returned if fewer are possible.

    Returns:
        The operations [k, E] and their log-probabilities [k], k ≤ count; ties in order of the operations' numbers.
    """
    totals = np.zeros(1)
    chosen = np.zeros((1, 0), dtype=np.int64)
    for row in np.asarray(log_probabilities, dtype=np.float64):
        possible = np.flatnonzero(np.isfinite(row))
        extended = (totals[:, None] + row[possible]).ravel()
        best = np.argsort(-extended, kind="stable")[:count]
        prefix, operation = np.divmod(best, len(possible))
        chosen = np.concatenate([chosen[prefix], possible[operation][:, None]], axis=1)
        totals = extended[best]
    return chosen, totals


@dataclass(frozen=True)
class TransformationDistribution:
    """A policy's distribution over transformations of n architectures with E edges in all.

    Attributes:
        architectures: the inputs.
        log_probabilities: log-probabilities, [E, operations]; -inf for operations that the rule forbids.
        edge_batch: number of the architecture to which each edge belongs, [E].
    """

    architectures: tuple[Architecture, ...]
    log_probabilities: Tensor
    edge_batch: Tensor

    @property
    def probabilities(self) -> Tensor:
        """Return probabilities [E, operations], exactly 0 for forbidden operations; every row sums to 1."""
        return self.log_probabilities.exp()

    @cached_property
    def bounds(self) -> tuple[int, ...]:
        """Return the start of each architecture's edges, and E."""
        return (0, *np.cumsum([len(item.edges) for item in self.architectures]).tolist())

    def rows(self, number: int = 0) -> Tensor:
        """Return one architecture's log-probabilities, [edges, operations] in the order of `Architecture.edges`."""
        return self.log_probabilities[self.bounds[number] : self.bounds[number + 1]]

    def entropy(self) -> Tensor:
        """Return entropies in nats, shape [n]: how undecided the policy is about each architecture."""
        return sum_per_graph(edge_entropy(self.log_probabilities), self.edge_batch, len(self.architectures))

    def log_probability(self, operations: Tensor) -> Tensor:
        """Return the log-probabilities of choices [samples, E], shape [samples, n]."""
        return log_probability(self.log_probabilities, operations, self.edge_batch, len(self.architectures))

    def sample(self, samples: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw independent choices, shape [samples, E]."""
        return sample(self.log_probabilities, samples, generator)

    def greedy(self) -> Tensor:
        """Return the most probable operation of every edge, shape [E]."""
        return greedy(self.log_probabilities)

    def most_probable(self, count: int, number: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The `count` most probable distinct transformations of one architecture: operations [k, edges], their
        log-probabilities [k]."""
        return most_probable(self.rows(number).detach().cpu().numpy(), count)

    def apply(self, operations: Tensor) -> list[Architecture]:
        """Return the n architectures with `operations` [E]."""
        chosen = operations.tolist()
        return [
            transformed(item, chosen[begin:end])
            for item, begin, end in zip(self.architectures, self.bounds[:-1], self.bounds[1:], strict=True)
        ]


def transformed(architecture: Architecture, operations: Sequence[int] | NDArray[np.int64]) -> Architecture:
    """`architecture` with these operations (rows of the table), one per edge in order."""
    return architecture.with_operations([NAMES[index] for index in operations])
