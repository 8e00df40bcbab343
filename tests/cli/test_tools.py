"""``tools`` and ``--hide`` with a running proxy: hidden live, refused, announced, noted, and back again."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.program import Program, until
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(120)


def said(program: Program, *args: str, code: int = 0):
    done = program.run("--json", *args)
    assert done.returncode == code, done
    return json.loads(done.stdout)["data"] if code == 0 else json.loads(done.stderr)["error"]


def offered(program: Program) -> list[dict[str, Any]]:
    """What ``tools list`` says; nothing before the first is recorded."""
    done = program.run("--json", "tools", "list")
    return json.loads(done.stdout)["data"] if done.returncode == 0 else []


def names(wire: Steered, id: int) -> list[str]:
    wire.says({"jsonrpc": "2.0", "id": id, "method": "tools/list"})
    answer = wire.hears()
    assert answer["id"] == id
    return [tool["name"] for tool in answer["result"]["tools"]]


def test_a_tool_is_hidden_live_refused_announced_and_back(program: Program) -> None:
    wire = Steered(program)
    wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
    before = names(wire, 1)
    assert "echo" in before
    wire.entry()
    assert said(program, "tools", "hide", "echo", "--kind", "tool")["hide"] == ["tool:echo"]
    assert wire.hears() == {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    assert names(wire, 2) == [name for name in before if name != "echo"]
    wire.says(call(3))
    assert wire.hears()["error"] == {"code": -32602, "message": "Unknown tool: echo"}
    assert wire.reached_calls() == []
    listed = until(lambda: offered(program))
    assert {row["name"]: row["hidden_by"] for row in listed}["echo"] == "echo"
    assert said(program, "tools", "show", "echo")["definition"]["name"] == "echo"
    assert said(program, "tools", "unhide", "tool:echo")["hide"] == []
    assert wire.hears()["method"] == "notifications/tools/list_changed"
    assert names(wire, 4) == before
    wire.says(call(5))
    assert wire.hears()["id"] == 5
    assert wire.closes() == 0
    notes = until(lambda: wire.rows("SELECT text FROM notes WHERE kind = 'visibility' ORDER BY id"))
    texts = [text if isinstance(text, str) else text.decode() for (text,) in notes]
    assert any("list_changed was sent" in text for text in texts)
    assert sum("asked for its tools again after" in text for text in texts) == 2
    rows = wire.rows("SELECT status, flags FROM exchanges WHERE tool = 'echo' ORDER BY id")
    assert rows[0][0] == "denied"


def test_hidden_at_the_start_it_is_never_seen(program: Program) -> None:
    wire = Steered(program, "--hide", "ec*")
    wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert "echo" not in names(wire, 1)
    wire.says(call(2))
    assert wire.hears()["error"]["message"] == "Unknown tool: echo"
    assert wire.closes() == 0


def test_breakpoints_on_tools_are_made_and_forgotten(program: Program) -> None:
    wire = Steered(program)
    wire.entry()
    assert said(program, "tools", "break", "echo", "--on", "response", "--once")["on"] == "answer"
    assert said(program, "tools", "unbreak", "echo")["removed"]
    assert said(program, "tools", "unbreak", "echo", code=7)["code"] == "no_rule"
    assert wire.closes() == 0


PULLER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    words = open(sys.argv[1]).read()
    found = {"tools": [{"name": "pay", "description": words, "inputSchema": {"type": "object"}}]}
    if message["method"] == "initialize":
        info = {"name": "p", "version": "1"}
        found = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    if message["method"] == "tools/call":
        found = {"content": [{"type": "text", "text": "paid"}]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": found}), flush=True)
"""


