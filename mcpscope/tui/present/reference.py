"""The table of keys as README shows it, made from the table of actions."""

from __future__ import annotations

from mcpscope.tui.action import Action, Group, key_name
from mcpscope.tui.actions import ACTIONS
from mcpscope.tui.places import ANY, BOTH

BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"


def keys_table() -> str:
    """Markdown between the two marks: one row an action, grouped as in the help."""
    lines = [BEGIN, "| Keys | Does | Where | Name |", "|---|---|---|---|"]
    for group in Group:
        lines += [_row(action) for action in ACTIONS if action.group is group]
    return "\n".join([*lines, END])


def _row(action: Action) -> str:
    keys = " ".join(f"`{_escaped(key_name(key))}`" for key in action.keys)
    places = set(action.places)
    where = ", ".join(action.places)
    if places >= set(ANY):
        where = "everywhere"
    elif len(lacking := set(BOTH) - places) < 2:
        where = " but ".join(("every list and view", *lacking))
    return f"| {keys} | {_escaped(action.say)} | {where} | `{action.id}` |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
