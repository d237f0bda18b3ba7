"""NAS-Bench-301's surrogate as a teacher: it predicts the accuracy of any DARTS cell.

The surrogate is a network in ONNX that YAHPO Gym fitted to NAS-Bench-301 (slds-lmu/yahpo_data, folder `nb301`,
Apache-2.0). It is not part of the project: download it to fit a student to it again. Only this
requires `onnxruntime`.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nat_core.architecture.cell import Architecture, Cell, Edge
from nat_core.architecture.spaces import SPACES
from nat_core.learning.accuracies.trained_cells import TrainedCells
from nat_core.specification import from_json

OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
MODELS = ("new_model.onnx", "model_v2.onnx")
ENCODING = "encoding.json"
_PREFIX = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
_EDGES, _CHOSEN = 14, (3, 4, 5)
_FIRST_EDGE = {2: 0, 3: 2, 4: 5, 5: 9}
_EPOCHS = 98.0
_UNIFORM = 0.5


class NasBench301:
    """The surrogate in `folder`.

    Args:
        folder: folder with the model and `encoding.json`, which maps operations to numbers.
        model: one of `MODELS`; the second one predicts shares instead of percentages.

    Raises:
        ValueError: a file is missing or broken, or `onnxruntime` is not installed.
    """

    def __init__(self, folder: Path, model: str = MODELS[0]) -> None:
        try:
            import onnxruntime

            self._encoding = from_json((folder / ENCODING).read_text(encoding="utf-8"))
            self._session = onnxruntime.InferenceSession(str(folder / model))
        except ImportError as error:
            raise ValueError(
                "the surrogate needs onnxruntime; accepted: pip install -r requirements-dev.txt"
            ) from error
        except Exception as error:  # onnxruntime has its own, without a common class
            raise ValueError(f"{folder}: {error}; accepted: a folder with {model} and {ENCODING}") from error
        self._one_by_one = model == MODELS[0]

    def accuracy_percent(self, architectures: Sequence[Architecture]) -> NDArray[np.float64]:
        """Return validation accuracies, shape [n]. Raises ValueError if a cell is not of DARTS' space."""
        rows = np.array([self._row(item) for item in architectures], dtype=np.int32)
        names = [item.name for item in self._session.get_inputs()]
        epochs = np.full((len(rows), 1), _EPOCHS, dtype=np.float32)
        if not self._one_by_one:
            return 100 * np.asarray(self._run(names, rows, epochs), dtype=np.float64)[:, 0]
        parts = [self._run(names, rows[i : i + 1], epochs[:1]) for i in range(len(rows))]
        return np.array([part[0, 0] for part in parts], dtype=np.float64)

    def _run(self, names: Sequence[str], rows: NDArray[np.int32], epochs: NDArray[np.float32]) -> Any:
        return self._session.run(None, {names[0]: rows, names[1]: epochs})[0]

    def _row(self, architecture: Architecture) -> list[int]:
        chosen: dict[str, str] = {}
        for name, cell in zip(("normal", "reduce"), (architecture.normal, architecture.reduction), strict=True):
            for node in range(2, 6):
                entering = cell.incoming(node) if cell else ()
                sources = sorted(edge.source for edge in entering)
                if len(set(sources)) != 2 or len(sources) != 2 or any(e.operation not in OPERATIONS for e in entering):
                    raise ValueError(
                        f"the {name} cell is unknown to NAS-Bench-301; accepted: four nodes of two inputs each, "
                        f"{', '.join(OPERATIONS)}"
                    )
                for edge in entering:
                    chosen[f"{_PREFIX}edge_{name}_{_FIRST_EDGE[node] + edge.source}"] = edge.operation
                if node in _CHOSEN:
                    chosen[f"{_PREFIX}inputs_node_{name}_{node}"] = "_".join(map(str, sources))
        return [self._encoding[column][chosen.get(column, "#na#")] for column in _COLUMNS]

    def taught(self, count: int, seed: int = 0) -> TrainedCells:
        """Predict `count` random cells for a student to learn from; half of them use only a few operations each."""
        cells = random_cells(count, seed)
        return TrainedCells("NAS-Bench-301", cells, self.accuracy_percent(cells))


def random_cells(count: int, seed: int = 0) -> tuple[Architecture, ...]:
    """DARTS cells; in half of them some operations are far more frequent than others, up to one alone."""
    rng = random.Random(seed)
    return tuple(Architecture(_random_cell(rng), _random_cell(rng)) for _ in range(count))


def _random_cell(rng: random.Random) -> Cell:
    uniform = rng.random() < _UNIFORM
    weights = [1.0 if uniform else rng.gammavariate(0.4, 1) + 1e-9 for _ in OPERATIONS]
    edges = [
        Edge(rng.choices(OPERATIONS, weights)[0], source, node)
        for node in range(2, 6)
        for source in sorted(rng.sample(range(node), 2))
    ]
    return SPACES["fully_concat"].cell(tuple(edges), 6)


_COLUMNS = [f"{_PREFIX}edge_{cell}_{number}" for cell in ("normal", "reduce") for number in range(_EDGES)] + [
    f"{_PREFIX}inputs_node_{cell}_{node}" for cell in ("normal", "reduce") for node in _CHOSEN
]
