"""Quality of trained policies, beside their baselines: `python -m benchmarks.quality`.

Calls `train` from scratch on one thread for every seed (which also sets the train/eval split) and compares the outputs
for the 3,125 held-out inputs with the exact oracle. *Recovered* = mean gain of outputs over inputs ÷ mean gain of the
oracle. The policy's and the baselines' outputs are always selected by CIFAR-10 validation accuracy (or a model of it).
Test accuracies are compared with two oracles: one that also selects by validation accuracy, and one that selects by the
test accuracy itself, which no method without access to it can reach.

Progress goes to stderr, one Markdown table to stdout, all figures to `--json FILE`.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.budgets import comparator_fronts, front_figures, heavy, within_budgets
from benchmarks.documents import QUALITY, add_write_option, write_figures
from benchmarks.measures import COST_WEIGHTS, FEW_SHARES, LATENCIES, as_json, markdown
from benchmarks.rows import machine
from nat_core.architecture.cell import Architecture
from nat_core.learning.accuracies.reward_model import (
    CompletedAccuracy,
    RewardModel,
    RewardModelConfig,
    fit_reward_model,
)
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.comparators import (
    Codes,
    Lattice,
    apply_rule,
    best_of,
    fit_fixed_rule,
    local_search_all,
    oracle,
    quality_of,
    random_legal,
)
from nat_core.learning.nasbench201.functional import functional_classes
from nat_core.learning.policies.distribution import greedy
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.ranks import rank_correlation
from nat_core.learning.training.config import RECIPES, InputsConfig, TrainingConfig
from nat_core.learning.training.data import objective_of, relative_macs, split_codes
from nat_core.learning.training.evaluation import PolicyQuality, edge_log_probabilities, policy_quality
from nat_core.learning.training.loop import train
from nat_core.options import changed

Figures = dict[str, float]
QUICK_AUTHORS_STEPS = 2000
# Larger than the default: half of the table is much training data.
REWARD_MODEL = RewardModelConfig(members=3, layers=4, steps=900)


def say(text: str) -> None:
    """Print progress to stderr, apart from the results."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


@lru_cache(maxsize=1)
def lattice() -> Lattice:
    """Return all cells of the benchmark with their legal transitions, computed once."""
    return Lattice.of_space(table.SPACE)


@lru_cache(maxsize=1)
def architectures() -> tuple[Architecture, ...]:
    """Return all cells in the order of their codes."""
    return tuple(table.architecture_of_code(code) for code in range(table.SIZE))


def recovered(scores: NDArray[np.float64], inputs: Codes, outputs: Codes) -> float:
    """Return the recovered share, relative to the true oracle of the same scores."""
    return quality_of(scores, inputs, outputs, oracle(lattice(), scores)[inputs]).recovered


@dataclass(frozen=True)
class Trained:
    """One trained policy's quality, greedy outputs for held-out inputs, and durations."""

    quality: PolicyQuality
    outputs: Codes
    cpu_seconds: float
    wall_seconds: float


def train_and_evaluate(config: TrainingConfig, source: AccuracySource | None = None) -> tuple[Trained, Policy]:
    """Train on `source` (by default the table) and evaluate by the table's true objective."""
    cpu = time.process_time()
    trained = train(config, source)
    cpu = time.process_time() - cpu
    scores = objective_of(config)(architectures())
    _, held_out = split_codes(config.inputs)
    quality = policy_quality(trained.policy, held_out, scores, config.rule)
    outputs = greedy_codes(trained.policy, held_out, config.rule)
    say(f"  {trained.source.description}: {cpu:.0f} s, recovered {quality.greedy.recovered:.4f}")
    return Trained(quality, outputs, cpu, trained.elapsed_seconds), trained.policy


def greedy_codes(policy: Policy, inputs: Codes, rule: str) -> Codes:
    """Return the codes [n] of the most probable transformations."""
    log_probabilities = torch.from_numpy(edge_log_probabilities(policy, inputs, rule))
    return table.codes_of_operations(greedy(log_probabilities).numpy())


def policy_figures(config: TrainingConfig) -> Figures:
    """Measure the policy of the default recipe."""
    result, _ = train_and_evaluate(config)
    quality = result.quality
    figures = {
        "greedy": quality.greedy.recovered,
        "worse": quality.greedy.worse,
        "clearly_worse": quality.greedy.clearly_worse,
        "cpu_seconds": result.cpu_seconds,
        "wall_seconds": result.wall_seconds,
    }
    figures |= {f"top_{count}": judged.recovered for count, judged in quality.best_of.items()}
    figures |= {name: transfer.recovered for name, transfer in quality.transfer.items()}
    return figures | {f"{name}_own": transfer.recovered_own for name, transfer in quality.transfer.items()}


