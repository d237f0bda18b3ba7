"""The history of a visit: its inputs in order, and the current position."""

from dataclasses import dataclass, replace

MAX_STEPS = 100


@dataclass(frozen=True)
class Step:
    """An input.

    Attributes:
        title: its origin, such as "Pasted".
        cell: its name or genotype.
    """

    title: str
    cell: str


@dataclass(frozen=True)
class History:
    """The steps, oldest first; at most `MAX_STEPS` are kept.

    Attributes:
        position: index of the current step.
    """

    steps: tuple[Step, ...] = ()
    position: int = -1

    @property
    def can_undo(self) -> bool:
        return self.position > 0

    @property
    def can_redo(self) -> bool:
        return self.position < len(self.steps) - 1

    @property
    def cell(self) -> str:
        return self.steps[self.position].cell

    @property
    def title(self) -> str:
        return self.steps[self.position].title

    def recorded(self, title: str, cell: str, most: int = MAX_STEPS) -> "History":
        """Return the history with one more step after the current one, which replaces undone steps; a repeat changes
        nothing.
        """
        if self.steps and self.cell == cell:
            return self
        steps = (*self.steps[: self.position + 1], Step(title, cell))[-most:]
        return History(steps, len(steps) - 1)

    def at(self, position: int) -> "History":
        """Return the history at another step; a position beyond either end means that end."""
        return replace(self, position=min(max(position, 0), len(self.steps) - 1))
