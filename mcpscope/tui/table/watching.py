"""Actions that look: lists of traffic, values, recordings, replays, findings."""

from __future__ import annotations

from mcpscope.tui.action import Action, Group
from mcpscope.tui.places import LISTS, SORTED, TABBED, TABLES, VIEWERS

TRAFFIC = (
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

VIEWER = (
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
        "reveal",
        ("U",),
        "Reveal",
        "show what is masked here, or mask it again; the Log tells who did",
        ("traffic", "detail", "text"),
    ),
    Action(
        "open-outside", ("o",), "View", "open an image, sound or blob with the system's viewer", ("detail",)
    ),
    Action("pager", ("E",), "Pager", "open the whole body in $PAGER", ("detail", "text")),
    Action("exchange.next", ("J",), "Next row", "next exchange", ("detail",), group=Group.MOVE),
    Action("exchange.previous", ("K",), "Row above", "previous exchange", ("detail",), group=Group.MOVE),
)

RECORDINGS = (
    Action(
        "name", ("N",), "Name", "name the recording; a named one is never pruned", ("recordings",), rank=30
    ),
    Action("delete", ("D",), "Delete", "delete the recording (asks)", ("recordings",), rank=85),
)

REPLAY = (
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
    Action(
        "review.skip",
        ("k",),
        "Skip",
        "decide it later; one line up where nothing is to be decided",
        ("replay",),
        rank=17,
    ),
    Action("review.accept-all", ("A",), "Accept all", "accept all that is left (asks)", ("replay",), rank=25),
    Action(
        "review.keep-all",
        ("R",),
        "Keep all",
        "keep what was recorded of all that is left (asks)",
        ("replay",),
        rank=26,
    ),
    Action(
        "review.skip-all", ("K",), "Skip all", "decide all that is left later (asks)", ("replay",), rank=27
    ),
)

FINDINGS = (
    Action("finding.open", ("enter",), "Open", "open the exchange it was found in", ("findings",), rank=10),
    Action("finding.show", ("v",), "In Traffic", "show its exchange in Traffic", ("findings",), rank=15),
    Action("stats.show", ("enter",), "In Traffic", "its calls, in Traffic", ("stats",), rank=10),
)