class Pulling(Steered):
    """A proxy in front of a server whose one tool says of itself what a file says."""

    def __init__(self, program: Program, *options: str, words: str = "Pay a bill") -> None:
        self.program = program
        self.words = program.folder / "words"
        self.words.write_text(words)
        self.process = program.popen(*options, "--", sys.executable, "-c", PULLER, str(self.words))
        self._pending = b""
        info = {"name": "tester", "version": "1"}
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
        self.says({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
        assert self.hears()["id"] == "init"
        self.says({"jsonrpc": "2.0", "method": "notifications/initialized"})


def test_a_rug_pull_is_hidden_until_it_is_accepted_and_that_lasts(program: Program) -> None:
    wire = Pulling(program, "--on-drift", "hide", "--label", "bills")
    assert names(wire, 1) == ["pay"]
    wire.words.write_text("Pay a bill\U000e0041")
    assert names(wire, 2) == []
    wire.says(call(3, "pay"))
    assert wire.hears()["error"]["message"] == "Unknown tool: pay"
    until(lambda: wire.rows("SELECT 1 FROM definitions WHERE name = 'pay' LIMIT 1 OFFSET 1"))
    seen = program.run("tools", "diff").stdout.decode()
    assert "description (dangerous, with hidden characters)" in seen
    assert '+ "Pay a bill\\udb40\\udc41"' in seen
    assert program.run("tools", "diff", "--exit-code").returncode == 1
    found = said(program, "tools", "diff")["drifted"]
    assert [(one["path"], one["danger"]) for one in found["pay"]] == [("description", "dangerous")]
    assert said(program, "tools", "accept", "pay")["accepted"] == ["pay"]
    assert wire.hears()["method"] == "notifications/tools/list_changed"
    assert names(wire, 4) == ["pay"]
    assert wire.closes() == 0
    again = Pulling(program, "--on-drift", "hide", "--label", "bills")
    assert names(again, 1) == []
    again.words.write_text("Pay a bill\U000e0041")
    assert names(again, 2) == ["pay"]
    assert again.closes() == 0


def drift(wire: Steered) -> list[str]:
    """What the recording says of changed tools."""
    found = wire.rows("SELECT text FROM notes WHERE kind = 'drift' ORDER BY id")
    return [text if isinstance(text, str) else text.decode() for (text,) in found]


@pytest.mark.parametrize("on_drift", ["hide", "hold"])
def test_a_rug_pull_between_two_sessions_waits_for_a_person_though_nobody_had_accepted_anything(
    program: Program, on_drift: str
) -> None:
    first = Pulling(program, "--label", "bills")
    assert names(first, 1) == ["pay"]
    assert first.closes() == 0
    until(lambda: first.rows("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    for _ in range(2):  # that it has been seen once does not make it accepted
        again = Pulling(program, "--on-drift", on_drift, "--label", "bills", words="Pay two bills")
        assert names(again, 1) == ([] if on_drift == "hide" else ["pay"])
        again.says(call(2, "pay"))
        assert on_drift == "hold" or again.hears()["error"]["message"] == "Unknown tool: pay"
        if on_drift == "hold":
            assert again.is_silent()
        assert again.closes() == 0
    wanted = "the tool pay is not as it was accepted: description (dangerous)"
    assert until(lambda: len(found := drift(first)) == 2 and found) == [wanted, wanted]


def test_without_any_rule_the_recording_says_what_changed(program: Program) -> None:
    wire = Pulling(program, "--label", "bills")
    assert names(wire, 1) == names(wire, 2) == ["pay"]
    wire.words.write_text("Pay two bills")
    assert names(wire, 3) == ["pay"]
    assert wire.closes() == 0
    changed = "the tool pay is not as it was listed before: description (dangerous)"
    assert until(lambda: drift(wire)) == [changed]
    flags = wire.rows("SELECT flags FROM exchanges WHERE method = 'tools/list' ORDER BY id")
    assert ["drift" in (words or "").split() for (words,) in flags] == [False, False, True]
    until(lambda: wire.rows("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    assert said(program, "tools", "list")[0]["changed"] is True
    assert said(program, "tools", "accept")["accepted"] == ["pay"]
    assert said(program, "tools", "diff")["drifted"] == {}
    again = Pulling(program, "--label", "bills", words="Pay three bills")
    assert names(again, 1) == ["pay"]
    assert again.closes() == 0
    until(lambda: drift(wire) == [changed, changed.replace("listed before", "accepted")])


def test_a_name_is_given_once(program: Program) -> None:
    for wrong, way, text in (
        (("--rename", "a=c", "--rename", "b=c"), ("--", "true"), "gives a and b the same name, c"),
        (("--rename", "a=b", "--rename", "a=c"), ("--stdio", "http://127.0.0.1:1/mcp"), "names a twice"),
        (("--rename", "a="), ("--port", "0", "--", "true"), "takes NAME=TEXT"),
    ):
        done = program.run("proxy", *wrong, *way)
        assert (done.returncode, text in done.stderr.decode()) == (2, True), done
    wire = Steered(program)
    wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
    first, second = names(wire, 1)[:2]
    wire.entry()
    until(lambda: offered(program))
    taken = said(program, "tools", "rename", first, second, code=7)
    assert (taken["code"], "of its own" in taken["message"]) == ("name_taken", True)
    assert said(program, "tools", "rename", first, "x")["rename"] == {first: "x"}
    assert said(program, "tools", "rename", second, "x", code=7)["code"] == "name_taken"
    assert said(program, "tools", "hide", f"tool:{second}")
    assert said(program, "tools", "rename", first, second)["rename"] == {first: second}
    assert wire.closes() == 0


def test_the_list_tells_what_became_of_a_change_and_where_a_hidden_name_still_stands(
    program: Program,
) -> None:
    wire = Pulling(program, "--label", "bills")
    assert names(wire, 1) == ["pay"]
    wire.entry()
    said(program, "tools", "hide", "tool:pay")
    assert wire.hears()["method"] == "notifications/tools/list_changed"
    assert names(wire, 2) == []
    until(lambda: wire.rows("SELECT 1 FROM notes WHERE CAST(text AS TEXT) LIKE '%tools again%'"))
    shown = program.run("tools", "list").stderr.decode()
    assert "the client asked for its tools again after" in shown
    assert wire.closes() == 0


def test_a_policy_that_comes_to_hide_more_is_announced_with_nobody_there(program: Program) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text("version: 1\nhide: []\n")
    wire = Steered(program, "--policy", str(policy))
    wire.says({"jsonrpc": "2.0", "method": "notifications/initialized"})
    before = names(wire, 1)
    policy.write_text('version: 1\nhide: ["tool:echo"]\n')
    assert wire.hears()["method"] == "notifications/tools/list_changed"
    assert names(wire, 2) == [name for name in before if name != "echo"]
    assert wire.closes() == 0
