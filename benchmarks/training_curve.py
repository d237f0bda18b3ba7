"""Records a shipped policy's training curve: trains it again by its card's recipe and writes `curve.json` beside it.

Run as `python -m benchmarks.training_curve pretrained/nasbench201`; takes minutes on one core. The training is
deterministic, so it must end with the shipped weights; the file and the exit status say whether it does.
"""

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from nat_core.learning.policies.checkpoint import load_policy
from nat_core.learning.support.hooks import Hooks
from nat_core.learning.training.config import TrainingConfig
from nat_core.learning.training.curve import TrainingCurve, save_curve, series_of
from nat_core.learning.training.loop import Schedule, TrainedPolicy, train

_SCHEDULE = Schedule(report=20, measure=100)


def record(folder: Path) -> TrainingCurve:
    """Train the policy in `folder` again and return its curve.

    Raises:
        ValueError: no policy there, or one that was not trained on a benchmark's table.
    """
    shipped, card = load_policy(folder)
    settings = {name: value for name, value in card.training.items() if name != "steps_done"}
    reports: list[tuple[int, Mapping[str, float]]] = []
    trained = train(
        TrainingConfig.from_dict(settings),
        hooks=Hooks(progress=lambda step, metrics: reports.append((step, dict(metrics)))),
        schedule=_SCHEDULE,
    )
    date = datetime.now(UTC).date().isoformat()
    same = _same_weights(trained, shipped.state_dict())
    return TrainingCurve(card.command, card.seed, date, same, series_of(reports))


def _same_weights(trained: TrainedPolicy, shipped: Mapping[str, torch.Tensor]) -> bool:
    weights = trained.policy.state_dict()
    return all(torch.equal(weights[name].cpu(), tensor.cpu()) for name, tensor in shipped.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of a policy that was trained on a benchmark's table")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    curve = record(folder)
    print(save_curve(folder, curve))
    print(f"ends with the shipped weights: {'yes' if curve.same_weights else 'NO'}")
    return 0 if curve.same_weights else 1


if __name__ == "__main__":
    sys.exit(main())
