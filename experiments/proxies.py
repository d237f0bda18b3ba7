"""Rank correlation of cheap accuracy proxies: `python -m experiments.proxies --space nasbench201 --data SOURCE`.

A proxy ranks architectures in seconds or minutes; the true accuracies took hours. On NAS-Bench-201 these are the
benchmark's CIFAR-10 validation accuracies of random cells; on the image spaces, those of trainings from scratch
(`benchmarks.trainings judge`, `benchmarks.promise`). Proxies are training speed (`experiments.training_speed`) and
accuracies of short trainings from scratch on the selection images; the zero-cost baselines are MACs and parameters. The
report has Spearman's rank correlations with 95 % intervals (bootstrap over architectures) and the time per
architecture. Where the judge trained several seeds, its noise is reported with the highest correlation that it allows
between a perfect prediction and one training. Results are kept in `--table` and `--speeds`, so that an interrupted
comparison can resume.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.trainings import JUDGE_EPOCHS
from experiments.training_speed import SpeedResult, add_speed, read_speeds, training_speed
from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, Space
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.images.images import ImageData, load_images
from nat_core.learning.images.sources import HUB_DEFAULT
from nat_core.learning.nasbench201 import table
from nat_core.learning.scratch.config import EvaluationConfig, NamedArchitecture
from nat_core.learning.scratch.measured import (
    SHIPPED,
    MeasuredResult,
    add_measured,
    budget_id,
    of_main_budget,
    read_measured,
)
from nat_core.learning.scratch.presets import preset_budget
from nat_core.learning.scratch.queue import evaluate
from nat_core.learning.support.ranks import rank_correlation
from nat_core.network.config import NETWORKS
from nat_core.network.costs import cost_model

BOOTSTRAPS = 2000
# Fields of each proxy's budget that differ from preset `short`; the selection images are not trained on.
PROXIES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "accuracy, 5,000 images, 2 epochs": {"images_per_class": 500, "epochs": 2},
        "accuracy, 10,000 images, 1 epoch": {"images_per_class": 1000, "epochs": 1},
        "accuracy, 10,000 images, 2 epochs, batch 64": {"images_per_class": 1000, "epochs": 2, "batch": 64},
        "accuracy, all images, 1 epoch": {"epochs": 1},
    }
)
SPEED = "training speed"
SMALLEST: Mapping[str, int] = MappingProxyType({"nasbench201": 3, "cifar": 3})


def truth(space: Space, count: int, judged: Path) -> dict[Architecture, float]:
    """Return the architectures with their true accuracies in percent."""
    if space is table.SPACE:
        codes = random.Random(0).sample(range(table.SIZE), count)
        accuracies = table.accuracies_percent("cifar10_valid")
        return {table.architecture_of_code(code): float(accuracies[code]) for code in codes}
    found = [item for item in judgements(judged) if item.seed == 0]
    return {item.value: item.accuracy for item in found if space.mismatch(item.value) is None}


def judgements(judged: Path) -> list[MeasuredResult]:
    """Read the judge's trainings of all spaces and seeds."""
    return of_main_budget(read_measured(judged), "test", JUDGE_EPOCHS)


def noise(results: Sequence[MeasuredResult], true: NDArray[np.float64]) -> Iterator[str]:
    """Yield, per further seed, the noise of trainings and the highest rank correlation that it allows.

    A mean shift between seeds changes no rank and is reported separately.

    Args:
        results: the judge's trainings.
        true: accuracies in percent; their variance is what predictions could explain.
    """
    by_seed: dict[int, dict[str, float]] = {}
    for result in results:
        by_seed.setdefault(result.seed, {})[result.genotype] = result.accuracy
    first = by_seed.pop(0, {})
    for seed, again in sorted(by_seed.items()):
        differences = np.array([accuracy - first[name] for name, accuracy in again.items() if name in first])
        if len(differences) > 1:
            variance = float(np.var(differences, ddof=1)) / 2
            allowed = max(0.0, 1 - variance / float(np.var(true, ddof=1))) ** 0.5
            yield (
                f"\n{len(differences)} architectures trained with seed {seed} too: {differences.mean():+.2f} points on "
                f"average; beside that, standard deviation of one training {variance**0.5:.2f} points, which allows a "
                f"correlation of {allowed:.2f} with one training each"
            )


