"""The core's calls that pages make, each computed once per value and shared by all visitors."""

from functools import lru_cache
from pathlib import Path

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import Space, space_of
from nat_core.learning import catalogue
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.policy import Policy
from nat_core.network.config import NETWORKS, NetworkConfig
from nat_core.network.costs import Cost, cost_model
from nat_core.transform import Options, Transformation
from nat_core.transform import transform as run_transform

PRETRAINED = Path(__file__).parent.parent / "pretrained"


def default_network(architecture: Architecture) -> NetworkConfig | None:
    """The network that the architecture's costs are usually quoted on; None if it fits none."""
    space = space_of(architecture)
    candidates = [NETWORKS[space.network]] if space else NETWORKS.values()
    return next((config for config in candidates if config.mismatch(architecture) is None), None)


@lru_cache(maxsize=1024)
def costs(architecture: Architecture, network: NetworkConfig) -> tuple[Cost, Cost]:
    """Raw and effective cost."""
    model = cost_model(network)
    return model.cost(architecture), model.cost(architecture.effective)


def transform(architecture: Architecture, policy: str, options: Options, device: str) -> Transformation:
    """`architecture` transformed by the policy of that name. Raises ValueError with one sentence."""
    loaded, card = catalogue.load_for(PRETRAINED, architecture, policy, device)
    return _transform(architecture, loaded, card.target_space, catalogue.accuracy_source(card, architecture), options)


@lru_cache(maxsize=256)
def _transform(
    architecture: Architecture, policy: Policy, space: Space, source: AccuracySource | None, options: Options
) -> Transformation:
    return run_transform(architecture, policy, space, source, options)
