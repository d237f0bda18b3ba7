"""Training data of the shipped reward models, and their fit: `python -m benchmarks.reward_sources --data FOLDER`.

The tables are not part of the project. Each is read from a parquet file of its name with the columns `genotype` and
`accuracy`, or from the file that its source publishes. With `--surrogate FOLDER` the student of NAS-Bench-301 is fitted
again; otherwise the shipped one is kept.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import torch

from nat_core.learning.accuracies.beside import shipped_trainings
from nat_core.learning.accuracies.nasbench301 import NasBench301
from nat_core.learning.accuracies.trained_cells import TrainedCells, read_trained
from nat_core.learning.accuracies.trainings_fit import Predicted, fit_student, fit_trainings_model
from nat_core.learning.accuracies.trainings_model import Source, Student, TrainingsModel
from nat_core.learning.accuracies.trainings_model_files import save_trainings_model, shipped_trainings_model
from nat_core.paths import PROJECT

SURROGATE, DENSE = "NAS-Bench-301's surrogate", "dense DARTS cells"
FULL = "full CIFAR-10 training (600 epochs, C 36, L 20, cutout)"
LOOSE = "100 epochs of CIFAR-10 training (C 32, L 20, cutout)"
# Std of one full training around its cell's mean accuracy, from 24 pairs of seeds.
NOISE_POINTS = 0.10
TAUGHT = 30_000


@dataclass(frozen=True)
class Table:
    """A published table of trained cells.

    Attributes:
        files: accepted file names; the first that exists is read.
        title, address, licence: title, address and licence of the source.
        column: name of the accuracy column.
    """

    files: tuple[str, ...]
    title: str
    address: str
    licence: str
    column: str | None = None

    def read(self, folder: Path) -> TrainedCells:
        """Return the cells. Raises ValueError, naming the table's address, if no file exists."""
        for name in self.files:
            if (folder / name).is_file():
                return read_trained(folder / name)[0]
        raise ValueError(f"{folder} has no {' or '.join(self.files)}; accepted: a table made of {self.address}")

    def source(self, rows: int, use: str) -> Source:
        """Describe the source for the card."""
        return Source(self.title, self.licence, rows, use, self.address)


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "full_214": Table(
            ("darts_full_214.parquet",), "random DARTS cells, full recipe (Yang et al., ICLR 2020)",
            "https://github.com/antoyang/NAS-Benchmark", "GPL-3.0",
        ),
        "full_100": Table(
            ("darts_full_100.parquet",), "random DARTS cells, full recipe (Zheng et al., CVPR 2020)",
            "https://github.com/zhengxiawu/rethinking_performance_estimation_in_NAS", "no licence file",
        ),
        "dense": Table(
            ("darts_dense_240.parquet",), "dense DARTS cells, 30 epochs (Zheng et al., CVPR 2020)",
            "https://github.com/zhengxiawu/rethinking_performance_estimation_in_NAS", "no licence file",
        ),
        "small": Table(
            ("darts_small_1000.parquet", "DARTS_archs_CIFAR10.csv"),
            "random DARTS cells with null, small networks, 200 epochs (Peng et al., ICLR 2024)",
            "https://github.com/pym1024/SWAP", "no licence file",
        ),
        "loose": Table(
            ("loose_end_5402.parquet", "total_trace.json"), "ENAS-like cells, up to 100 epochs (LaNAS, Wang et al.)",
            "https://github.com/facebookresearch/LaMCTS", "CC BY-NC 4.0",
        ),
    }
)  # fmt: skip
_SURROGATE_SOURCE = Source(
    "NAS-Bench-301's trainings as YAHPO Gym's surrogate predicts them", "Apache-2.0", TAUGHT, "a student's answers",
    "https://github.com/slds-lmu/yahpo_data",
)  # fmt: skip
_OWN_SOURCE = "short trainings of this project"


@dataclass(frozen=True)
class Evidence:
    """The models' training data: tables by name, and the student of the surrogate."""

    tables: Mapping[str, TrainedCells]
    surrogate: Student
    own: tuple[TrainedCells, ...]

    @cached_property
    def dense(self) -> Student:
        """Return the student of the dense cells, by rank, since their accuracies spread differently."""
        return fit_student(DENSE, self.tables["dense"], by_rank=True)

    @property
    def beside(self) -> list[TrainedCells]:
        """Return the tables that cover null, dense convolutions, few convolutions and the like."""
        return [self.tables["small"], *self.own]


def evidence(data: Path, surrogate: Path | None = None) -> Evidence:
    """Read a folder. Raises ValueError for a missing table, naming its address."""
    tables = {name: table.read(data) for name, table in TABLES.items()}
    return Evidence(tables, _surrogate_student(surrogate), tuple(shipped_trainings()))


def _surrogate_student(folder: Path | None) -> Student:
    if folder is not None:
        return fit_student(SURROGATE, NasBench301(folder).taught(TAUGHT))
    known = {student.name: student for student in shipped_trainings_model("fully_concat").students}
    return known[SURROGATE]


def fully_concat(found: Evidence, seed: int = 0, only: Sequence[str] = ("full_214", "full_100")) -> "Fit":
    """Fit the model of full trainings, on the tables `only`."""
    sources = [
        *(TABLES[name].source(len(found.tables[name]), "fitted") for name in only), _SURROGATE_SOURCE,
        TABLES["dense"].source(len(found.tables["dense"]), "a student's answers"), *_beside_sources(found),
    ]  # fmt: skip
    return fit_trainings_model(
        [found.tables[name] for name in only], "fully_concat", FULL, students=[found.surrogate, found.dense],
        beside=found.beside, sources=sources, noise_points=NOISE_POINTS, seed=seed,
    )  # fmt: skip


def loose_end(found: Evidence, seed: int = 0) -> "Fit":
    """Fit the model of LaNAS' trainings; the full trainings cover the operations that these lack."""
    full = ("full_214", "full_100")
    sources = [
        TABLES["loose"].source(len(found.tables["loose"]), "fitted"),
        *(TABLES[name].source(len(found.tables[name]), "operations that others lack") for name in full),
        *_beside_sources(found),
    ]
    return fit_trainings_model(
        [found.tables["loose"]], "loose_end", LOOSE, beside=[*(found.tables[name] for name in full), *found.beside],
        sources=sources, seed=seed,
    )  # fmt: skip


Fit = tuple[TrainingsModel, Predicted]
MODELS = MappingProxyType({"fully_concat": fully_concat, "loose_end": loose_end})


def _beside_sources(found: Evidence) -> list[Source]:
    use = "operations and cells that others lack"
    own = sum(map(len, found.own))
    return [
        TABLES["small"].source(len(found.tables["small"]), use),
        Source(_OWN_SOURCE, "this project's", own, use, "nat_core/assets/measured.jsonl"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reward_sources", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--surrogate", type=Path, help="folder of NAS-Bench-301's surrogate")
    parser.add_argument("--output", type=Path, default=PROJECT / "pretrained", help="folder of policies' folders")
    parser.add_argument("--spaces", nargs="+", choices=MODELS, default=list(MODELS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = evidence(options.data, options.surrogate)
    for space in options.spaces:
        model, _ = MODELS[space](found)
        folder = options.output / space
        folder.mkdir(parents=True, exist_ok=True)
        print(save_trainings_model(folder, model), model.left_out)


if __name__ == "__main__":
    main()
