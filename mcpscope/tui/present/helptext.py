"""The help of a place: its sentence, its keys by group, disabled ones with the reason, the filters."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence

from mcpscope.tui.action import Action, Group, key_name
from mcpscope.tui.actions import at
from mcpscope.tui.places import SENTENCES
from mcpscope.tui.present.spans import Line, pad

FILTERS = (
    ("tool:search* is:error", "a space means and"),
    ("-method:ping", "not; also: not, !"),
    ("tool:(read_file,list_dir)", "any of; * and ? are wildcards"),
    ("args.path~^/etc", "a regular expression on an argument"),
    ("dur>500ms size>1mb", "ms s m h, b kb mb"),
    ("is:late or is:cancelled", "or, |, ( )"),
    ("since:10m code:-32602", "10m, 12:04, 2026-11-22"),
    ('"some text"', "anywhere in the messages"),
)

HEAD = 29
"""Cells before what an action does."""


def help_lines(
    place: str, why_not: Callable[[Action], str], width: int = 1000, shown: Sequence[Action] | None = None
) -> list[Line]:
    """The help of ``place``; every action of the table that the place has is in it."""
    return [line for block in help_blocks(place, why_not, width, shown) for line in block]


def help_blocks(
    place: str, why_not: Callable[[Action], str], width: int, shown: Sequence[Action] | None = None
) -> list[list[Line]]:
    """The help in blocks, each one line or what one line was wrapped into at ``width`` cells.

    ``shown`` are the actions of the place with the keys they have; left out: as in the table.
    """
    blocks: list[list[Line]] = [_wrapped(SENTENCES.get(place, ""), "strong", width), [[]]]
    actions = at(place) if shown is None else shown
    for group in Group:
        rows = [action for action in actions if action.group is group]
        if not rows:
            continue
        blocks.append([[(group.value, "accent")]])
        blocks += [_row(action, why_not(action), width) for action in rows]
        blocks.append([[]])
    if place in ("traffic", "recordings", "log"):
        blocks.append([[("Filter", "accent")]])
        blocks += [[[(f"  {pad(text, 28)}", "key"), (meaning, "")]] for text, meaning in FILTERS]
        blocks.append([[]])
    last = "Keys can be bound anew by the names at the right; : runs every action by its name."
    return [*blocks, _wrapped(last, "muted", width)]


def _wrapped(text: str, role: str, width: int) -> list[Line]:
    return [[(line, role)] for line in textwrap.wrap(text, max(20, width)) or [""]]


def _row(action: Action, reason: str, width: int) -> list[Line]:
    """Keys, label, what it does or why not, and the id; wrapped behind the label."""
    keys = " ".join(key_name(key) for key in action.keys)
    label = action.label + (" - " if reason else "")
    said = textwrap.wrap(reason or action.say, max(20, width - HEAD))
    role = "muted" if reason else ""
    lines: list[Line] = [
        [(f"  {pad(keys, 10)}", "muted" if reason else "key"), (f"{pad(label, 16)} ", role), (said[0], role)]
    ]
    lines += [[(" " * HEAD, ""), (more, role)] for more in said[1:]]
    if HEAD + len(said[-1]) + 2 + len(action.id) > width:
        lines.append([(" " * (HEAD - 2), "")])
    lines[-1].append((f"  {action.id}", "muted"))
    return lines