def comparator_figures(config: TrainingConfig) -> Figures:
    """Measure all baselines without training; n look-ups come in addition to the input's own."""
    scores, rng = table.accuracies_percent(config.reward.data_set), np.random.default_rng(config.seed)
    seen, held_out = split_codes(config.inputs)
    rule = fit_fixed_rule(lattice(), scores, seen, rng)
    fixed = apply_rule(lattice(), rule, held_out)
    worse = float((scores[fixed] < scores[held_out]).mean())
    figures = {"fixed_rule": recovered(scores, held_out, fixed), "fixed_rule_worse": worse}
    for count in (10, 100):
        candidates = np.column_stack([held_out, random_legal(lattice(), held_out, count, rng)])
        figures[f"random_{count}"] = recovered(scores, held_out, best_of(candidates, scores))
    for count in (10, 30, 100):
        found = local_search_all(lattice(), scores, held_out, count, random.Random(config.seed))
        figures[f"local_{count}"] = recovered(scores, held_out, found)
    return figures


def visible_share(share: float, seed: int) -> Codes:
    """Return the codes of a random share of the architectures."""
    return np.random.default_rng(seed).permutation(table.SIZE)[: int(share * table.SIZE)]


def visible_classes(share: float, seed: int) -> Codes:
    """Return the codes of all architectures in a random share of the functional classes."""
    classes = functional_classes(architectures())
    count = classes.max() + 1
    return np.flatnonzero(np.isin(classes, np.random.default_rng(seed).permutation(count)[: int(share * count)]))


def completed_accuracy(config: TrainingConfig, visible: Codes) -> tuple[CompletedAccuracy, RewardModel, float]:
    """Return the visible rewards completed by a model fitted on them, the model, and the CPU seconds of its fit."""
    scores, evaluated = table.accuracies_percent(config.reward.data_set), [architectures()[code] for code in visible]
    cpu = time.process_time()
    model = fit_reward_model(evaluated, scores[visible], table.SPACE, replace(REWARD_MODEL, seed=config.seed))
    cpu = time.process_time() - cpu
    known = dict(zip(evaluated, scores[visible].tolist(), strict=True))
    return CompletedAccuracy(model, known), model, cpu


def hidden_figures(config: TrainingConfig, visible: Codes, name: str) -> Figures:
    """Measure policies trained on the visible rewards, completed or replaced by a reward model; judged by the table."""
    scores = table.accuracies_percent(config.reward.data_set)
    _, held_out = split_codes(config.inputs)
    completed, model, cpu = completed_accuracy(config, visible)
    trained, _ = train_and_evaluate(config, completed)
    predictions = model.accuracy_percent(architectures())
    hidden = np.setdiff1d(np.arange(table.SIZE), visible)
    sources = {
        "exhaustive": completed.accuracy_percent(architectures()),
        "model_exhaustive": predictions,
        "seen": np.where(np.isin(np.arange(table.SIZE), visible), scores, -1.0),
    }
    return {
        name: trained.quality.greedy.recovered,
        f"{name}_model": train_and_evaluate(config, model)[0].quality.greedy.recovered,
        **{
            f"{name}_{key}": recovered(scores, held_out, oracle(lattice(), values)[held_out])
            for key, values in sources.items()
        },
        f"{name}_rank": rank_correlation(predictions[hidden], scores[hidden]),
        f"{name}_seconds": cpu + trained.cpu_seconds,
    }


def budgets_figures(config: TrainingConfig) -> Figures:
    """Measure one policy for all budgets of MACs."""
    result, policy = train_and_evaluate(config)
    quality, scores = result.quality, table.accuracies_percent(config.reward.data_set)
    seen, held_out = split_codes(config.inputs)
    few = heavy(held_out)
    return {
        "budgets_greedy_recovered": quality.greedy.recovered,
        **{f"budgets_top_{count}": judged.recovered for count, judged in quality.best_of.items()},
        "budgets_cpu_seconds": result.cpu_seconds,
        **within_budgets(policy, few, scores, config.budgets.cost, "heavy"),
        **within_budgets(policy, held_out, scores, config.budgets.cost, "all"),
        **front_figures(policy, few, scores, config.budgets.cost, "heavy"),
        **front_figures(policy, held_out, scores, config.budgets.cost, "all"),
        **comparator_fronts(lattice(), seen, few, scores, config.budgets.cost, config.seed, "heavy"),
    }


def latency_figures(config: TrainingConfig) -> Figures:
    """Measure one policy for all budgets of a device's latency."""
    _, policy = train_and_evaluate(config)
    scores = table.accuracies_percent(config.reward.data_set)
    seen, held_out = split_codes(config.inputs)
    few = heavy(held_out)
    return {
        **within_budgets(policy, few, scores, config.budgets.cost, config.budgets.cost),
        **front_figures(policy, few, scores, config.budgets.cost, config.budgets.cost),
        **comparator_fronts(lattice(), seen, few, scores, config.budgets.cost, config.seed, config.budgets.cost),
    }


