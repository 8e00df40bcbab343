"""Actions that every screen has: moving, going to screens, help, undo, quitting."""

from __future__ import annotations

from mcpscope.tui.action import Action, Group
from mcpscope.tui.places import ANY, BOTH, SCREENS


def moves() -> tuple[Action, ...]:
    """Up and down; in a review ``k`` skips, and is up where nothing is to be skipped."""

    def places(name: str) -> tuple[str, ...]:
        return tuple(place for place in BOTH if (name, place) != ("up", "replay"))

    rows = (
        ("up", ("k", "up"), "Up", "one line up"),
        ("down", ("j", "down"), "Down", "one line down"),
        ("top", ("g", "home"), "Top", "to the first line"),
        ("bottom", ("G", "end"), "Bottom", "to the last line; in Traffic it follows again"),
        ("page-up", ("ctrl+b", "pageup"), "Page up", "one page up"),
        ("page-down", ("ctrl+f", "pagedown"), "Page down", "one page down"),
        ("half-up", ("ctrl+u",), "Half up", "half a page up"),
        ("half-down", ("ctrl+d",), "Half down", "half a page down"),
    )
    return (
        *(
            Action(f"move.{name}", keys, label, say, places(name), group=Group.MOVE)
            for name, keys, label, say in rows
        ),
        Action(
            "move.up",
            ("up",),
            "Up",
            "one line up; k too where nothing is to be decided",
            ("replay",),
            group=Group.MOVE,
        ),
    )


EVERYWHERE = (
    *(
        Action(f"screen.{name}", (key,), title, f"the {title} screen", ANY, group=Group.EVERYWHERE)
        for name, key, title in SCREENS
    ),
    Action(
        "help",
        ("question_mark", "f1"),
        "Help",
        "keys and filters for this screen; again closes it",
        ANY,
        rank=90,
        group=Group.EVERYWHERE,
    ),
    Action(
        "prompt",
        ("colon",),
        "Command",
        "command prompt with completion and history",
        ANY,
        rank=95,
        group=Group.EVERYWHERE,
    ),
    Action(
        "urgent",
        ("exclamation_mark",),
        "Most urgent",
        "to the most urgent hold",
        ANY,
        group=Group.EVERYWHERE,
    ),
    Action(
        "why",
        ("H",),
        "Hangs?",
        "why it hangs: who owes whom an answer, and what stands in the way",
        BOTH,
        group=Group.EVERYWHERE,
    ),
    Action(
        "servers",
        ("ctrl+o",),
        "Servers",
        "the servers behind running proxies, how each does; restart one behind its clients",
        BOTH,
        group=Group.EVERYWHERE,
    ),
    Action(
        "palette",
        ("ctrl+p",),
        "Palette",
        "find an action, tool or recording by a few letters",
        ANY,
        group=Group.EVERYWHERE,
    ),
    Action(
        "back",
        ("escape", "q"),
        "Back",
        "back; at the root Esc does nothing and q asks to quit",
        ANY,
        rank=98,
        group=Group.EVERYWHERE,
    ),
    Action(
        "quit", ("Q", "ctrl+q"), "Quit", "quit the UI; proxies go on", ANY, rank=99, group=Group.EVERYWHERE
    ),
    Action("interrupt", ("ctrl+c",), "Interrupt", "says how to quit", ANY, group=Group.EVERYWHERE),
    Action(
        "undo",
        ("u",),
        "Undo",
        "undo the last note, mark, name, breakpoint, fault, hiding or change of a rule",
        ("traffic", "detail", "recordings", "holds", "tools", "tool", "rules"),
        group=Group.EVERYWHERE,
    ),
    Action(
        "redo",
        ("ctrl+r",),
        "Redo",
        "redo what was undone",
        ("traffic", "detail", "recordings", "holds", "tools", "tool", "rules"),
        group=Group.EVERYWHERE,
    ),
    Action("suspend", ("ctrl+z",), "Suspend", "suspend the UI; traffic goes on", ANY, group=Group.EVERYWHERE),
    Action("redraw", ("ctrl+l",), "Redraw", "paint the screen anew", ANY, group=Group.EVERYWHERE),
)
