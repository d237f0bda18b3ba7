"""What longer trainings value otherwise: `python -m benchmarks.horizon`.

Trainings for rewards take three epochs; some of the same architectures are trained for twelve, on the same images
(`python -m benchmarks.trainings longer`). Both are fitted together: accuracies of the longer ones are a share of what
the shorter ones say, plus what each count adds, by an expected share and penalty. Printed is what a count is worth in
either, in points per unit with standard errors, and how well gains of the longer trainings are predicted by the shorter
ones alone and by both. No test image is asked.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nat_core.learning.accuracies.regression import fit, predicted_without_topology, within_topologies
from nat_core.learning.accuracies.structure import FEATURES
from nat_core.learning.accuracies.structure_model import fit_structure_model, longer_ones, observed, of_main_budget
from nat_core.learning.image_training.config import IMAGE_SPACES
from nat_core.learning.scratch.measured import SHIPPED, MeasuredResult, read_measured

# On what each count adds: nothing may be.
_ALONE = 1e6


def report(shorter: Sequence[MeasuredResult], longer: Sequence[MeasuredResult]) -> Iterator[str]:
    """A line per count, then how well gains are predicted."""
    model = fit_structure_model(shorter, IMAGE_SPACES[0], longer=longer)
    deviations = np.array(model.deviations)
    data = observed([shorter, longer], model.network, np.array(model.means), deviations)
    lines, noise = fit(data, model.penalties), model.left_out.gain_error_points
    yield f"| points per unit of | {_length(shorter)} | {_length(longer)} |"
    yield "|---|---:|---:|"
    for number, name in enumerate(FEATURES):
        values = (
            f"{line.weights[number] / deviations[number]:+.2f} ± "
            f"{noise * line.covariance[number, number] ** 0.5 / deviations[number]:.2f}"
            for line in lines
        )
        yield f"| {name} | {' | '.join(values)} |"
    yield (
        f"\nlonger accuracies are {model.share:g} of what shorter ones say; penalty on what is added: "
        f"{model.addition_penalty:g}"
    )
    judged = data.of(data.longer)
    gains = within_topologies(judged.accuracies, judged.topologies)
    for title, penalties in (
        ("shorter trainings alone", replace(model.penalties, additions=_ALONE)),
        ("both", model.penalties),
    ):
        found = within_topologies(predicted_without_topology(data, penalties)[data.longer], judged.topologies)
        yield (
            f"gains of {len(gains)} longer trainings, by {title}, their topology left out: error "
            f"{np.mean((found - gains) ** 2) ** 0.5:.2f} points, correlation {np.corrcoef(gains, found)[0, 1]:.2f}"
        )


def _length(results: Sequence[MeasuredResult]) -> str:
    return f"{results[0].epochs} epochs ({len(results)})"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.horizon", description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=SHIPPED, help="of trainings from scratch")
    options = parser.parse_args()
    results = read_measured(options.table)
    shorter, longer = of_main_budget(results, "selection"), longer_ones(results)
    print("\n".join(report(shorter, longer)) if longer else "nothing is trained longer yet")


if __name__ == "__main__":
    main()
