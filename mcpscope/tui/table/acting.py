"""Actions that change something: holds, tools, rules, calls of one's own, clients' files."""

from __future__ import annotations

from mcpscope.tui.action import Action
from mcpscope.tui.places import BREAKS, HELD

HOLDS = (
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
    Action(
        "hold.editor",
        ("E", "f4"),
        "$EDITOR",
        "edit it in $EDITOR; the traffic flows on",
        ("holds", "traffic"),  # in the detail the key opens the pager; the editor has a key for $EDITOR
        rank=16,
    ),
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

TOOLS = (
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

EDITOR = (
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

APPROVAL = (
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

RULES = (
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

COMPOSER = (
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

WRAP = (
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

FIRST = (
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
