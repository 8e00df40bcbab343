"""Where actions are: the screens that ``1…9`` reach, what lies over them, and what each is for."""

from __future__ import annotations

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
"""Name, key and title of every screen that ``1…9`` reach; one that a version lacks says so."""

LISTS = ("traffic", "recordings", "log")
VIEWERS = ("detail", "text", "tool")
TABLES = ("findings", "stats")
BOTH = (*LISTS, *VIEWERS, "holds", "approval", "replay", "tools", "rules", *TABLES, "wrap")
HELD = ("holds", "traffic", "detail")
BREAKS = (*HELD, "tools")
ROOTS = ("traffic", "first")
SORTED = ("traffic", "recordings", "tools", *TABLES)
TABBED = ("traffic", "detail", "replay", "tools", "tool", "rules", "stats")
ANY = (*BOTH, "first")
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