def train_all(name: str, items: Sequence[Architecture], data: ImageData, path: Path) -> list[MeasuredResult]:
    """Return a proxy's results in order; results in the table are not trained again."""
    changes = {"data": HUB_DEFAULT, "judged_on": "selection", "trained_on": "fitting", "warmup_epochs": 0.2}
    results = []
    for item in items:
        budget = preset_budget("short", item, **changes, **PROXIES[name])
        budget = replace(budget, layers=SMALLEST[budget.family])
        config = EvaluationConfig((NamedArchitecture.of(item),), budget, preset="short")
        key = (config.architectures[0].genotype, budget_id(config, data), 0)
        known = {result.key: result for result in read_measured(path)}
        if key not in known:
            (known[key],) = evaluate(config, data, "cpu", record=lambda result: add_measured(path, result)).results
        results.append(known[key])
    return results


def train_speeds(items: Sequence[Architecture], data: ImageData, path: Path) -> list[SpeedResult]:
    """Return the training speeds in order; those in the table are not measured again."""
    results = []
    for item in items:
        key = (notation.shortest(item), "rewards", 0)
        known = read_speeds(path)
        if key not in known and (result := training_speed(item, data)):
            add_speed(path, result)
            known[key] = result
        results.append(known[key])
    return results


def interval(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the rank correlation, by bootstrap over architectures."""
    rng = np.random.default_rng(0)
    draws = (rng.integers(len(true), size=len(true)) for _ in range(BOOTSTRAPS))
    low, high = np.percentile([rank_correlation(predicted[draw], true[draw]) for draw in draws], (2.5, 97.5))
    return float(low), float(high)


def row(name: str, predicted: Sequence[float], true: NDArray[np.float64], seconds: float) -> str:
    """Format a row of the table: rank correlation, its interval, processor seconds per architecture."""
    values = np.array(predicted, dtype=np.float64)
    low, high = interval(values, true)
    return f"| {name} | {rank_correlation(values, true):.2f} | {low:.2f} to {high:.2f} | {seconds:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.proxies", description=__doc__.splitlines()[0])
    parser.add_argument("--space", choices=["nasbench201", *IMAGE_SPACES], default="nasbench201")
    parser.add_argument("--data", default=HUB_DEFAULT, help="CIFAR-10: a hub name, parquet files or an image folder")
    parser.add_argument("--count", type=int, default=48, help="cells of NAS-Bench-201")
    parser.add_argument("--judged", type=Path, default=SHIPPED, help="the judge's table")
    parser.add_argument("--table", type=Path, default=Path("runs/proxies.jsonl"), help="table of the proxies' results")
    parser.add_argument("--speeds", type=Path, default=Path("runs/speeds.jsonl"), help="table of the training speeds")
    parser.add_argument("--only", nargs="*", default=[SPEED, *PROXIES], help="names of proxies")
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = SPACES[options.space]
    known = truth(space, options.count, options.judged)
    items, true = list(known), np.array(list(known.values()))
    if len(items) < 8:
        sys.exit(f"the truth is known of {len(items)} architectures of {space.title}; at least 8 are needed")
    print(
        f"{len(items)} architectures of {space.title}\n\n| proxy | Spearman | 95 % | seconds each |\n|---|---|---|---|"
    )
    costs = [cost_model(NETWORKS[space.network]).cost(item.effective) for item in items]
    free: Mapping[str, Callable[[Any], float]] = {"MACs": lambda c: c.macs, "parameters": lambda c: c.parameters}
    for name, read in free.items():
        print(row(name, [read(cost) for cost in costs], true, 0.0), flush=True)
    if space is not table.SPACE:
        print("\n".join(noise(judgements(options.judged), true)), flush=True)
    data = load_images(options.data) if options.only else None
    options.table.parent.mkdir(parents=True, exist_ok=True)
    if SPEED in options.only:
        speeds = train_speeds(items, data, options.speeds)
        seconds = float(np.mean([speed.seconds for speed in speeds]))
        print(row(SPEED, [-speed.loss for speed in speeds], true, seconds), flush=True)
    for name in (name for name in options.only if name != SPEED):
        results = train_all(name, items, data, options.table)
        seconds = float(np.mean([result.elapsed_seconds for result in results]))
        print(row(name, [result.accuracy for result in results], true, seconds), flush=True)


if __name__ == "__main__":
    main()
