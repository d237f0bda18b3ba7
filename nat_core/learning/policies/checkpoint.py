"""A policy on disk: a folder with `policy.safetensors` (weights) and `card.json` (what they are).

Never a pickle. Everything read is checked, so a broken folder gives one clear sentence instead of a wrong policy.
Files are replaced atomically: an interrupted save leaves the old ones.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor

from nat_core.architecture.spaces import SPACES, Space
from nat_core.architecture.transitions import RULES
from nat_core.learning.nasbench201 import table
from nat_core.learning.nasbench201.columns import SelectionSet
from nat_core.learning.policies.config import PolicyConfig
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.earlier import in_parts
from nat_core.learning.support.files import load_tensors, save_tensors, write_text
from nat_core.sentences import brief
from nat_core.specification import OneOf, check, from_json, number_at, read, specified

FORMAT_VERSION = 1
WEIGHTS = "policy.safetensors"
CARD = "card.json"
LABEL = "name.txt"
# The course of its training, which `learning.training.curve` reads.
CURVE = "curve.json"
_ACCEPTED = f"accepted: a folder with {WEIGHTS} and {CARD} as written by `train`"
_MAX_CARD_BYTES = 1 << 20
_MAX_LABEL = 200
# Trainings with fewer steps, of shared weights and of policies, show only that everything works.
_SERIOUS_WEIGHT_STEPS, _SERIOUS_STEPS = 1000, 200


@specified
class PolicyCard:
    """Description of a policy.

    Attributes:
        space: name of the space whose operations are its targets.
        rule: the transition rule it was trained with.
        policy: the policy's shape.
        command: the command line that trained it.
        data: the source of its rewards, in words.
        training: the training configuration's fields.
        seed: seed of the training.
        elapsed_seconds: wall-clock time of the training.
        machine: processor, threads and torch version.
        quality: measured figures by name; percentages carry the unit in their names.
        files: names of further files in the folder that belong to the policy, such as shared weights; None, from
            earlier versions, means all files.
        format_version: version of this file's format.
        folder: folder from which the card was read; not written.

    Raises:
        ValueError: the space or rule is unknown, the format version differs, or rewards come from a test set.
    """

    space: Annotated[str, OneOf(SPACES)]
    rule: Annotated[str, OneOf(RULES)]
    policy: PolicyConfig
    command: str = ""
    data: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    elapsed_seconds: float = 0.0
    machine: Mapping[str, Any] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] | None = None
    format_version: int = FORMAT_VERSION
    folder: Path | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ValueError(f"format_version is {self.format_version!r:.60}; accepted: {FORMAT_VERSION}")
        if self.space == table.SPACE.name:
            check(SelectionSet, self.data_set, "training: data_set")

    @property
    def data_set(self) -> str:
        """The column of NAS-Bench-201 that rewarded a policy for its cells, and chooses among their transformations."""
        reward = in_parts(self.training).get("reward", {})
        return reward.get("data_set", "cifar10_valid") if isinstance(reward, Mapping) else reward

    @property
    def is_demonstration(self) -> bool:
        """Whether the policy, or the shared weights that rewarded it, trained only briefly, as in a smoke test."""
        epochs, steps = (number_at(self.training, "weights", name) for name in ("epochs", "steps"))
        if epochs is not None and steps is not None:
            return epochs * steps < _SERIOUS_WEIGHT_STEPS
        done = number_at(self.training, "steps_done")
        return done is not None and done < _SERIOUS_STEPS

    @property
    def target_space(self) -> Space:
        return SPACES[self.space]

    def has(self, name: str) -> bool:
        """Whether the file of this name in the card's folder is there and belongs to the policy."""
        belongs = self.files is None or name in (WEIGHTS, *self.files)
        return belongs and self.folder is not None and (self.folder / name).is_file()

    def to_json(self) -> str:
        written = {name: value for name, value in asdict(self).items() if name != "folder"}
        return json.dumps(written, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_dict(cls, value: Any) -> "PolicyCard":
        """Read a card from a JSON object. Raises ValueError if a field is missing, unknown or ill-typed."""
        if isinstance(value, dict) and "format_version" not in value:
            raise ValueError("the field 'format_version' is missing")
        if isinstance(value, dict) and "folder" in value:
            raise ValueError("unknown field 'folder'")
        return read(cls, value)


def save_policy(folder: Path | str, policy: Policy, card: PolicyCard) -> Path:
    """Write `policy` and its card into `folder`, which is created if missing; return the folder.

    Raises:
        ValueError: the card's shape is not the policy's, or a weight is not finite.
    """
    folder = Path(folder)
    if card.policy != policy.config:
        raise ValueError(f"the card says {card.policy}, the policy is {policy.config}")
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in policy.state_dict().items()}
    _check_finite(weights)
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / WEIGHTS, weights)
    write_text(folder / CARD, card.to_json())
    return folder


