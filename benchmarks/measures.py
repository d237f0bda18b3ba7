"""The rows of the quality benchmark: measures, required values, and their tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nat_core.learning.nasbench201.table import DEVICES
from nat_core.learning.training.budget_quality import SHARES

COST_WEIGHTS = (0.02, 0.05, 0.15)
FEW_SHARES = (0.1, 0.02)
LATENCIES = ("1080ti_1", "pixel3")
# In millions; few cells fit within the budgets of inputs with fewer MACs.
HEAVY_MACS = 60.0
# Figures by seed and by title of the benchmark's part.
Parts = Mapping[int, Mapping[str, Mapping[str, float]]]

_NOTES = """\
Figures are *recovered* gains unless said otherwise: mean gain of the outputs over the inputs ÷ mean gain of the exact \
oracle, on held-out inputs. Look-ups are accuracies asked for an input's candidates; the input's own is known and the \
input always a candidate, except for greedy outputs, the fixed rule and what is called worse. Everything is chosen by \
CIFAR-10 validation accuracy; "÷ validation's oracle" compares, on a test column, with the oracle that chose by \
validation accuracy too, "÷ test's own oracle" with one that saw the test column. Hidden rewards reach neither the \
reward model nor the policy.

A budget is a share of the input's own cost: MACs of the whole network, or the measured latency. "Points below best" \
are those between an output and the best legal cell that fits the budget; inputs that nothing legal fits are left out. \
"Front ÷ best front" is the area that outputs for budgets of 5, 10, … 100 % dominate (of costs below and of accuracies \
above the input's), divided by that of the best legal outputs for the same budgets. A policy with budgets imitates, in \
the first half of its training, what enumeration finds best among the visible rewards; latencies are shared out among \
edges by a fit, and measured ones decide what fits."""


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    Attributes:
        key: name of the figure.
        title: its description in the table.
        required: threshold for the worst seed, if any.
        smaller: whether smaller is better.
        form: format string of a figure.
        compared: whether the table shows it beside the required figures, for comparison.
    """

    key: str
    title: str
    required: float | None = None
    smaller: bool = False
    form: str = ".4f"
    compared: bool = False

    def worst(self, values: Sequence[float]) -> float:
        return max(values) if self.smaller else min(values)

    def verdict(self, values: Sequence[float]) -> str:
        """Return whether the worst seed meets the requirement; "" without one."""
        if self.required is None:
            return ""
        worst = self.worst(values)
        return "pass" if (worst <= self.required if self.smaller else worst >= self.required) else "falls short"


def _hidden(key: str, what: str, required: float | None = None) -> Iterator[Measure]:
    yield Measure(key, f"{what}: policy on the visible rewards, completed by a reward model", required)
    yield Measure(f"{key}_model", f"{what}: policy on the reward model alone")
    yield Measure(f"{key}_exhaustive", f"{what}: exhaustive search on rewards completed by the model")
    yield Measure(f"{key}_model_exhaustive", f"{what}: exhaustive search on the model alone")
    yield Measure(f"{key}_seen", f"{what}: oracle among the visible only")
    yield Measure(f"{key}_rank", f"{what}: model's rank correlation on the hidden")
    yield Measure(f"{key}_seconds", f"{what}: CPU seconds of fit and training", smaller=True, form=".0f")


def _costly(weight: float) -> Iterator[Measure]:
    what = f"accuracy − {weight} · MACs ÷ heaviest"
    yield Measure(f"cost_{weight}", f"{what}: recovered of this objective")
    yield Measure(f"cost_{weight}_macs", f"{what}: MACs of outputs ÷ inputs", smaller=True)
    yield Measure(f"cost_{weight}_accuracy", f"{what}: recovered of accuracy alone")


def _budgets() -> Iterator[Measure]:
    yield Measure("budgets_greedy_recovered", "budgets: greedy at 100 % of the MACs (0 look-ups)", 0.991)
    yield Measure("budgets_top_10", "budgets: 10 most probable distinct at 100 %", 0.993)
    yield Measure("budgets_top_100", "budgets: 100 most probable distinct at 100 %", 0.998)
    yield Measure("budgets_cpu_seconds", "budgets: training, CPU seconds on one thread", 180, smaller=True, form=".0f")
    for key, title, is_required in _populations():
        yield from _missing(key, f"{title}: greedy", "greedy", 0.25 if is_required else None)
        yield from _missing(key, f"{title}: best of ten", "ten", 0.15 if is_required else None)
        yield Measure(f"{key}_nothing_fits", f"{title}: inputs × budgets that nothing legal fits", form=".0f")
        yield from _fronts(key, title, is_required)
    yield Measure("budgets_half", "budgets: half of the architectures hidden, greedy at 100 %", 0.970)
    yield Measure(
        "budgets_half_seconds", "budgets: half hidden, CPU seconds of fit and training", smaller=True, form=".0f"
    )


def _populations() -> Iterator[tuple[str, str, bool]]:
    yield "heavy", f"MACs, inputs above {HEAVY_MACS:.0f} M", True
    yield "all", "MACs, all inputs", True
    for device in LATENCIES:
        yield device, f"latency on {DEVICES[device]}, inputs above {HEAVY_MACS:.0f} M MACs", False


