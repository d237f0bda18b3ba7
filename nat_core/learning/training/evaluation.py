"""Evaluates a policy on NAS-Bench-201, where the best reachable architecture is known exactly.

*Recovered* is the mean gain of outputs over inputs ÷ the mean gain of the oracle, which enumerates everything that
legal transitions reach. Candidates are chosen by the score that also rewards training; test columns choose nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nat_core.learning.graphs.graph import OPERATION_COUNT
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import Codes, Lattice, Quality, Scores, best_of, oracle, quality_of
from nat_core.learning.policies.distribution import greedy, most_probable
from nat_core.learning.policies.policy import Policy

TEST_OF = MappingProxyType({name: f"{name.removesuffix('_valid')}_test" for name in table.DATA_SETS if "valid" in name})


@dataclass(frozen=True)
class Transfer:
    """Return how much of the gain on a test column the greedy outputs recover; the column plays no part in choosing
    them.

    Attributes:
        recovered: share of the gain of the oracle that chooses, like the policy, by the training score.
        recovered_own: share of the gain of the oracle that chooses by the test column itself.
    """

    recovered: float
    recovered_own: float


@dataclass(frozen=True)
class PolicyQuality:
    """Quality on inputs, by how many table look-ups a transformation may use.

    Attributes:
        greedy: quality of the most probable transformation, without look-ups.
        best_of: quality of the best of the input and its n most probable distinct transformations, by n.
        transfer: quality by test column.
    """

    greedy: Quality
    best_of: Mapping[int, Quality]
    transfer: Mapping[str, Transfer]

    def to_dict(self) -> dict[str, Any]:
        """Return rounded figures for a card, under self-explaining names."""
        figures = {
            "greedy": asdict(self.greedy),
            **{f"best_of_{count}": asdict(quality) for count, quality in self.best_of.items()},
            "transfer": {name: asdict(value) for name, value in self.transfer.items()},
        }
        return _rounded(figures)


def policy_quality(
    policy: Policy, inputs: Codes, scores: Scores, rule: str = "nat++", counts: Sequence[int] = (10, 100)
) -> PolicyQuality:
    """Measure a policy's quality.

    Args:
        policy: policy for NAS-Bench-201.
        inputs: codes of the cells to transform, [n], preferably held out from training.
        scores: scores that the policy was trained to raise, [15625] in code order.
        rule: transition rule.
        counts: numbers of candidates.
    """
    lattice = Lattice.of_space(table.SPACE, rule)
    best = oracle(lattice, scores)
    log_probabilities = edge_log_probabilities(policy, inputs, rule)
    outputs = table.codes_of_operations(greedy(torch.from_numpy(log_probabilities)).numpy())
    candidates = probable_codes(log_probabilities, max(counts, default=0), inputs)
    chosen = {count: best_of(candidates[:, : count + 1], scores) for count in counts}
    return PolicyQuality(
        greedy=quality_of(scores, inputs, outputs, best[inputs]),
        best_of={count: quality_of(scores, inputs, codes, best[inputs]) for count, codes in chosen.items()},
        transfer={name: _transfer(lattice, inputs, outputs, best, name) for name in TEST_OF.values()},
    )


def edge_log_probabilities(policy: Policy, inputs: Codes, rule: str = "nat++") -> NDArray[np.float32]:
    """Return the log-probabilities for n cells with their own costs as budgets, shape [n, 6, operations]."""
    cells = [table.architecture_of_code(int(code)) for code in inputs]
    with torch.inference_mode():
        rows = policy.distribution(cells, table.SPACE, rule).log_probabilities
    return rows.view(len(inputs), len(table.EDGES), OPERATION_COUNT).cpu().numpy()


def probable_codes(log_probabilities: NDArray[np.floating], count: int, inputs: Codes) -> Codes:
    """Return the codes of each input and then of its most probable transformations, best first, shape [n, 1 + count].

    If fewer are possible, the last one is repeated.
    """
    codes = np.empty((len(inputs), count + 1), dtype=np.int64)
    codes[:, 0] = inputs
    for row, edges in enumerate(log_probabilities):
        operations, _ = most_probable(edges, count)
        codes[row, 1 : len(operations) + 1] = table.codes_of_operations(operations)
        codes[row, len(operations) + 1 :] = codes[row, len(operations)]
    return codes


def _transfer(lattice: Lattice, inputs: Codes, outputs: Codes, best: Codes, column: str) -> Transfer:
    scores = table.accuracies_percent(column)
    own = oracle(lattice, scores)
    return Transfer(
        recovered=quality_of(scores, inputs, outputs, best[inputs]).recovered,
        recovered_own=quality_of(scores, inputs, outputs, own[inputs]).recovered,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(item) for name, item in value.items()}
    return round(value, 4) if isinstance(value, float) else value
