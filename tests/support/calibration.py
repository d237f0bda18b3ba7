"""A stored calibration, which saves pages from measuring the machine for seconds."""

import json
from importlib.metadata import version
from pathlib import Path

_SPEED = {
    "weight_step": 0.05, "weight_mac": 3e-10, "evaluation_step": 0.02, "evaluation_mac": 1e-10, "policy_graph": 1e-5,
    "model_graph": 1e-5,
}  # fmt: skip


def write_calibration(folder: Path) -> None:
    """Write a plausible `Calibration` to a folder of runs, without the slow import of its module."""
    (folder / "calibration.json").write_text(json.dumps({f"cpu, torch {version('torch')}": _SPEED}))
