"""The policies in a folder such as `pretrained/`: which fit an architecture, and their accuracy sources."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

import torch

from nat_core.architecture.cell import Architecture
from nat_core.architecture.spaces import SPACES, space_of
from nat_core.learning.accuracies import reward_model_files, supernet_files, trainings_model_files
from nat_core.learning.accuracies.reward_model import RewardModel
from nat_core.learning.accuracies.trainings_model import TrainingsModel
from nat_core.learning.accuracy import AccuracySource
from nat_core.learning.nasbench201.table import SPACE, TabularAccuracy
from nat_core.learning.policies import archive
from nat_core.learning.policies.checkpoint import (
    CARD,
    LABEL,
    WEIGHTS,
    PolicyCard,
    list_policies,
    load_card,
    load_policy,
    name_policy,
)
from nat_core.learning.policies.policy import Policy
from nat_core.learning.support.folders import replacing_folder
from nat_core.sentences import brief

# One folder of policies, or several, of which the first comes first.
Root = Path | Sequence[Path]


def cards(root: Root) -> dict[str, PolicyCard]:
    """The readable policies below `root` by name; broken ones are left out."""
    found = {}
    for name, folder in list_policies(root).items():
        try:
            found[name] = load_card(folder)
        except ValueError:
            continue
    return found


def fitting(root: Root, architecture: Architecture) -> dict[str, PolicyCard]:
    """Return those of `cards` whose space contains `architecture`."""
    return {name: card for name, card in cards(root).items() if card.target_space.mismatch(architecture) is None}


def why_none_fits(root: Root, architecture: Architecture) -> str:
    """One sentence saying why no policy below `root` transforms `architecture`."""
    space = space_of(architecture)
    known = ", ".join(sorted({SPACES[card.space].title for card in cards(root).values()})) or "none"
    if architecture.reduction is None and architecture.normal.inputs == 2:
        return f"The reduction cell is missing; policies here: {known}."
    if space is None:
        return f"This architecture belongs to no space that a policy can be trained on; policies here: {known}."
    return f"No policy for {space.title} architectures is here yet; policies here: {known}."


def assigned(
    root: Root, architectures: Sequence[Architecture], name: str | None = None
) -> tuple[dict[str, list[int]], dict[int, str]]:
    """Assign a policy to each of many architectures.

    Args:
        root: folders of policies.
        architectures: architectures of any spaces.
        name: a policy's name, folder or archive; None: for each architecture the first policy that fits it.

    Returns:
        The positions of architectures by their policy's name, and a reason for each position that no policy fits.

    Raises:
        ValueError: there is no such policy, or it is broken.
    """
    named = cards(root) if name is None else {name: card_of(root, name)}
    groups: dict[str, list[int]] = {}
    unfit: dict[int, str] = {}
    for position, architecture in enumerate(architectures):
        reasons = {known: card.target_space.mismatch(architecture) for known, card in named.items()}
        if chosen := next((known for known, reason in reasons.items() if reason is None), None):
            groups.setdefault(chosen, []).append(position)
        elif name is None:
            unfit[position] = why_none_fits(root, architecture)
        else:
            unfit[position] = f"The policy {name[:60]!r} does not fit: {reasons[name]}."
    return groups, unfit


def load_for(
    root: Root, architecture: Architecture, name: str | None = None, device: torch.device | str = "cpu"
) -> tuple[Policy, PolicyCard]:
    """Return the policy called `name` (see `folder_of`), or the first that fits `architecture`, and its card.

    Raises:
        ValueError: there is no such policy, it is broken, or it does not fit.
    """
    if name is None:
        names = fitting(root, architecture)
        if not names:
            raise ValueError(why_none_fits(root, architecture))
        name = next(iter(names))
    policy, card = load(folder_of(root, name), device)
    if mismatch := card.target_space.mismatch(architecture):
        raise ValueError(f"the policy {name!r} does not fit: {mismatch}")
    return policy, card


def card_of(root: Root, name: str) -> PolicyCard:
    """The card of the policy called `name`; see `folder_of`. Raises ValueError if it is missing or broken."""
    return load_card(folder_of(root, name))


def folder_of(root: Root, name: str) -> Path:
    """Return the folder of the policy called `name`: one below `root`, `name` itself, or an unpacked archive.

    Raises:
        ValueError: there is none, or the archive is broken.
    """
    known = list_policies(root)
    folder = known.get(name, Path(name))
    try:
        is_archive, is_folder = folder.suffix == archive.SUFFIX and folder.is_file(), folder.is_dir()
    except OSError:  # a name that no file can have
        is_archive = is_folder = False
    if name not in known and is_archive:
        return archive.opened(folder)
    if not is_folder:
        here = brief(", ".join(known)) or "none here"
        raise ValueError(f"no policy {name[:60]!r}; accepted: {here}, a policy's folder, or its archive (.zip)")
    return folder


def add(root: Path, content: bytes, name: str) -> Path:
    """Unpack an archive's policy into a folder of `root`; the same archive always gives the same folder.

    Args:
        root: folder of policies.
        content: content of the archive.
        name: name of its file.

    Returns:
        The policy's folder, named as the archive says, else like the file.

    Raises:
        ValueError: `content` is not a policy's archive, or its policy is broken.
    """
    folder = root / hashlib.sha256(content).hexdigest()[:32]
    with replacing_folder(folder, (*archive.MEMBERS,)) as fresh:
        archive.unpack(BytesIO(content), fresh, name[:60])
        try:
            for known, load_model in _MODELS.items():
                if load_card(fresh).has(known):
                    load_model(fresh)
            if (fresh / supernet_files.WEIGHTS).exists():
                supernet_files.load_supernet(fresh)
        except ValueError as error:
            raise ValueError(f"{name[:60]}: {error}".replace(f"{fresh}/", "")) from error
        if not (fresh / LABEL).exists():
            name_policy(fresh, Path(name).stem[:60].strip() or "policy")
    return folder


def called(root: Root, folder: Path) -> str:
    """Return the name of the policy in `folder` among all policies below `root`."""
    return next(name for name, path in list_policies(root).items() if path == folder)


def load(folder: Path, device: torch.device | str = "cpu") -> tuple[Policy, PolicyCard]:
    """`load_policy`, remembered until one of the files changes."""
    stamps = tuple(path.stat().st_mtime_ns for path in (folder / WEIGHTS, folder / CARD) if path.exists())
    return _load(folder, stamps, torch.device(device))


@lru_cache(maxsize=16)
def _load(folder: Path, stamps: tuple[int, ...], device: torch.device) -> tuple[Policy, PolicyCard]:
    return load_policy(folder, device)


def accuracy_source(card: PolicyCard, architecture: Architecture, download: bool = True) -> AccuracySource | None:
    """Return the accuracy source of a policy.

    This is the benchmark's table for a policy of NAS-Bench-201, else the policy's own shared weights on images that
    trained nothing, else the model that rewarded it; None if this source cannot evaluate `architecture`.

    Args:
        card: card of the policy.
        architecture: architecture to transform.
        download: whether images may be fetched from the hub; otherwise they must be in its cache.

    Raises:
        ValueError: the shared weights or the model that belong to the policy are broken.
    """
    source = source_of(card, download)
    return source if source is not None and source.mismatch(architecture) is None else None


def source_of(card: PolicyCard, download: bool = True) -> AccuracySource | None:
    """Return the source that `accuracy_source` returns, for any architecture. Raises ValueError likewise."""
    if card.space == SPACE.name:
        return TabularAccuracy(card.data_set)
    return _shared_weights(card, download) or model_of(card)


def _shared_weights(card: PolicyCard, download: bool) -> AccuracySource | None:
    if not card.folder or not (card.has(supernet_files.WEIGHTS) or card.has(supernet_files.CARD)):
        return None
    from nat_core.learning.accuracies.supernet_source import supernet_source  # imports what reads images

    return supernet_source(card.folder, download=download)


def model_of(card: PolicyCard) -> RewardModel | TrainingsModel | None:
    """Return the model of accuracies that belongs to a policy, cached until its file changes; None without one.

    Raises:
        ValueError: the model is broken.
    """
    for name in _MODELS:
        if card.folder and card.has(name):
            return _model(card.folder, name, (card.folder / name).stat().st_mtime_ns)
    return None


@lru_cache(maxsize=16)
def _model(folder: Path, name: str, stamp: int) -> RewardModel | TrainingsModel:
    return _MODELS[name](folder)


_MODELS: Mapping[str, Callable[[Path], RewardModel | TrainingsModel]] = MappingProxyType(
    {
        reward_model_files.FILE: reward_model_files.load_reward_model,
        trainings_model_files.FILE: trainings_model_files.load_trainings_model,
    }
)
