"""Architectures side by side: what they cost on one network, and every accuracy known of them, each with its kind."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from types import MappingProxyType

from nat_core.architecture.cell import Architecture
from nat_core.architecture.difference import illegal_changes
from nat_core.architecture.library import Entry, Published, library
from nat_core.architecture.spaces import space_of
from nat_core.learning.scratch.measured import MeasuredAccuracy
from nat_core.network.config import NetworkConfig
from nat_core.network.costs import Cost, cost_model

# What the rules are called of which a method is an instance.
RULE_OF_METHOD = MappingProxyType({"NAT": "nat", "NAT++": "nat++"})


@dataclass(frozen=True)
class Item:
    """An architecture under comparison.

    Attributes:
        name: name shown to people.
        architecture: the architecture.
        origin: "library", "own", or the name of the policy that made the architecture.
        derived_from: name of the item it was transformed from, if any.
        method: method of the transformation: "NAT", "NAT++" or "ours".
        rule: transition rule of the transformation; empty for the rule after which the method is named.
        published: the result that a paper prints, if any.
    """

    name: str
    architecture: Architecture
    origin: str
    derived_from: str | None = None
    method: str | None = None
    published: Published | None = None
    rule: str = ""


@dataclass(frozen=True)
class Row:
    """The known values of an item.

    Attributes:
        space: title of the space it belongs to, "" for none.
        cost: cost of the whole network, every non-null edge counted; None if the cells do not fit it.
        effective_cost: the same cost without edges that do not reach the output.
        published_accuracy_percent: 100 − the test error that a paper prints.
        measured_accuracy_percent: mean over seeds of trainings from scratch within one budget.
        measured_top5_percent: mean top-5 accuracy of the same trainings; None if unknown.
        outside_rule: changes against `derived_from` that the method's own rule does not allow, as "conv 1×1 → max 3×3".
    """

    item: Item
    space: str
    cost: Cost | None
    effective_cost: Cost | None
    published_accuracy_percent: float | None
    measured_accuracy_percent: float | None
    outside_rule: tuple[str, ...]
    measured_top5_percent: float | None = None


def library_items() -> tuple[Item, ...]:
    """Return all library entries; an entry without a result takes that of an equal architecture."""
    entries = library().values()
    known = {entry.architecture: entry.published for entry in entries if entry.published}
    return tuple(_item(entry, entry.published or known.get(entry.architecture)) for entry in entries)


def published_outputs(architecture: Architecture) -> tuple[Item, ...]:
    """Return the transformations of `architecture` that papers have published."""
    items = library_items()
    inputs = {item.name for item in items if item.architecture.ordered == architecture.ordered}
    return tuple(item for item in items if item.derived_from in inputs)


def free_name(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or where that is taken the first of ``wanted (2)``, ``wanted (3)``, … that is not."""
    numbered = (f"{wanted} ({number})" for number in count(2))
    return next(name for name in chain([wanted], numbered) if name not in taken)


def _item(entry: Entry, published: Published | None) -> Item:
    return Item(entry.name, entry.architecture, "library", entry.derived_from, entry.method, published)


def rows(items: Sequence[Item], network: NetworkConfig, measured: MeasuredAccuracy | None = None) -> tuple[Row, ...]:
    """Every item's row, in order.

    Args:
        items: items with distinct names.
        network: network on which costs are counted.
        measured: results of trainings from scratch within one budget.
    """
    by_name = {item.name: item for item in items}
    return tuple(_row(item, by_name, network, measured) for item in items)


def _row(item: Item, by_name: Mapping[str, Item], network: NetworkConfig, measured: MeasuredAccuracy | None) -> Row:
    architecture, model = item.architecture, cost_model(network)
    fits = network.mismatch(architecture) is None
    space = space_of(architecture)
    known = measured if measured is not None and measured.mismatch(architecture) is None else None
    return Row(
        item=item,
        space=space.title if space else "",
        cost=model.cost(architecture) if fits else None,
        effective_cost=model.cost(architecture.effective) if fits else None,
        published_accuracy_percent=100 - item.published.test_error_percent if item.published else None,
        measured_accuracy_percent=None if known is None else float(known.accuracy_percent([architecture])[0]),
        outside_rule=outside_rule(item, by_name.get(item.derived_from or "")),
        measured_top5_percent=None if known is None else known.top5_percent(architecture),
    )


def outside_rule(item: Item, origin: Item | None) -> tuple[str, ...]:
    """Changes of `origin` to `item` that the method's own rule does not allow, as "conv 1×1 → max 3×3"."""
    if origin is None:
        return ()
    rule = item.rule or RULE_OF_METHOD.get(item.method or "", "nat++")
    return tuple(change.label for change in illegal_changes(origin.architecture, item.architecture, rule))


def chains(items: Iterable[Item]) -> tuple[tuple[Item, ...], ...]:
    """Inputs with what was made of them: (input, NAT, NAT++, ours), as far as there are any; inputs alone left out."""
    items = tuple(items)
    derived: dict[str, list[Item]] = {}
    for item in items:
        if item.derived_from:
            derived.setdefault(item.derived_from, []).append(item)
    return tuple((item, *derived[item.name]) for item in items if item.name in derived)