def load_policy(folder: Path | str, device: torch.device | str = "cpu") -> tuple[Policy, PolicyCard]:
    """Return the policy in `folder`, in evaluation mode, and its card.

    Raises:
        ValueError: a file is missing or truncated, or does not fit.
    """
    folder = Path(folder)
    card = load_card(folder)
    policy = Policy(card.policy, card.rule)
    with _naming(folder / WEIGHTS):
        weights, _ = load_tensors(folder / WEIGHTS)
        _check_shapes(weights, policy.state_dict())
        _check_finite(weights)
    policy.load_state_dict(weights)
    return policy.to(device).eval(), card


def load_card(folder: Path | str) -> PolicyCard:
    """Return the card in `folder`. Raises ValueError like `load_policy`."""
    path = Path(folder) / CARD
    with _naming(path):
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise ValueError(f"larger than {_MAX_CARD_BYTES} bytes")
        card = PolicyCard.from_dict(from_json(path.read_text(encoding="utf-8")))
        return replace(card, folder=path.parent)


def list_policies(root: Path | str | Sequence[Path]) -> dict[str, Path]:
    """Folders below `root` (or `root` itself) that hold a policy, by name; contents are not checked.

    Of several roots those of the first come first; a name that there is already gets an addition.
    """
    found: dict[str, Path] = {}
    for folder in [Path(root)] if isinstance(root, Path | str) else root:
        named = ((name_of(path), path) for path in _policies_in(folder))
        # What was given a name comes before a folder that happens to be called so.
        for name, path in sorted(named, key=lambda item: (item[0], item[0] == item[1].name, item[1])):
            names = (name, f"{name} ({folder.name})", f"{name} ({path.name})")
            found[next((free for free in names if free not in found), str(path))] = path
    return found


def _policies_in(folder: Path) -> Iterator[Path]:
    """Hidden folders are those that are being written."""
    for path in (folder, *folder.iterdir()) if folder.is_dir() else ():
        hidden = path.name.startswith(".") and path != folder
        if not hidden and (path / WEIGHTS).is_file() and (path / CARD).is_file():
            yield path


def name_of(folder: Path) -> str:
    """Return the policy's name: the one that `name_policy` has set, else the name of the folder."""
    try:
        with (folder / LABEL).open(encoding="utf-8") as file:
            return file.readline(_MAX_LABEL).strip() or folder.name
    except (OSError, UnicodeDecodeError):
        return folder.name


def name_policy(folder: Path, name: str) -> None:
    """Gives the policy in `folder` a name that need not be fit for a folder."""
    write_text(folder / LABEL, f"{name}\n")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turns whatever reading `path` raises into one ValueError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist; {_ACCEPTED}") from error
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"{path}: {brief(error, 400)}; {_ACCEPTED}") from error


def _check_finite(weights: Mapping[str, Tensor]) -> None:
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"the weight {name!r} contains NaN or infinity")


def _check_shapes(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    if missing := expected.keys() - weights.keys():
        raise ValueError(f"the weight {min(missing)!r:.80} is missing")
    if unknown := weights.keys() - expected.keys():
        raise ValueError(f"the weight {min(unknown)!r:.80} belongs to no policy of the card's shape")
    for name, tensor in weights.items():
        if (tensor.shape, tensor.dtype) != (expected[name].shape, expected[name].dtype):
            raise ValueError(
                f"the weight {name!r} is {tensor.dtype} {tuple(tensor.shape)}; "
                f"the card's shape needs {expected[name].dtype} {tuple(expected[name].shape)}"
            )
