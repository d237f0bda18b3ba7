"""The command line, `python -m nat_core …`: the same use cases as the pages.

`--json` goes to stdout alone, everything else to stderr; bad input is one line on stderr and exit status 2.
"""

import json
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from nat_core.architecture import notation
from nat_core.architecture.cell import Architecture
from nat_core.architecture.drawing import architecture_dot, draw_architecture
from nat_core.architecture.library import library
from nat_core.architecture.spaces import space_of
from nat_core.naming import resolve

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

PRETRAINED = Path(__file__).parent.parent / "pretrained"
_DRAWINGS = ("dot", "svg", "png", "pdf")

Arch = Annotated[str, typer.Argument(metavar="ARCH", help="A library name, a file, nasbench201:INDEX, or a genotype.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
NetworkName = Annotated[str | None, typer.Option("--network", help="cifar, imagenet or nasbench201.")]
Channels = Annotated[int | None, typer.Option("--channels", help="C, the network's initial channels.")]
Layers = Annotated[int | None, typer.Option("--layers", help="L, the network's searched cells.")]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit status."""
    try:
        status = app(args=arguments, standalone_mode=False)
        return status if isinstance(status, int) else 0
    except TyperException as error:
        message = error.format_message()
    except (ValueError, OSError) as error:
        message = str(error)
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 2


def _resolve(text: str) -> Architecture:
    """The architecture that an ARCH argument means; unlike the page, the command line also reads files."""
    is_path = len(text) <= 4096 and "\n" not in text and Path(text).is_file()
    return _read_file(Path(text)) if is_path else resolve(text)


def _read_file(path: Path) -> Architecture:
    size = path.stat().st_size
    if size > notation.MAX_TEXT_BYTES:
        raise ValueError(f"{path} has {size:,} bytes; at most {notation.MAX_TEXT_BYTES:,} are accepted")
    try:
        return notation.parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not a text file in UTF-8") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the library's architectures with their origin and published results."""
    for entry in library().values():
        space = space_of(entry.architecture)
        row = {
            "name": entry.name,
            "space": space.name if space else None,
            "derived_from": entry.derived_from,
            "method": entry.method,
            "published_test_error_percent": entry.published.test_error_percent if entry.published else None,
            "source": entry.source,
        }
        if as_json:
            print(json.dumps(row))
        else:
            error = f"{row['published_test_error_percent']} %" if entry.published else ""
            origin = f"{entry.method} of {entry.derived_from}" if entry.method else ""
            print(f"{entry.name:<17}{row['space'] or '':<14}{error:>7}  {origin:<20}{entry.source}")


@app.command()
def show(
    arch: Arch,
    format: Annotated[str, typer.Option("--format", help=f"{', '.join((*notation.NOTATIONS, *_DRAWINGS))}.")] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
) -> None:
    """Write an architecture in any notation, or draw it."""
    architecture = _resolve(arch)
    format = format or (output.suffix[1:] if output and output.suffix[1:] in _DRAWINGS else "")
    if format and format not in (*notation.NOTATIONS, *_DRAWINGS):
        raise ValueError(f"unknown format {format!r}; accepted: {', '.join((*notation.NOTATIONS, *_DRAWINGS))}")
    if format == "dot":
        content = architecture_dot(architecture).encode()
    elif format in _DRAWINGS:
        content = draw_architecture(architecture, format)
    else:
        text = notation.write(architecture, format) if format else notation.shortest(architecture)
        content = text.encode() + b"\n"
    if output:
        output.write_bytes(content)
    elif format in ("png", "pdf") and sys.stdout.isatty():
        raise ValueError(f"{format} is binary; write it to a file with -o FILE")
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _network(architecture: Architecture, name: str | None, channels: int | None, layers: int | None) -> Any:
    """The network configuration that the options mean; by default the one that the architecture's space uses."""
    from dataclasses import replace

    from nat_core.network.config import NETWORKS

    if name is None:
        space = space_of(architecture)
        name = (
            space.network if space else next(n for n, config in NETWORKS.items() if not config.mismatch(architecture))
        )
    if name not in NETWORKS:
        raise ValueError(f"unknown network {name!r}; accepted: {', '.join(NETWORKS)}")
    changes = {"channels": channels, "layers": layers}
    return replace(NETWORKS[name], **{key: value for key, value in changes.items() if value is not None})


@app.command()
def cost(
    archs: Annotated[list[str], typer.Argument(metavar="ARCH…", help="Library names, files or genotypes.")],
    network: NetworkName = None,
    channels: Channels = None,
    layers: Layers = None,
    as_json: AsJson = False,
) -> None:
    """Parameters and MACs (one multiply-add = 1; convolutions and linear layers; no auxiliary head)."""
    from nat_core.network.costs import cost_model

    for text in archs:
        architecture = _resolve(text)
        config = _network(architecture, network, channels, layers)
        costs = cost_model(config)
        raw, effective = costs.cost(architecture), costs.cost(architecture.effective)
        if as_json:
            row = {
                "architecture": text,
                "network": config.description,
                "parameters": raw.parameters,
                "macs": raw.macs,
                "effective": {"parameters": effective.parameters, "macs": effective.macs},
                "operators": dict(raw.operators),
            }
            print(json.dumps(row))
        else:
            dead = "" if raw == effective else f"  without dead edges {effective.macs / 1e6:.1f} M"
            print(
                f"{text[:40]:<40} {raw.parameters:>11,} parameters {raw.macs:>13,} MACs{dead}  ({config.description})"
            )


@app.command()
def transform(
    arch: Arch,
    policy: Annotated[str | None, typer.Option(help="A name in pretrained/ or a policy's folder.")] = None,
    samples: Annotated[int, typer.Option(help="Candidates beside the input, 1 to 1000.")] = 10,
    seed: Annotated[int | None, typer.Option(help="Draw candidates at random with this seed.")] = None,
    greedy: Annotated[bool, typer.Option(help="Only the most probable output.")] = False,
    max_macs: Annotated[int | None, typer.Option(help="Budget in MACs; default: the input's own.")] = None,
    allow_costlier: Annotated[
        bool, typer.Option(help="Without a budget, let candidates cost more than the input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Transform an architecture into one that is more accurate and costs no more."""
    from nat_core.learning import catalogue
    from nat_core.learning.device import default_device
    from nat_core.transform import Options
    from nat_core.transform import transform as run

    architecture = _resolve(arch)
    trained, card = catalogue.load_for(PRETRAINED, architecture, policy, default_device())
    source = catalogue.accuracy_source(card, architecture)
    options = Options(
        samples=1 if greedy else samples,
        method="probable" if seed is None or greedy else "sampled",
        seed=seed or 0,
        max_macs=max_macs,
        allow_costlier=allow_costlier,
    )
    result = run(architecture, trained, card.target_space, source, options)
    print(json.dumps(result.to_dict()) if as_json else "\n".join(_summary(result)))


@app.command()
def train(
    space: Annotated[str, typer.Option(help="nasbench201: rewards come from the benchmark's table.")],
    output: Annotated[Path, typer.Option(help="Folder for the policy and its card.")],
    recipe: Annotated[str, typer.Option(help="group (ours) or authors (the papers' code).")] = "group",
    policy_network: Annotated[str | None, typer.Option(help="edge (ours) or gcn (the papers' form).")] = None,
    steps: Annotated[int | None, typer.Option(help="Gradient steps.")] = None,
    seed: Annotated[int, typer.Option(help="Of weights, batches and draws.")] = 0,
    data_set: Annotated[str, typer.Option(help="The benchmark's column that rewards.")] = "cifar10_valid",
    cost: Annotated[str, typer.Option(help="What the reward weighs: macs, or a device of the benchmark.")] = "macs",
    cost_weight: Annotated[float, typer.Option(help="λ: accuracy given up for the heaviest cell's cost.")] = 0.0,
    checkpoint: Annotated[Path | None, typer.Option(help="Save the state here, and continue from it.")] = None,
    threads: Annotated[int, typer.Option(help="Processor threads.")] = 1,
) -> None:
    """Train a policy; Ctrl-C or SIGTERM stops it, and with --checkpoint the same command continues it."""
    from nat_core.learning.config import RECIPES
    from nat_core.learning.device import default_device
    from nat_core.learning.policy import POLICY_CONFIGS
    from nat_core.learning.publish import publish
    from nat_core.learning.training import train as run

    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; accepted: {', '.join(RECIPES)}")
    changes = {"space": space, "seed": seed, "data_set": data_set, "cost": cost, "cost_weight": cost_weight}
    if policy_network is not None:
        if policy_network not in POLICY_CONFIGS:
            raise ValueError(f"unknown policy network {policy_network!r}; accepted: {', '.join(POLICY_CONFIGS)}")
        changes["policy"] = POLICY_CONFIGS[policy_network]
    if steps is not None:
        changes["steps"] = steps
    config = RECIPES[recipe](**changes)
    _set_threads(threads)
    trained = run(
        config,
        device=default_device(),
        progress=_Progress(config.steps),
        should_stop=_stop_on_signals(),
        checkpoint=checkpoint,
    )
    print(file=sys.stderr)
    if not trained.finished:
        again = "the same command continues it" if checkpoint else "nothing was kept, since there was no --checkpoint"
        print(f"stopped after {trained.steps_done} of {config.steps} steps; {again}", file=sys.stderr)
        raise typer.Exit(130)
    command = shlex.join(["python", "-m", "nat_core", *sys.argv[1:]])
    print(publish(output, trained, command))


def _set_threads(threads: int) -> None:
    import torch

    if not 1 <= threads <= 1024:
        raise ValueError(f"threads is {threads}; accepted: 1 to 1024")
    torch.set_num_threads(threads)


def _stop_on_signals() -> Callable[[], bool]:
    """True once SIGINT or SIGTERM has come; a second one ends the process at once."""
    stopped = threading.Event()

    def stop(number: int, _frame: Any) -> None:
        stopped.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopped.is_set


class _Progress:
    """One line on stderr that is rewritten: step, gain, time left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.began: tuple[float, int] | None = None

    def __call__(self, step: int, metrics: Mapping[str, float]) -> None:
        now = time.monotonic()
        self.began = self.began or (now, step)
        pace = (now - self.began[0]) / max(1, step - self.began[1])
        left = f"{pace * (self.steps - step):.0f} s left"
        held_out = f", held-out gain {metrics['held_out_gain']:+.2f}" if "held_out_gain" in metrics else ""
        end = "\n" if held_out or not sys.stderr.isatty() else "\r"
        gain = f"mean gain {metrics['gain']:+.2f} points, entropy {metrics['entropy']:.2f}"
        if held_out or sys.stderr.isatty():
            print(f"step {step}/{self.steps}: {gain}{held_out}, {left}   ", end=end, file=sys.stderr, flush=True)


def _summary(result: Any) -> Iterator[str]:
    before, after = result.input, result.output
    yield notation.shortest(after.architecture)
    yield result.verdict
    for change in result.changes:
        yield f"  {change.cell} {change.source}→{change.target}: {change.label}"
    yield f"MACs {before.cost.macs:,} → {after.cost.macs:,} ({result.network.description})"
    yield f"parameters {before.cost.parameters:,} → {after.cost.parameters:,}"
    if after.accuracy_percent is not None:
        kinds = f"{result.accuracy_kind}; {result.accuracy_description}"
        yield f"accuracy {before.accuracy_percent:.2f} % → {after.accuracy_percent:.2f} % ({kinds})"
