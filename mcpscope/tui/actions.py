"""Every action of the UI, one row each: keys, key bars, help, palette, prompt and README are made of it."""

from __future__ import annotations

from mcpscope.tui.action import Action
from mcpscope.tui.places import ROOTS
from mcpscope.tui.table import acting, everywhere, watching

ACTIONS: tuple[Action, ...] = (
    *watching.TRAFFIC,
    *acting.HOLDS,
    *acting.TOOLS,
    *acting.EDITOR,
    *acting.APPROVAL,
    *acting.RULES,
    *acting.COMPOSER,
    *watching.VIEWER,
    *watching.RECORDINGS,
    *watching.REPLAY,
    *watching.FINDINGS,
    *acting.WRAP,
    *acting.FIRST,
    *everywhere.moves(),
    *everywhere.EVERYWHERE,
)


def at(place: str) -> tuple[Action, ...]:
    """The actions of one place, in the table's order."""
    return tuple(action for action in ACTIONS if place in action.places)


def bar(place: str) -> tuple[Action, ...]:
    """The actions of a place's key bar, the most important first; from a root there is no way back."""
    shown = (action for action in at(place) if action.rank and not (action.id == "back" and place in ROOTS))
    return tuple(sorted(shown, key=lambda action: action.rank))


def find(action_id: str, place: str) -> Action | None:
    """The row of an action in a place."""
    return next((action for action in at(place) if action.id == action_id), None)
