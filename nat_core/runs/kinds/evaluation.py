"""The kind of run that trains architectures from scratch; each result is added to the table of measured accuracies."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from nat_core.learning.images.images import ImageData
from nat_core.learning.scratch.config import Budget, EvaluationConfig
from nat_core.learning.scratch.measured import MeasuredResult, Verdict, add_measured, read_measured
from nat_core.learning.scratch.presets import PRESETS
from nat_core.learning.scratch.queue import evaluate, images_of, of_training, ticks
from nat_core.options import command_words
from nat_core.runs.run import Run
from nat_core.runs.tracking import Tracking
from nat_core.runs.work import RunContext, Work

HEADLINE = "accuracy"
# Metrics with one curve per queue instead of one per training.
_OF_VERDICTS = frozenset(item.name for item in fields(Verdict))


def evaluate_architectures(config: EvaluationConfig, context: RunContext) -> bool:
    """Train until the queue is empty or a stop is requested; on a cluster, several trainings run at the same time."""
    if context.run.request.cluster:
        return _spread(config, context)

    def record(result: MeasuredResult) -> None:
        add_measured(context.folders.measured, result)
        context.log(summary(result))

    return evaluate(config, images_for(config), context.device, context.hooks(), record).finished


def _spread(config: EvaluationConfig, context: RunContext) -> bool:
    """Run the trainings that have no recorded result yet; curves look like those of a sequential queue."""
    from nat_core.runs.kinds.spreading import Driver, Place, spread

    each = ticks(config) // len(config.jobs)
    recorded = context.stored_results()
    done = dict.fromkeys(recorded, each)

    def progress(position: int, ticks_done: int, metrics: Mapping[str, float]) -> None:
        done[position] = ticks_done
        named = of_training(config, position, {name: metrics[name] for name in metrics if name not in _OF_VERDICTS})
        if named:
            context.progress(position * each + ticks_done, named, sum(done.values()))

    def record(position: int, result: MeasuredResult) -> None:
        context.store_result(position, result)
        recorded[position], done[position] = result, each
        context.progress(len(recorded) * each, result.verdict.metrics(), sum(done.values()))
        context.log(summary(result))

    missing = [position for position in range(len(config.jobs)) if position not in recorded]
    request = context.run.request
    place = Place(context.run.id, request.storage, request.device, request.threads)
    return spread(config, missing, place, Driver(context.should_stop, progress, record, context.log))


def images_for(config: EvaluationConfig) -> ImageData:
    """Return the images of a queue. Raises ValueError if they are not available."""
    try:
        return images_of(config.budget)
    except ValueError as error:
        raise ValueError(f"{error}; choose other images with --data") from error


def results_of(config: EvaluationConfig, measured: Iterable[MeasuredResult]) -> dict[int, MeasuredResult]:
    """Return the results that belong to a queue, the newest of each, by position in `config.jobs`."""
    of_budget = sorted((item for item in measured if _is_of(item.settings, config.budget)), key=lambda item: item.date)
    newest = {(item.value, item.seed): item for item in of_budget}
    found = enumerate((item.architecture, seed) for item, seed in config.jobs)
    return {position: newest[job] for position, job in found if job in newest}


def _is_of(settings: Mapping[str, Any], budget: Budget) -> bool:
    """Whether a result's settings equal a budget's; older results lack settings that were added later."""
    return {**Budget().to_dict(), **settings} == budget.to_dict()


def summary(result: MeasuredResult) -> str:
    """Return a result as one line."""
    epochs = f"{result.epochs} epoch{'s' if result.epochs > 1 else ''}"
    top5 = "" if result.top5_accuracy is None else f" (top-5 {result.top5_accuracy:.2f} %)"
    return (
        f"{result.architecture or result.genotype[:60]}  {result.accuracy:.2f} % of {result.judged_on} images{top5}  "
        f"(measured: {epochs}, seed {result.seed}, {result.network}; "
        f"{result.parameters:,} parameters, {result.macs:,} MACs)"
    )


def outcome(tracking: Tracking, run: Run) -> str:
    """Return the results of a run, one per line."""
    found = results_of(EvaluationConfig.from_dict(run.config), read_measured(tracking.folders.measured))
    return "\n".join(map(summary, found.values()))


def arguments(config: EvaluationConfig, preset: str) -> list[str]:
    """Return the arguments of the equivalent command line, as far as options exist."""
    budget = config.budget
    name = next((known for known in (preset, config.preset) if known in PRESETS), "paper")
    families = PRESETS[name].families
    standard = PRESETS[name].budget(budget.family if budget.family in families else next(iter(families)))
    found = ["evaluate", *(item.name or item.genotype for item in config.architectures), "--preset", name]
    return found + command_words(config, replace(config, budget=standard, seeds=(0,)))


EVALUATION = Work(
    config=EvaluationConfig,
    do=evaluate_architectures,
    steps=ticks,
    headline=HEADLINE,
    arguments=arguments,
    outcome=outcome,
    spreads=True,
)
