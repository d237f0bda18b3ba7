"""Time to sample 1,000 transformations of one architecture, score them by the policy, and cost them.

Run as `python -m benchmarks.transformations`. The limit is 100 milliseconds on one core.
"""

import sys
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.rows import Row, median_seconds, report
from nat_core.architecture.cell import Architecture
from nat_core.architecture.library import find
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.nasbench201 import table
from nat_core.learning.policies.policy import Policy
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

TRANSFORMATIONS = 1000
LIMIT_MS = 100.0
_REPEATS = 20


def transform_and_cost(policy: Policy, architecture: Architecture, space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Return log-probabilities [1000] and MACs [1000] of 1,000 sampled transformations."""
    with torch.inference_mode():
        distribution = policy.distribution([architecture], space)
        operations = distribution.sample(TRANSFORMATIONS, torch.Generator().manual_seed(0))
        log_probabilities = distribution.log_probability(operations)[:, 0]
    model = cost_model(NETWORKS[space.network])
    table_of_macs, _ = model.edge_table(architecture)
    chosen = table_of_macs[np.arange(len(table_of_macs)), operations.numpy()]
    return log_probabilities.numpy(), chosen.sum(axis=1) + model.fixed_cost(architecture).macs


def most_probable_and_cost(policy: Policy, architecture: Architecture, space: Space) -> tuple[np.ndarray, np.ndarray]:
    """Return the same for the 1,000 most probable distinct transformations."""
    with torch.inference_mode():
        distribution = policy.distribution([architecture], space)
    operations, log_probabilities = distribution.most_probable(TRANSFORMATIONS)
    model = cost_model(NETWORKS[space.network])
    table_of_macs, _ = model.edge_table(architecture)
    chosen = table_of_macs[np.arange(len(table_of_macs)), operations]
    return log_probabilities, chosen.sum(axis=1) + model.fixed_cost(architecture).macs


def rows() -> Iterator[Row]:
    """Yield milliseconds per 1,000 transformations, and the rate per second, on one thread."""
    torch.set_num_threads(1)
    policy = Policy().eval()
    cases = {
        "DARTS, 16 edges": (find("DARTS").architecture, SPACES["fully_concat"]),
        "NAS-Bench-201, 6 edges": (table.architecture_of_code(table.SIZE // 3), SPACES["nasbench201"]),
    }
    for name, (architecture, space) in cases.items():
        for what, action in (("sampled", transform_and_cost), ("most probable", most_probable_and_cost)):
            action(policy, architecture, space)  # also measures the operations' costs
            taken = median_seconds(lambda do=action, item=architecture, its=space: do(policy, item, its), _REPEATS)
            title = f"{TRANSFORMATIONS:,} transformations of {name}, {what}"
            yield Row(title, 1000 * taken, "ms", LIMIT_MS)
            yield Row(f"transformations of {name}, {what}", TRANSFORMATIONS / taken, "per second")


if __name__ == "__main__":
    sys.exit(report(rows()))