def _missing(key: str, title: str, count: str, required: float | None) -> Iterator[Measure]:
    for share in SHARES:
        yield Measure(
            f"{key}_{count}_{share}", f"{title} within {share:.0%}: points below best", smaller=True, form=".3f"
        )
    yield Measure(f"{key}_{count}", f"{title}, mean of the budgets", required, smaller=True, form=".3f")


def _fronts(key: str, title: str, is_greedy_required: bool) -> Iterator[Measure]:
    required, what = 0.985, f"{title}: front of"
    greedy = required if is_greedy_required else None
    yield Measure(f"{key}_front_greedy", f"{what} greedy outputs ÷ best front (0 look-ups)", greedy)
    yield Measure(f"{key}_front_ten", f"{what} ten candidates per budget ÷ best front", required)
    yield Measure(f"{key}_front_fixed", f"{what} fixed rules ÷ best front (0 look-ups)", compared=True)
    yield Measure(f"{key}_front_random", f"{what} ten random cells per budget ÷ best front", compared=True)
    yield Measure(f"{key}_front_local", f"{what} local search, ten look-ups per budget ÷ best front", compared=True)


MEASURES = (
    Measure("greedy", "policy, greedy (0 look-ups)", 0.985),
    Measure("top_10", "policy, 10 most probable distinct (10 look-ups)", 0.990),
    Measure("top_100", "policy, 100 most probable distinct (100 look-ups)", 0.996),
    Measure("worse", "policy, greedy: share made worse", 0.013, smaller=True),
    Measure("clearly_worse", "policy, greedy: share worse by more than 0.5 points", 0.005, smaller=True),
    Measure("cifar10_test", "policy, greedy: CIFAR-10 test ÷ validation's oracle", 0.990),
    Measure("cifar100_test", "policy, greedy: CIFAR-100 test ÷ validation's oracle", 0.985),
    Measure("imagenet16_120_test", "policy, greedy: ImageNet16-120 test ÷ validation's oracle", 0.980),
    Measure("cifar10_test_own", "policy, greedy: CIFAR-10 test ÷ test's own oracle"),
    Measure("cifar100_test_own", "policy, greedy: CIFAR-100 test ÷ test's own oracle"),
    Measure("imagenet16_120_test_own", "policy, greedy: ImageNet16-120 test ÷ test's own oracle"),
    Measure("cpu_seconds", "policy: training, CPU seconds on one thread", 60, smaller=True, form=".0f"),
    Measure("wall_seconds", "policy: training, wall-clock seconds", smaller=True, form=".0f"),
    Measure("fixed_rule", "best fixed rule per edge (0 look-ups)", compared=True),
    Measure("fixed_rule_worse", "best fixed rule: share made worse", smaller=True),
    Measure("authors", "authors' recipe and network (0 look-ups)", compared=True),
    Measure("random_10", "random legal transformations, best of 10", compared=True),
    Measure("random_100", "random legal transformations, best of 100"),
    Measure("local_10", "local search, 10 look-ups", compared=True),
    Measure("local_30", "local search, 30 look-ups"),
    Measure("local_100", "local search, 100 look-ups"),
    *_budgets(),
    *_hidden("half", "half of the architectures hidden", 0.970),
    *_hidden("classes", "half of the functional classes hidden", 0.975),
    *(row for share in FEW_SHARES for row in _hidden(f"few_{share}", f"{share:.0%} of the architectures visible")),
    *(row for weight in COST_WEIGHTS for row in _costly(weight)),
)


def markdown(by_seed: Parts, machine: str) -> str:
    """Return a table of the required and compared measures that all seeds have: seeds, worst, requirement, verdict."""
    head = ["measure", *(f"seed {seed}" for seed in by_seed), "worst", "required", "verdict"]
    rows = [head, ["---", *["---:"] * (len(by_seed) + 2), "---"]]
    shown = [(item, values) for item, values in _values(by_seed) if item.required is not None or item.compared]
    rows += [_row(item, values) for item, values in shown]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{_NOTES}\nMeasured on {machine}."


def _values(by_seed: Parts) -> Iterator[tuple[Measure, list[float]]]:
    seeds = [{key: value for part in parts.values() for key, value in part.items()} for parts in by_seed.values()]
    for measure in MEASURES:
        if all(measure.key in figures for figures in seeds):
            yield measure, [figures[measure.key] for figures in seeds]


def _row(measure: Measure, values: list[float]) -> list[str]:
    shown = [format(value, measure.form) for value in (*values, measure.worst(values))]
    sign = "≤" if measure.smaller else "≥"
    required = "" if measure.required is None else f"{sign} {measure.required:g}"
    return [measure.title, *shown, required, measure.verdict(values)]


def as_json(by_seed: Parts, machine: str) -> dict[str, Any]:
    """Return all figures by seed and part and, by measure, the worst, the requirement and whether it is met."""
    summary = {
        measure.key: {
            "title": measure.title,
            "worst": measure.worst(values),
            "required": measure.required,
            "verdict": measure.verdict(values) or None,
        }
        for measure, values in _values(by_seed)
    }
    return {
        "machine": machine,
        "seeds": {str(seed): parts for seed, parts in by_seed.items()},
        "summary": summary,
    }
