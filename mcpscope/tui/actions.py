"""Every action of the UI, one row each: keys, key bars, help, palette, prompt and README are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Group(Enum):
    """Under which title of the help an action stands."""

    DO = "Do"
    MOVE = "Move"
    EVERYWHERE = "Everywhere"


@dataclass(frozen=True, slots=True)
class Action:
    """One action. ``keys`` are Textual key names; the first is the one shown.

    ``rank`` orders the key bar (0: not in it); ``places`` are the screens that have it;
    ``say`` is its sentence in help, palette and README.
    """

    id: str
    keys: tuple[str, ...]
    label: str
    say: str
    places: tuple[str, ...]
    rank: int = 0
    group: Group = Group.DO


SCREENS: tuple[tuple[str, str, str], ...] = (
    ("traffic", "1", "Traffic"),
    ("holds", "2", "Holds"),
    ("tools", "3", "Tools"),
    ("recordings", "4", "Recordings"),
    ("replay", "5", "Replay"),
    ("rules", "6", "Rules"),
    ("log", "7", "Log"),
    ("findings", "8", "Findings"),
    ("stats", "9", "Stats"),
)
"""Name, key and title of every screen that ``1…9`` reach; a screen that is not built yet says so."""

LISTS = ("traffic", "recordings", "log")
VIEWERS = ("detail", "text", "tool")
TABLES = ("findings", "stats")
BOTH = (*LISTS, *VIEWERS, "holds", "approval", "replay", "tools", "rules", *TABLES, "wrap")
HELD = ("holds", "traffic")
BREAKS = (*HELD, "tools")
ROOTS = ("traffic", "first")
SORTED = ("traffic", "recordings", "tools", *TABLES)
TABBED = ("traffic", "detail", "replay", "tools", "tool", "rules", "stats")
SENTENCES = {
    "traffic": "One row is one exchange: a request with its answer and everything that belongs to it.",
    "detail": "One exchange: what was asked, what was answered, and what lies between.",
    "text": "One long value, whole.",
    "recordings": "Every session that was recorded; the newest first.",
    "replay": "A recording said again: what its answers were, what they are now, and what is right.",
    "log": "Decisions and events in the order of time.",
    "tools": "What servers offer, who may see it, how it was used, and what changed in it.",
    "tool": "One tool, prompt or resource: its schemas, its definition, what changed, its uses.",
    "holds": "What is held, the most urgent first; only that message waits, all others pass.",
    "editor": "A held message, changed before it leaves; Esc leaves it held and keeps the draft.",
    "approval": "A call that a policy asks about: all of it, before it may pass; Esc leaves it held.",
    "rules": "What a proxy obeys, in order; what is changed here is in force at once.",
    "rule": "One rule as a policy file spells it; Esc leaves without a change.",
    "composer": "A request of your own: filled in, checked against the schema, sent, and what came of it.",
    "first": "Nothing is connected yet.",
    "findings": "What client and server do that the specification forbids, or that others choke on.",
    "stats": "How often, how fast, how large, when; and what was never called.",
    "wrap": "Servers in the configurations of clients here, and whether mcpscope stands before them.",
}
"""What each place is for; the first line of its help."""


def _moves() -> tuple[Action, ...]:
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
    return tuple(
        Action(f"move.{name}", keys, label, say, BOTH, group=Group.MOVE) for name, keys, label, say in rows
    )


_TRAFFIC = (
    Action(
        "open",
        ("enter",),
        "Open",
        "open the exchange under the cursor",
        ("traffic", "recordings", "log", "tool"),
        rank=10,
    ),
    Action(
        "filter",
        ("slash",),
        "Filter",
        "filter the list; the line below tells what is wrong with it",
        (*LISTS, "tools", *TABLES),
        rank=20,
    ),
    Action(
        "filter-value", ("f",), "Filter by", "filter by the value under the cursor", ("traffic",), rank=45
    ),
    Action(
        "follow", ("F",), "Follow", "follow the newest row, or stop following", ("traffic", "log"), rank=70
    ),
    Action(
        "pause", ("p",), "Pause", "freeze or thaw the display; the traffic flows on", ("traffic",), rank=40
    ),
    Action(
        "problem.previous",
        ("left_curly_bracket",),
        "Prev problem",
        "to the previous problem",
        ("traffic", "replay"),
        group=Group.MOVE,
    ),
    Action(
        "problem.next",
        ("right_curly_bracket",),
        "Problem",
        "to the next problem (error, malformed, late, lost)",
        ("traffic", "replay"),
        rank=60,
        group=Group.MOVE,
    ),
    Action("frames", ("t",), "Frames", "frames in wire order, or exchanges", ("traffic",), rank=55),
    Action("mark", ("space",), "Mark", "mark the row; d compares a marked row with this one", ("traffic",)),
    Action("mark.note", ("m",), "Mark+note", "mark the row with a note", ("traffic",)),
    Action(
        "mark.jump", ("apostrophe",), "Jump mark", "to the next marked row", ("traffic",), group=Group.MOVE
    ),
    Action(
        "note",
        ("semicolon",),
        "Note",
        "write a note on this exchange or recording",
        ("traffic", "recordings"),
    ),
    Action(
        "sort",
        ("o",),
        "Sort",
        "sort by another column; anything but time stops following",
        SORTED,
    ),
    Action("sort.reverse", ("O",), "Reverse", "turn the order around", SORTED),
    Action(
        "diff",
        ("d",),
        "Diff",
        "received and sent, or the marked row and this one",
        ("traffic", "detail"),
        rank=65,
    ),
    Action(
        "copy",
        ("y",),
        "Copy",
        "copy menu: JSON, arguments, result, curl, Python, pytest and more",
        ("traffic", "detail"),
        rank=30,
    ),
    Action(
        "export",
        ("x",),
        "Export",
        "export the list, or this recording, to a file",
        ("traffic", "recordings"),
        rank=80,
    ),
    Action(
        "save", ("w",), "Save", "save this value or body to a file", ("traffic", "detail", "text"), rank=50
    ),
    Action("layout", ("minus",), "Layout", "list alone, or list with detail", ("traffic", "detail")),
    Action(
        "zoom", ("plus", "backslash"), "Zoom", "the pane in focus alone, or all panes", ("traffic", "detail")
    ),
    Action("pane.next", ("tab",), "Pane", "next pane", ("traffic", "detail"), rank=58, group=Group.MOVE),
    Action(
        "pane.previous", ("shift+tab",), "Pane back", "previous pane", ("traffic", "detail"), group=Group.MOVE
    ),
)

_VIEWER = (
    Action(
        "tab.previous",
        ("left_square_bracket",),
        "Tab back",
        "previous tab, or proxy",
        TABBED,
        group=Group.MOVE,
    ),
    Action(
        "tab.next",
        ("right_square_bracket",),
        "Tabs",
        "next tab, or proxy",
        TABBED,
        rank=35,
        group=Group.MOVE,
    ),
    Action(
        "open-value",
        ("enter",),
        "Open",
        "open a long value, fold or unfold, load the rest",
        ("detail",),
        rank=32,
    ),
    Action(
        "fold",
        ("h", "left"),
        "Fold",
        "fold, or to the pane on the left",
        ("traffic", "detail"),
        group=Group.MOVE,
    ),
    Action(
        "unfold",
        ("l", "right"),
        "Unfold",
        "unfold, or to the pane on the right",
        ("traffic", "detail"),
        group=Group.MOVE,
    ),
    Action("search", ("slash",), "Search", "search in this view", VIEWERS, rank=20),
    Action("search.next", ("n",), "Next", "next hit", (*VIEWERS,), rank=22, group=Group.MOVE),
    Action("search.previous", ("N",), "Previous", "previous hit", (*VIEWERS,), group=Group.MOVE),
    Action("filter-value", ("f",), "Filter by", "filter the list by the value under the cursor", ("detail",)),
    Action("wrap", ("W",), "Wrap", "wrap long lines or cut them", ("traffic", *VIEWERS)),
    Action("offsets", ("number_sign",), "Offsets", "byte offset of each line", ("traffic", *VIEWERS)),
    Action(
        "open-outside", ("o",), "View", "open an image, sound or blob with the system's viewer", ("detail",)
    ),
    Action("pager", ("E",), "Pager", "open the whole body in $PAGER", ("detail", "text")),
    Action("exchange.next", ("J",), "Next row", "next exchange", ("detail",), group=Group.MOVE),
    Action("exchange.previous", ("K",), "Row above", "previous exchange", ("detail",), group=Group.MOVE),
)

_RECORDINGS = (
    Action(
        "name", ("N",), "Name", "name the recording; a named one is never pruned", ("recordings",), rank=30
    ),
    Action("delete", ("D",), "Delete", "delete the recording (asks)", ("recordings",), rank=85),
)

_REPLAY = (
    Action(
        "replay.run",
        ("R",),
        "Replay",
        "replay this recording; what would run is shown first",
        ("recordings",),
        rank=20,
    ),
    Action(
        "replay.one",
        ("r",),
        "Replay",
        "send this request again to a fresh server and compare the answers",
        ("traffic", "detail"),
        rank=42,
    ),
    Action("review.accept", ("a",), "Accept", "accept what the upstream says now", ("replay",), rank=10),
    Action(
        "review.keep", ("r",), "Keep old", "keep what was recorded; it stays failing", ("replay",), rank=15
    ),
    Action("review.mask", ("m",), "Mask", "ignore this place from now on", ("replay",), rank=20),
    Action("review.accept-all", ("A",), "Accept all", "accept all that is left (asks)", ("replay",), rank=25),
)

_HOLDS = (
    Action("hold.continue", ("a", "c", "f5"), "Continue", "let it go as it stands", HELD, rank=11),
    Action(
        "hold.step",
        ("s", "f10"),
        "Step",
        "let it go and stop at the response of this exchange",
        HELD,
        rank=13,
    ),
    Action(
        "hold.step-any", ("S",), "Step any", "let it go and stop at the next message of the session", HELD
    ),
    Action("hold.edit", ("e",), "Edit", "edit it here, with its schema beside it", HELD, rank=12),
    Action("hold.editor", ("E", "f4"), "$EDITOR", "edit it in $EDITOR; the traffic flows on", HELD, rank=16),
    Action(
        "hold.answer", ("M",), "Mock", "answer in the server's place: last good, by hand, file", HELD, rank=14
    ),
    Action("hold.drop", ("X",), "Drop", "drop it with an error (asks which)", HELD, rank=15),
    Action("hold.all", ("A",), "All", "continue all that are held (asks)", HELD, rank=17),
    Action("hold.revert", ("V",), "Revert", "throw the draft away: as it was received", HELD, rank=18),
    Action("hold.timeout", ("t",), "Set time", "decide within another time", ("holds",), rank=46),
    Action(
        "hold.keep-alive", ("T",), "Keep-alive", "send the client progress every 10 s", ("holds",), rank=47
    ),
    Action("break", ("b",), "Break", "hold the calls of this tool, or no longer", BREAKS, rank=25),
    Action("break.edit", ("B",), "Break if", "a breakpoint with a condition, on answers, once", BREAKS),
    Action("intercept", ("i",), "Intercept", "hold everything that a filter matches", BREAKS),
    Action(
        "intercept.toggle", ("I",), "Intercept on/off", "switch it off and on, and keep the filter", BREAKS
    ),
)

_TOOLS = (
    Action(
        "tool.visible",
        ("space",),
        "Hide/show",
        "hide it from clients, or show it again; all that are marked",
        ("tools", "tool"),
        rank=10,
    ),
    Action("tool.open", ("enter",), "Schema", "schemas, definition, changes and uses", ("tools",), rank=30),
    Action(
        "tool.diff",
        ("d",),
        "Diff",
        "what changed since it was accepted, or first seen",
        ("tools", "tool"),
        rank=40,
    ),
    Action("tool.accept", ("a",), "Accept", "accept it as it is now", ("tools", "tool"), rank=41),
    Action("tool.fault", ("t",), "Fault", "make trouble for it, or clear that", ("tools", "tool"), rank=50),
    Action("tool.mark", ("m",), "Mark", "mark it: keys act on all that are marked", ("tools",), rank=60),
    Action("tool.calls", ("c",), "Calls", "its uses, in Traffic", ("tools", "tool"), rank=45),
)

_EDITOR = (
    Action("edit.send", ("ctrl+s",), "Send edited", "send it as it stands here", ("editor",), rank=10),
    Action(
        "edit.anyway", ("ctrl+g",), "Send anyway", "send it whatever the schema says", ("editor",), rank=20
    ),
    Action("edit.revert", ("ctrl+r",), "Revert", "back to what was received", ("editor",), rank=30),
    Action("edit.diff", ("ctrl+d",), "Diff", "received and this, or the schema", ("editor",), rank=50),
    Action("edit.editor", ("ctrl+e", "f4"), "$EDITOR", "go on in $EDITOR", ("editor",), rank=40),
    Action("edit.problem", ("f8",), "Next problem", "to the next thing that is wrong", ("editor",), rank=35),
    Action("edit.part", ("tab",), "Whole", "the whole message, or the usual part", ("editor",), rank=60),
    Action("edit.leave", ("escape",), "Leave", "leave it held, the draft is kept", ("editor",), rank=15),
)

_APPROVAL = (
    Action("approve.once", ("Y",), "Approve", "let exactly this call pass, once", ("approval",), rank=10),
    Action(
        "approve.again",
        ("Z",),
        "Approve for session",
        "let it pass, and the same arguments without asking in this session",
        ("approval",),
        rank=30,
    ),
    Action("approve.deny", ("X",), "Deny", "refuse it and say why", ("approval",), rank=20),
)

_RULES = (
    Action("rule.toggle", ("space",), "On/off", "switch the rule on or off", ("rules",), rank=10),
    Action("rule.new", ("n",), "New", "write a new rule", ("rules",), rank=12),
    Action("rule.edit", ("e",), "Edit", "edit the rule", ("rules",), rank=14),
    Action(
        "rule.save",
        ("ctrl+s",),
        "Save",
        "save what was made live into the policy file, its comments kept",
        ("rules",),
        rank=16,
    ),
    Action("rule.down", ("J",), "Down", "put the rule behind the next one", ("rules",), rank=20),
    Action("rule.up", ("K",), "Up", "put the rule before the one above", ("rules",), rank=21),
    Action(
        "rule.matches", ("v",), "Matches", "show in Traffic what it would have matched", ("rules",), rank=18
    ),
    Action("rule.delete", ("D",), "Delete", "delete the rule (asks)", ("rules",), rank=30),
    Action("rule.diff", ("d",), "Diff", "what saving would change in the policy file", ("rules",), rank=25),
    Action(
        "rule.always",
        ("L",),
        "Rule",
        "make a rule of the row, or of the decision just made",
        HELD,
        rank=44,
    ),
    Action("rule.use", ("ctrl+s",), "Put in force", "put the rule into force", ("rule",), rank=10),
    Action("rule.editor", ("ctrl+e", "f4"), "$EDITOR", "go on in $EDITOR", ("rule",), rank=20),
    Action("rule.leave", ("escape",), "Leave", "leave without a change", ("rule",), rank=15),
)

_COMPOSER = (
    Action(
        "compose.new", ("n",), "New call", "write a request from the schema and send it", ("tools", "traffic")
    ),
    Action(
        "compose.again",
        ("R",),
        "Edit and resend",
        "write this request anew, with its arguments, and send it",
        ("traffic", "detail"),
    ),
    Action("compose.send", ("ctrl+s",), "Send", "send it and wait for the answer", ("composer",), rank=10),
    Action(
        "compose.anyway",
        ("ctrl+g",),
        "Send anyway",
        "send it whatever the schema says",
        ("composer",),
        rank=30,
    ),
    Action(
        "compose.flip", ("tab",), "Form/JSON", "from the form to the JSON and back", ("composer",), rank=20
    ),
    Action("compose.seat", ("ctrl+t",), "From", "send it from elsewhere", ("composer",), rank=40),
    Action("compose.revert", ("ctrl+r",), "Revert", "as it began", ("composer",), rank=50),
    Action("compose.editor", ("ctrl+e", "f4"), "$EDITOR", "go on in $EDITOR", ("composer",), rank=45),
    Action(
        "compose.diff",
        ("ctrl+d",),
        "Diff",
        "the answer before and this one, or the answer",
        ("composer",),
        rank=60,
    ),
    Action("compose.down", ("pagedown",), "Answer down", "further down in the answer", ("composer",)),
    Action("compose.up", ("pageup",), "Answer up", "further up in the answer", ("composer",)),
    Action("compose.leave", ("escape",), "Leave", "leave; what is written is kept", ("composer",), rank=15),
)

_FINDINGS = (
    Action("finding.open", ("enter",), "Open", "open the exchange it was found in", ("findings",), rank=10),
    Action("finding.show", ("v",), "In Traffic", "show its exchange in Traffic", ("findings",), rank=15),
    Action("stats.show", ("enter",), "In Traffic", "its calls, in Traffic", ("stats",), rank=10),
)

_WRAP = (
    Action(
        "wrap.toggle",
        ("enter", "w"),
        "Wrap/unwrap",
        "what would change is shown, then y writes it",
        ("wrap",),
        rank=10,
    ),
    Action(
        "wrap.all",
        ("A",),
        "Wrap all",
        "every server that can be; what would change is shown first",
        ("wrap",),
        rank=20,
    ),
)

_FIRST = (
    Action("demo", ("d",), "Demo", "start the demo", ("first",), rank=10),
    Action(
        "wrap-server",
        ("w",),
        "Wrap a server",
        "put mcpscope in front of a server that a client uses",
        ("first",),
        rank=20,
    ),
    Action("recordings", ("o",), "Open a recording", "the recordings", ("first",), rank=30),
)

ANY = (*BOTH, "first")
_EVERYWHERE = (
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
        ("traffic", "recordings", "holds", "tools", "tool", "rules"),
        group=Group.EVERYWHERE,
    ),
    Action(
        "redo",
        ("ctrl+r",),
        "Redo",
        "redo what was undone",
        ("traffic", "recordings", "holds", "tools", "tool", "rules"),
        group=Group.EVERYWHERE,
    ),
    Action("suspend", ("ctrl+z",), "Suspend", "suspend the UI; traffic goes on", ANY, group=Group.EVERYWHERE),
    Action("redraw", ("ctrl+l",), "Redraw", "paint the screen anew", ANY, group=Group.EVERYWHERE),
)

ACTIONS: tuple[Action, ...] = (
    *_TRAFFIC,
    *_HOLDS,
    *_TOOLS,
    *_EDITOR,
    *_APPROVAL,
    *_RULES,
    *_COMPOSER,
    *_VIEWER,
    *_RECORDINGS,
    *_REPLAY,
    *_FINDINGS,
    *_WRAP,
    *_FIRST,
    *_moves(),
    *_EVERYWHERE,
)

_SHOWN = {
    "slash": "/",
    "question_mark": "?",
    "colon": ":",
    "semicolon": ";",
    "apostrophe": "'",
    "minus": "-",
    "plus": "+",
    "backslash": "\\",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "number_sign": "#",
    "exclamation_mark": "!",
    "enter": "Enter",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_name(key: str) -> str:
    """A key as people write it: ``/``, ``^f``, ``Esc``."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    if key[:1] == "f" and key[1:].isdecimal():
        return key.upper()
    return _SHOWN.get(key, key)


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
