"""Undo and redo of notes, marks, names, breakpoints, rules and files. What was sent cannot be undone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

KEPT = 100


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done: how it is called, taken back, and done again."""

    name: str
    back: Callable[[], Awaitable[None]]
    again: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Undo:
    """Two stacks; a new step forgets what could be redone."""

    past: list[Step] = field(default_factory=list)
    future: list[Step] = field(default_factory=list)

    def done(self, step: Step) -> None:
        """Remember what was just done."""
        self.past.append(step)
        del self.past[:-KEPT]
        self.future.clear()

    async def undo(self) -> str:
        """Take the last step back; returns its name, or empty where there is none."""
        if not self.past:
            return ""
        step = self.past[-1]
        await step.back()
        self.past.remove(step)
        self.future.append(step)
        return step.name

    async def redo(self) -> str:
        """Do again what was taken back last; returns its name, or empty."""
        if not self.future:
            return ""
        step = self.future[-1]
        await step.again()
        self.future.remove(step)
        self.past.append(step)
        return step.name
