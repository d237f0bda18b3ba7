"""The options of a training, each declared once.

The command line, the page's fields, the equivalent command and the configuration are all made from this table. Nothing
heavy is imported here, so that `--help` answers at once.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What rewards a training: a benchmark's table, a model of trained cells, or shared weights on images.
KINDS = ("table", "trainings", "images")


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        name: of the option, with underscores.
        label: of the page's field; empty where the page asks for it in another way.
        help: one line for people.
        kind: of its value; Path stands for files, of which there may be several.
        where: by kind of training, the fields of its configuration that the option sets, dotted and parted by spaces;
            empty for what only chooses the configuration to start from.
        main: whether the page shows it before "Advanced".
    """

    name: str
    label: str
    help: str
    kind: type
    where: Mapping[str, str]
    main: bool = False

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"

    def parse(self, text: str) -> Any:
        """The value that a text spells. Raises ValueError for none."""
        return _PARSERS[self.kind](text)

    def value_in(self, config: Any, kind: str) -> Any:
        """What a configuration of a kind of training says of the option."""
        value = config
        for name in self.where[kind].split()[0].split("."):
            value = getattr(value, name)
        return value


def _whole(text: str) -> int:
    try:
        return int(text.replace(",", "").strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a whole number") from None


def _decimal(text: str) -> float:
    try:
        value = float(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()[:20]!r} is not a number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text.strip()[:20]!r} is not a finite number")
    return value


_PARSERS: Mapping[type, Callable[[str], Any]] = {int: _whole, float: _decimal, str: str.strip, Path: Path}


def _table() -> Iterator[Option]:
    def policy(field: str, *kinds: str) -> dict[str, str]:
        """A field of the policy's training, which images hold in their own."""
        return {kind: f"policy.{field}" if kind == "images" else field for kind in kinds or KINDS}

    yield Option("preset", "", "Images: paper, cpu (hours on a CPU; the default) or smoke.", str, {"images": ""})
    yield Option("recipe", "", "nasbench201: budgets or group (ours), authors (the papers'); else: trainings.", str,
                 {"table": "", "trainings": ""})  # fmt: skip
    yield Option("data", "Images", "A name on the Hugging Face hub, parquet files, an image folder, or sample.", str,
                 {"images": "data"}, main=True)  # fmt: skip
    yield Option("epochs", "Epochs", "Of the shared weights.", int, {"images": "weights.epochs"}, main=True)
    yield Option("steps", "Policy steps", "Gradient steps of the policy; from images, per epoch or round.", int,
                 policy("steps"), main=True)  # fmt: skip
    yield Option("seed", "Seed", "Of weights, batches and draws.", int, policy("seed"), main=True)
    yield Option("schedule", "Schedule", "How shared weights and policy take turns: alternate (the papers') or "
                 "two-stage.", str, {"images": "schedule"})  # fmt: skip
    yield Option("rounds", "Rounds", "Of the two-stage schedule.", int, {"images": "rewards.rounds"})
    yield Option("batch", "Images per step", "Batch of the shared weights' steps and of evaluations.", int,
                 {"images": "weights.batch rewards.batch"})  # fmt: skip
    yield Option("channels", "Channels", "C, initial channels of the network of shared weights; even.", int,
                 {"images": "channels"})  # fmt: skip
    yield Option("layers", "Layers", "L, searched cells of the network of shared weights.", int, {"images": "layers"})
    yield Option("resolution", "Resolution, pixels", "Side of the images.", int, {"images": "resolution"})
    yield Option("reward_images", "Images per reward", "On which an architecture is evaluated.", int,
                 {"images": "rewards.images"})  # fmt: skip
    yield Option("trainings", "", "A file of your trained cells: CSV, parquet or LaNAS' trace; repeatable.", Path,
                 policy("trainings", "trainings"))  # fmt: skip
    yield Option("cost_weight", "Cost weight λ", "Points of accuracy ÷ 100 given up for the heaviest cell's cost.",
                 float, policy("cost_weight"))  # fmt: skip
    yield Option("change_weight", "Change weight", "Points of accuracy that changing an edge must be worth.", float,
                 policy("change_weight", "trainings"))  # fmt: skip
    yield Option("caution", "Caution", "Standard errors deducted from what is gained over a plain rule.", float,
                 policy("caution", "trainings"))  # fmt: skip
    yield Option("searched_share", "Searched share", "Of the inputs, for which search shows the policy an output.",
                 float, policy("searched_share", "trainings"))  # fmt: skip
    yield Option("cost", "Cost", "What λ weighs: macs, or a device of the benchmark.", str, policy("cost", "table"))
    yield Option("budget", "Budget of", "What a budget limits that the policy is told: macs, parameters or a device.",
                 str, policy("budget", "table", "trainings"))  # fmt: skip
    yield Option("data_set", "Rewards from", "Column of the benchmark.", str, policy("data_set", "table"))
    yield Option("policy_network", "Policy network", "edge is ours, gcn the papers'.", str, policy("policy"))


OPTIONS: Mapping[str, Option] = {option.name: option for option in _table()}


def options_of(kind: str) -> tuple[Option, ...]:
    """The options of a kind of training, in the table's order."""
    return tuple(option for option in OPTIONS.values() if kind in option.where)


def differing(config: Any, standard: Any, kind: str) -> Iterator[tuple[Option, Any]]:
    """The options whose values tell a configuration from the `standard` that it started from, with its values."""
    for option in options_of(kind):
        if option.where[kind] and (value := option.value_in(config, kind)) != option.value_in(standard, kind):
            yield option, value
