"""The help of a place: its sentence, its keys by group, disabled ones with the reason, the filters."""

from __future__ import annotations

from collections.abc import Callable

from mcpscope.tui.actions import SENTENCES, Action, Group, at, key_name
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


def help_lines(place: str, why_not: Callable[[Action], str]) -> list[Line]:
    """The help of ``place``; every action of the table that the place has is in it."""
    lines: list[Line] = [[(SENTENCES.get(place, ""), "strong")], []]
    actions = at(place)
    for group in Group:
        rows = [action for action in actions if action.group is group]
        if not rows:
            continue
        lines.append([(group.value, "accent")])
        lines += [_row(action, why_not(action)) for action in rows]
        lines.append([])
    if place in ("traffic", "recordings", "log"):
        lines.append([("Filter", "accent")])
        lines += [[(f"  {pad(text, 28)}", "key"), (meaning, "")] for text, meaning in FILTERS]
        lines.append([])
    lines.append(
        [("Keys can be bound anew by the names at the right; : runs every action by its name.", "muted")]
    )
    return lines


def _row(action: Action, reason: str) -> Line:
    keys = " ".join(key_name(key) for key in action.keys)
    what = [(f"  {pad(keys, 10)}", "key" if not reason else "muted")]
    if reason:
        return [*what, (f"{pad(action.label, 14)} {reason}", "muted"), (f"  {action.id}", "muted")]
    return [*what, (f"{pad(action.label, 14)} ", ""), (action.say, ""), (f"  {action.id}", "muted")]
