"""Training a policy: the loop, from a configuration to a trained policy; stops and resumes exactly.

Algorithm: NAT (arXiv 1910.14488), algorithm 1, with the accuracy source's weights fixed.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.graphs.graph import encode, graph_count, legal_mask, select
from nat_core.learning.policies.distribution import edge_entropy, greedy, log_probability, sample, sum_per_graph
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.hooks import Hooks, Metrics, Progress, Saver
from nat_core.learning.support.ranks import TargetScale
from nat_core.learning.training.budgets import Budgeted, Budgets, whole_budgets
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.data import Inputs, inputs_of, objective_of
from nat_core.learning.training.fronts import Fronts
from nat_core.learning.training.macs_ratios import MacsRatios
from nat_core.learning.training.reinforce import group_advantage, imitation_term, moving_baseline, reinforce_loss
from nat_core.learning.training.rewards import Objective, Rewards
from nat_core.learning.training.search import search_of
from nat_core.learning.training.state import TrainingState, load_state, new_state, save_state


@dataclass(frozen=True)
class TrainedPolicy:
    """The result of a training.

    Attributes:
        policy: the policy in evaluation mode.
        config: configuration of the training.
        steps_done: number of steps; fewer than `config.steps` if the training was stopped.
        elapsed_seconds: wall-clock time of all its parts, resumed ones included.
        source: accuracy source of the rewards.
    """

    policy: Policy
    config: TrainingConfig
    steps_done: int
    elapsed_seconds: float
    source: AccuracySource

    @property
    def finished(self) -> bool:
        return self.steps_done == self.config.steps


@dataclass(frozen=True)
class Schedule:
    """Steps between a training's reports (means since the last report), measurements of held-out inputs, and saves.

    It also saves at the interval of its hooks.
    """

    report: int = 10
    measure: int = 100
    save: int = 250


def train(
    config: TrainingConfig,
    source: AccuracySource | None = None,
    *,
    inputs: Inputs | None = None,
    device: torch.device | str = "cpu",
    hooks: Hooks | None = None,
    schedule: Schedule | None = None,
) -> TrainedPolicy:
    """Train a policy.

    Args:
        config: what to train and how.
        source: accuracy source; by default the benchmark's table.
        inputs: architectures to transform; drawn from the space by default.
        hooks: progress, stopping and checkpoints. The metrics are rewards and gains in points, the loss's terms,
            entropy in nats, learning rate; when measured, `held_out_gain` in points, `macs_ratio` and, of a policy that
            is told budgets, `held_out_hypervolume` in points.
        schedule: steps between reports, measurements and saves.

    Raises:
        ValueError: there is no source for this space, or the checkpoint belongs to another configuration.
    """
    hooks, schedule = hooks or Hooks(), schedule or Schedule()
    trainer = Trainer(config, objective_of(config, source), inputs or inputs_of(config), device)
    state = new_state(config, device)
    if hooks.saved is not None:
        load_state(hooks.saved, config, state)
    began = time.perf_counter() - state.elapsed_seconds
    reports = Reports(schedule.report, hooks.progress, state.pending)
    saver = Saver(hooks, lambda path: save_state(path, config, state))
    while state.step < config.steps and not hooks.should_stop():
        metrics = trainer.step(state)
        state.step += 1
        state.elapsed_seconds = time.perf_counter() - began
        if state.step % schedule.measure == 0 or state.step == config.steps:
            metrics |= trainer.held_out(state.policy)
        reports.add(state.step, metrics)
        saver.save_if_due(early=state.step % schedule.save == 0)
    if hooks.checkpoint is None or state.step == config.steps:
        reports.flush(state.step)
    saver.save()
    source = trainer.objective.source
    return TrainedPolicy(state.policy.eval(), config, state.step, state.elapsed_seconds, source)


class Trainer:
    """One step, and one measurement, on prepared inputs."""

    def __init__(
        self, config: TrainingConfig, objective: Objective, inputs: Inputs, device: torch.device | str
    ) -> None:
        self.config = config
        self.objective = objective
        self.inputs = inputs.training
        self._search = search_of(config, objective, inputs.training)
        self.legal = legal_mask(config.target_space, config.rule).to(device)
        self.graphs = encode(inputs.training).to(device)
        self.budgets = (
            Budgets(config, inputs.training, self.graphs, self.legal, objective.source) if config.budgets.cost else None
        )
        self.rewards = Rewards(objective, inputs.training, self.graphs)
        self.scale = reward_scale(config, objective, inputs.training)
        self.held_out_graphs = encode(inputs.held_out).to(device) if inputs.held_out else None
        self.held_out_rewards = Rewards(objective, inputs.held_out, self.held_out_graphs) if inputs.held_out else None
        self.held_out_budgets = (
            whole_budgets(config, inputs.held_out, self.held_out_graphs, self.legal)
            if config.budgets.cost and inputs.held_out
            else None
        )
        self._fronts = (
            Fronts(config, self.legal, inputs.held_out, objective, device)
            if config.budgets.cost and inputs.held_out
            else None
        )
        self._macs_ratios = (
            MacsRatios(config.target_space, inputs.held_out, self.held_out_graphs) if inputs.held_out else None
        )

    def step(self, state: TrainingState) -> dict[str, float]:
        """Draw inputs and transformations, look up rewards, and take one gradient step."""
        config, learning, device = self.config, self.config.reinforce, self.legal.device
        state.policy.train()
        count = graph_count(self.graphs)
        chosen = torch.randperm(count, generator=state.generator)[: config.batch].to(device)
        graphs = select(self.graphs, chosen)
        budgeted = self.budgets.draw(chosen, graphs.operation, state.generator) if self.budgets else None
        log_probabilities = state.policy.log_probabilities(
            graphs, self.legal, budgeted.conditions if budgeted else None
        )
        fitting = budgeted.fitting(log_probabilities) if budgeted else None
        if budgeted and fitting:
            drawn = budgeted.drawn(fitting, config.samples, state.generator)
        else:
            drawn = sample(log_probabilities, config.samples, state.generator)
        evaluated = self.rewards(chosen, torch.cat([graphs.operation[None], drawn])).to(device)
        rewards, gains = evaluated[1:], evaluated[1:] - evaluated[:1]
        advantage = self._advantage(rewards, gains, state).to(log_probabilities.dtype)
        entropy = sum_per_graph(edge_entropy(log_probabilities), graphs.edge_batch, len(chosen))
        chance = log_probability(log_probabilities, drawn, graphs.edge_batch, len(chosen))
        chance = chance - fitting.log_fits if fitting else chance
        loss = reinforce_loss(chance, advantage, entropy, learning.entropy_weight_at(state.step, config.steps))
        if weight := learning.imitation_weight_at(state.step, config.steps):
            found, points = self._found(chosen, budgeted)
            found = found.to(graphs.edge_batch)[None]
            chance = log_probability(log_probabilities, found, graphs.edge_batch, len(chosen))[0]
            term = imitation_term(chance, points.to(rewards), self._scaled(rewards), weight)
            loss = loss._replace(imitation_term=term)
        rate = config.optimizer.rate_at(state.step, config.steps)
        state.descend(loss.total, rate)
        return {
            "reward": rewards.mean().item(),
            "gain": gains.mean().item(),
            "best_sample_gain": gains.amax(dim=0).mean().item(),
            "policy_term": loss.policy_term.item(),
            "entropy_term": loss.entropy_term.item(),
            **({"imitation_term": loss.imitation_term.item()} if learning.searched_share else {}),
            "entropy": entropy.mean().item(),
            "learning_rate": rate,
        }

    def _found(self, chosen: Tensor, budgeted: Budgeted | None) -> tuple[Tensor, Tensor]:
        """Return the operations that search finds for the chosen inputs, [E], and their rewards, [batch]; −inf if none
        was sought or fits."""
        assert self._search is not None
        unlimited = torch.full((len(chosen),), torch.inf, dtype=torch.float64)
        limits = budgeted.limits.cpu() if budgeted else unlimited
        rows, fits = self._search(chosen.cpu().numpy(), limits.numpy())
        found = torch.from_numpy(np.concatenate(rows))
        points = self._scaled(self.rewards(chosen, found[None])[0])
        return found, points.masked_fill(~torch.from_numpy(fits), -torch.inf)

    def _scaled(self, rewards: Tensor) -> Tensor:
        """Rewards in the scale in which they are compared."""
        if self.scale is None:
            return rewards
        return torch.from_numpy(self.scale.to_target(rewards.cpu().numpy())).to(rewards.device)

    def _advantage(self, rewards: Tensor, gains: Tensor, state: TrainingState) -> Tensor:
        """Return weighted advantages, shape [samples, batch], and update the moving baseline."""
        config = self.config.reinforce
        if config.estimator == "group":
            return config.advantage_weight * group_advantage(self._scaled(rewards), config.best_weight).value
        advantage = gains - state.baseline
        state.baseline = moving_baseline(state.baseline, gains, config.baseline_decay)
        return config.advantage_weight * advantage

    @torch.inference_mode()
    def held_out(self, policy: Policy) -> dict[str, float]:
        """The most probable transformation of every held-out input: mean gain, share made worse, and MACs ÷ its own."""
        if self.held_out_graphs is None or self.held_out_rewards is None or self._macs_ratios is None:
            return {}
        policy.eval()
        budgeted = self.held_out_budgets
        scores = policy.log_probabilities(self.held_out_graphs, self.legal, budgeted.conditions if budgeted else None)
        outputs = budgeted.greedy(scores) if budgeted else greedy(scores)
        every = torch.arange(graph_count(self.held_out_graphs))
        before, after = self.held_out_rewards(every, torch.stack([self.held_out_graphs.operation, outputs]))
        gains = after - before
        return {
            "held_out_gain": gains.mean().item(),
            "held_out_worse": (gains < 0).double().mean().item(),
            "macs_ratio": self._macs_ratios(outputs).mean().item(),
            **({"held_out_hypervolume": self._fronts.hypervolume(policy)} if self._fronts else {}),
        }


def reward_scale(
    config: TrainingConfig, objective: Objective, architectures: Sequence[Architecture]
) -> TargetScale | None:
    """The scale in which rewards are compared, fitted to the inputs' own; None compares points.

    An unstable source, whose numbers change as training goes on, is not asked for all inputs but compared in points.
    """
    learning = config.reinforce
    if learning.reward_scale == "points" or learning.estimator != "group" or not objective.source.stable:
        return None
    rewards = objective(architectures)
    return TargetScale.fitted(rewards, rank_share=1.0) if len(np.unique(rewards)) > 1 else None


class Reports:
    """Averages metrics between reports; what is pending is kept in the state, so a resumed training reports alike."""

    def __init__(self, every: int, progress: Progress, pending: dict[str, list[float]]) -> None:
        self.every = every
        self.progress = progress
        self._pending = pending

    def add(self, step: int, metrics: Metrics) -> None:
        """Add a step's metrics and report when due."""
        for name, value in metrics.items():
            self._pending.setdefault(name, []).append(value)
        if step % self.every == 0:
            self.flush(step)

    def flush(self, step: int) -> None:
        """Report the pending metrics."""
        means = {name: sum(values) / len(values) for name, values in self._pending.items()}
        self._pending.clear()
        if means:
            self.progress(step, means)