def hidden_budgets_figures(config: TrainingConfig, visible: Codes) -> Figures:
    """Measure a policy with budgets, trained on the visible rewards completed by a reward model."""
    completed, _, cpu = completed_accuracy(config, visible)
    trained, _ = train_and_evaluate(config, completed)
    return {"budgets_half": trained.quality.greedy.recovered, "budgets_half_seconds": cpu + trained.cpu_seconds}


def cost_figures(config: TrainingConfig) -> Figures:
    """Measure a policy whose reward subtracts MACs."""
    trained, _ = train_and_evaluate(config)
    _, held_out = split_codes(config.inputs)
    accuracies, macs = table.accuracies_percent(config.reward.data_set), relative_macs(table.SPACE)(architectures())
    name = f"cost_{config.reward.cost_weight}"
    return {
        name: trained.quality.greedy.recovered,
        f"{name}_macs": float(macs[trained.outputs].mean() / macs[held_out].mean()),
        f"{name}_accuracy": recovered(accuracies, held_out, trained.outputs),
    }


def parts(seed: int, quick: bool) -> Iterator[tuple[str, Callable[[], Figures]]]:
    """Yield the titles and functions of a seed's measurements, in order."""
    config = TrainingConfig(seed=seed, inputs=InputsConfig(split_seed=seed))
    authors = replace(RECIPES["authors"], seed=seed, inputs=config.inputs)
    authors = replace(authors, steps=QUICK_AUTHORS_STEPS) if quick else authors
    yield "comparators", lambda: comparator_figures(config)
    yield "policy", lambda: policy_figures(config)
    budgets = replace(RECIPES["budgets"], seed=seed, inputs=config.inputs)
    yield "budgets of MACs", lambda: budgets_figures(budgets)
    latency = replace(RECIPES["latency"], seed=seed, inputs=config.inputs)
    for device in LATENCIES:
        yield (
            f"budgets of latency on {device}",
            lambda device=device: latency_figures(changed(latency, {"budget": device})),
        )
    half = visible_share(0.5, seed)
    yield "budgets, half of the architectures hidden", lambda: hidden_budgets_figures(budgets, half)
    yield "half of the architectures hidden", lambda: hidden_figures(config, half, "half")
    yield "half of the classes hidden", lambda: hidden_figures(config, visible_classes(0.5, seed), "classes")
    yield (
        f"authors' recipe, {authors.steps:,} steps",
        lambda: {"authors": train_and_evaluate(authors)[0].quality.greedy.recovered},
    )
    for weight in COST_WEIGHTS:
        yield f"cost weight {weight}", lambda weight=weight: cost_figures(changed(config, {"cost_weight": weight}))
    for share in FEW_SHARES:
        few = visible_share(share, seed)
        yield f"{share:.0%} visible", lambda few=few, name=f"few_{share}": hidden_figures(config, few, name)


def measure(seed: int, quick: bool, only: Sequence[str], known: dict[str, Figures]) -> Iterator[dict[str, Figures]]:
    """Measure the parts of a seed that are not `known`; yield all its figures, by part, after each of them.

    With `only`, just the parts whose title contains one of its words.
    """
    for title, part in parts(seed, quick):
        if title not in known and (not only or any(word in title for word in only)):
            say(f"seed {seed}: {title}")
            known = known | {title: part()}
            yield known


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.quality",
        description=__doc__.splitlines()[0],
    )
    parser.add_argument("--space", choices=[table.SPACE.name], default=table.SPACE.name)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--quick", action="store_true", help=f"the authors' recipe for {QUICK_AUTHORS_STEPS} steps only"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], help="only parts whose title contains one of these, e.g. hidden"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures there; parts that it has are not measured again"
    )
    add_write_option(parser, QUALITY)
    options = parser.parse_args()
    if options.write and (options.quick or options.only):
        parser.error("--write is for all parts in full; leave out --quick and --only")
    return options


def read_parts(file: Path | None) -> dict[int, dict[str, Figures]]:
    """Return the figures that a file has, by seed and part; none if there is no such file."""
    if file is None or not file.exists():
        return {}
    return {int(seed): found for seed, found in json.loads(file.read_text(encoding="utf-8"))["seeds"].items()}


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    say(machine())
    known = read_parts(options.json)
    for seed in options.seeds:
        for found in measure(seed, options.quick, options.only, known.get(seed, {})):
            known[seed] = found
            if options.json:
                options.json.write_text(json.dumps(as_json(known, machine()), indent=1) + "\n", encoding="utf-8")
    text = markdown({seed: known.get(seed, {}) for seed in options.seeds}, machine())
    print(text)
    if options.write:
        write_figures(QUALITY, "benchmarks.quality", text)


if __name__ == "__main__":
    main()
