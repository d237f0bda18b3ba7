"""Messages on stderr while work runs in the foreground: a progress line, and sentences."""

import sys
import time
from collections.abc import Mapping


def say(sentence: str) -> None:
    """A sentence that stays."""
    print(sentence, file=sys.stderr)


class Progress:
    """One line on stderr that is rewritten: step, main figures, time left."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.began: tuple[float, int] | None = None

    def __call__(self, step: int, metrics: Mapping[str, float]) -> None:
        now = time.monotonic()
        self.began = self.began or (now, step)
        pace = (now - self.began[0]) / max(1, step - self.began[1])
        left = f"{pace * (self.steps - step):.0f} s left"
        named = {name.rpartition("/")[2]: value for name, value in metrics.items()}
        figures = ", ".join(text.format(named[name]) for name, text in _FIGURES.items() if name in named)
        lasting = not LASTING.isdisjoint(named)
        if lasting or sys.stderr.isatty():
            end = "\n" if lasting or not sys.stderr.isatty() else "\r"
            print(f"step {step}/{self.steps}: {figures}, {left}   ", end=end, file=sys.stderr, flush=True)


_FIGURES = {
    "gain": "mean gain {:+.2f} points",
    "entropy": "entropy {:.2f}",
    "held_out_gain": "held-out gain {:+.2f}",
    "weight_loss": "loss {:.3f}",
    "weight_accuracy_percent": "training accuracy {:.1f} %",
    "modelled_gain": "modelled gain {:+.2f} points",
    "accepted": "accepted {:.0f}",
    "loss": "loss {:.3f}",
    "training_accuracy": "training accuracy {:.1f} %",
    "accuracy": "accuracy {:.2f} %",
    "top5_accuracy": "top-5 {:.2f} %",
    "images_per_second": "{:,.0f} images/s",
    "waiting_percent": "{:.0f} % waiting for images",
    "broken_images": "images skipped as broken: {:.0f}",
}
# Of these a line stays.
LASTING = frozenset({"held_out_gain", "accuracy"})
