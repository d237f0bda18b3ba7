"""REINFORCE as pure functions: from rewards of samples to a loss whose terms are named.

The policy gradient of NAT (arXiv 1910.14488, section 3.3) with other advantages than the authors' moving average: every
input is compared with its own samples only. Raw rewards are dominated by bad inputs, which gain much whatever
the policy does; dividing by the spread of an input's own samples lets all inputs count alike.
"""

from typing import NamedTuple

import torch
from torch import Tensor

# Spreads below this (in the reward's unit) are rounding, not information.
_NO_SPREAD = 1e-6


class Advantage(NamedTuple):
    """The advantage of each sample over its input's other samples; all [samples, batch].

    Attributes:
        relative: reward − mean of the other samples' rewards (leave-one-out baseline).
        best: for the best sample only, `best_weight` · samples · (its reward − the second best), which rewards
            a distribution whose best sample is good; elsewhere 0.
        scale: 1 ÷ standard deviation of the input's rewards, [1, batch]; 0 where all rewards are equal.
    """

    relative: Tensor
    best: Tensor
    scale: Tensor

    @property
    def value(self) -> Tensor:
        return (self.relative + self.best) * self.scale


def group_advantage(rewards: Tensor, best_weight: float = 0.25) -> Advantage:
    """Return the advantage of every sample within its input's group; two or more samples are needed.

    Raises:
        ValueError: there are fewer than two samples.
    """
    samples = len(rewards)
    if samples < 2:
        raise ValueError(f"{samples} sample per input; comparing samples with each other needs 2 or more")
    relative = (rewards - rewards.mean(dim=0)) * (samples / (samples - 1))
    top = rewards.topk(2, dim=0)
    lead = best_weight * samples * (top.values[0] - top.values[1])
    best = torch.zeros_like(rewards).scatter(0, top.indices[:1], lead[None])
    spread = rewards.std(dim=0, correction=0, keepdim=True)
    scale = torch.where(spread > _NO_SPREAD, 1 / spread.clamp(min=_NO_SPREAD), 0.0)
    return Advantage(relative, best, scale)


def moving_baseline(baseline: float, rewards: Tensor, decay: float = 0.99) -> float:
    """The authors' baseline after a step: an exponential moving average of raw mean rewards.

    Their code averages rewards from which it has already subtracted the baseline, so that it settles at half the
    mean; this does not.
    """
    return decay * baseline + (1 - decay) * rewards.mean().item()


class Loss(NamedTuple):
    """A loss by its terms: what is minimised is `policy_term + imitation_term − entropy_term`.

    Attributes:
        policy_term: − advantage · log-probability, averaged over samples and inputs.
        entropy_term: weighted entropy, averaged over inputs.
        imitation_term: − weight · log-probability of what is imitated, averaged over inputs; 0 without imitation.
    """

    policy_term: Tensor
    entropy_term: Tensor
    imitation_term: Tensor

    @property
    def total(self) -> Tensor:
        return self.policy_term + self.imitation_term - self.entropy_term


def reinforce_loss(log_probability: Tensor, advantage: Tensor, entropy: Tensor, entropy_weight: float) -> Loss:
    """The surrogate whose gradient is REINFORCE's estimate.

    Args:
        log_probability: log-probabilities of the drawn transformations, [samples, batch], differentiable.
        advantage: advantages, [samples, batch], constant and already weighted.
        entropy: entropies in nats, [batch], differentiable.
    """
    policy_term = -(advantage.detach() * log_probability).mean()
    return Loss(policy_term, entropy_weight * entropy.mean(), torch.zeros_like(policy_term))


def imitation_term(log_probability: Tensor, found: Tensor, rewards: Tensor, weight: float) -> Tensor:
    """Self-imitation of what search found, as far as it is better than the best of an input's own samples.

    Nothing is imitated that a sample equals, so the term vanishes where the policy has learned it (Oh et al., 2018,
    arXiv 1806.05635, with search for the past).

    Args:
        log_probability: log-probability of what the search found, [batch], differentiable.
        found: rewards of what the search found, [batch]; −inf without a search.
        rewards: rewards of the policy's own samples in the same scale, [samples, batch].
        weight: weight per unit of the scale.
    """
    lead = (found - rewards.amax(dim=0)).clamp(min=0)
    return -(weight * lead.detach() * log_probability).mean()
