"""Holding on a running proxy: real processes, a raw client, somebody at the control socket."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mcpscope.control.registry import running
from mcpscope.errors import ScopeError
from tests.program import Program, until
from tests.session.steered import Steered, call, held

pytestmark = pytest.mark.timeout(90)

OUTCOMES = "SELECT outcome, actor, bytes FROM outcomes ORDER BY id"
ODD = b'{ "id":7,"method":"tools/call" , "jsonrpc":"2.0","params":{"name":"\\u0065cho","arguments":{"n":10}}}'


def test_an_unedited_continue_forwards_identical_bytes(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial() as control:
        wire.says(ODD)
        (hold,) = held(control)
        assert ODD not in wire.reached()
        assert control.call("scope/holds/get", id=hold["id"])["received"]["text"].encode() == ODD
        control.call("scope/holds/continue", id=hold["id"], digest=hold["digest"])
        assert wire.hears()["id"] == 7
        assert ODD in wire.reached()
    assert wire.closes() == 0
    assert until(lambda: wire.rows(OUTCOMES)) == [("held", "rule", None), ("forwarded", "tester", None)]


def test_an_edited_call_reaches_the_server_and_the_recording_holds_both(program: Program) -> None:
    wire = Steered(program)
    with wire.dial() as control:
        control.call("scope/breakpoints/add", filter="tool:echo", on="both")
        wire.says(ODD)
        (hold,) = held(control)
        control.call("scope/holds/edit", id=hold["id"], set={"args.n": 2**70})
        (answer,) = held(control)
        assert answer["phase"] == "answer"
        control.call("scope/holds/edit", id=answer["id"], text='"edited"', part="/result/content/0/text")
        assert wire.hears()["result"]["content"][0]["text"] == "edited"
        assert ODD.replace(b'"n":10', b'"n":%d' % 2**70) in wire.reached()
    assert wire.closes() == 0
    rows = until(lambda: len(found := wire.rows(OUTCOMES)) == 4 and found)
    assert [row[:2] for row in rows] == [
        ("held", "rule"),
        ("edited", "tester"),
        ("held", "rule"),
        ("edited", "tester"),
    ]
    assert rows[1][2] == ODD.replace(b'"n":10', b'"n":%d' % 2**70)


def test_answer_and_drop_never_reach_the_server(program: Program) -> None:
    wire = Steered(program)
    with wire.dial() as control:
        wire.says(call(1, n=5))
        good = wire.hears()
        control.call("scope/breakpoints/add", filter="tool:echo")
        for id in (2, 3, 4):
            wire.says(call(id))
        two, three, four = held(control, 3)
        control.call("scope/holds/answer", id=two["id"], result={"content": []})
        assert wire.hears() == {"jsonrpc": "2.0", "id": 2, "result": {"content": []}}
        control.call("scope/holds/drop", id=three["id"], code=-5, text="no")
        assert wire.hears()["error"]["code"] == -5
        with pytest.raises(ScopeError, match="no good answer"):
            control.call("scope/holds/answer", id=four["id"], last_good=True)
        control.call("scope/breakpoints/remove", name="b1")
        control.call("scope/holds/continue", id=four["id"])
        assert wire.hears()["id"] == 4
        assert good["id"] == 1
        assert wire.reached_calls() == [1, 4]
    assert wire.closes() == 0


def test_while_one_call_is_held_all_others_pass(program: Program) -> None:
    wire = Steered(program, "--break", "tool:slow")
    with wire.dial() as control:
        wire.says(call(0, "slow"))
        (hold,) = held(control)
        for id in range(1, 101):
            wire.says(call(id, "echo", meta={"progressToken": id}))
            assert [wire.hears().get("method") for _ in range(3)][:2] == ["notifications/progress"] * 2
        wire.says({"jsonrpc": "2.0", "id": "p", "method": "ping"})
        assert wire.hears()["id"] == "p"
        wire.says({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 50}})
        until(lambda: b"notifications/cancelled" in wire.log.read_bytes())
        control.call("scope/holds/step", id=hold["id"])
        (answer,) = held(control)
        assert (answer["phase"], answer["kind"]) == ("answer", "step")
        control.call("scope/holds/continue", id=answer["id"])
        assert wire.hears()["id"] == 0
    assert wire.closes() == 0


def test_a_cancel_of_a_held_request_never_reaches_the_server(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial() as control:
        wire.says(call(1))
        (hold,) = held(control)
        began = time.monotonic()
        wire.says({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
        until(lambda: control.call("scope/holds/list")[0]["state"] == "gave-up", every=0.01)
        assert time.monotonic() - began < 5
        with pytest.raises(ScopeError, match="nobody waits"):
            control.call("scope/holds/continue", id=hold["id"])
        wire.says(call(2))
        second = held(control, 2)[1]
        assert second["clock_source"] == "learned"
        control.call("scope/holds/continue", id=hold["id"], confirmed=True)
        control.call("scope/holds/continue", id=second["id"])
        assert {wire.hears()["id"], wire.hears()["id"]} == {1, 2}
        assert b"cancelled" not in wire.log.read_bytes()
    assert wire.closes() == 0


def test_a_client_that_leaves_resolves_its_hold(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial() as control:
        wire.says(call(1))
        held(control)
        assert wire.closes() == 0
    assert wire.reached_calls() == []
    rows = until(lambda: len(found := wire.rows(OUTCOMES)) == 2 and found)
    assert rows[1][:2] == ("abandoned", "client")
    assert until(lambda: wire.rows("SELECT fate FROM messages WHERE method = 'tools/call'")) == [
        ("not forwarded",)
    ]


def test_a_notification_held_to_the_end_leaves_the_server_time_to_end_by_itself(program: Program) -> None:
    last_words = "import sys, time; sys.stdin.read(); time.sleep(0.1); sys.exit(3)"
    process = program.popen("--break", "method:notifications/held", "--", sys.executable, "-c", last_words)
    with until(lambda: running(Path(program.env["MCPSCOPE_RUNTIME_DIR"])))[0].dial("tester") as control:
        control.call("scope/subscribe")
        control.call("scope/inject", message={"method": "notifications/held"})
        held(control)
        process.communicate(timeout=30)
    assert process.returncode == 3


@pytest.mark.parametrize("edited", [False, True])
def test_a_kill_in_the_middle_of_a_hold_forwards_nothing(program: Program, edited: bool) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial() as control:
        wire.says(call(1))
        (hold,) = held(control)
        if edited:
            control.call("scope/holds/edit", id=hold["id"], set={"args.n": 1}, release=False)
        os.kill(wire.process.pid, signal.SIGKILL)
        wire.process.wait(10)
    sql = "SELECT fate, (SELECT end_reason FROM sessions) FROM messages WHERE method = 'tools/call'"
    assert until(lambda: [row for row in wire.rows(sql) if row[1]]) == [("not forwarded", "killed")]
    assert wire.reached_calls() == []


def test_two_deciders_make_one_decision_and_one_notice(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial("ui one") as one, wire.dial("ui two") as two:
        wire.says(call(1))
        (hold,) = held(one)
        one.call("scope/holds/continue", id=hold["id"])
        with pytest.raises(ScopeError, match="already forwarded by ui one"):
            two.call("scope/holds/drop", id=hold["id"])
        assert wire.hears()["id"] == 1
        released = []
        while (event := two.event(0.3)) is not None:
            released += [event["data"]] if event["event"] == "released" else []
        assert [(found["by"], found["outcome"]) for found in released] == [("ui one", "forwarded")]
    assert wire.closes() == 0


def test_breakpoints_pass_when_the_last_one_leaves_and_what_is_held_stays(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    wire.says(call(1))
    assert wire.hears()["id"] == 1
    with wire.dial() as control:
        wire.says(call(2))
        (hold,) = held(control)
    looking = wire.dial("looker", attach=False)
    until(lambda: looking.call("scope/status")["attached"] == [])
    wire.says(call(3))
    assert wire.hears()["id"] == 3
    looking.call("scope/holds/continue", id=hold["id"])
    assert wire.hears()["id"] == 2
    until(lambda: looking.call("scope/status")["sessions"][0]["lane"] == "fast")
    looking.close()
    assert wire.closes() == 0
    told = "SELECT CAST(text AS TEXT) FROM notes WHERE kind = 'breakpoints' ORDER BY id"
    nobody, there = (
        "tool:echo does not hold while nobody is attached",
        "tool:echo holds: somebody is attached",
    )
    assert [text for (text,) in wire.rows(told)] == [nobody, there, nobody]


@pytest.mark.parametrize(("mode", "answered"), [("error", True), ("wait", False)])
def test_detached_decides_what_a_breakpoint_does_with_nobody_there(
    program: Program, mode: str, answered: bool
) -> None:
    wire = Steered(program, "--break", "tool:echo", "--detached", mode)
    wire.says(call(1))
    if answered:
        assert "nobody is attached" in wire.hears()["error"]["message"]
    else:
        assert wire.is_silent()
    assert wire.reached_calls() == []
    assert wire.closes() == 0


def test_the_client_timeout_fires_and_the_client_hears_why(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo", "--client-timeout", "300ms", "--detached", "wait")
    wire.says(call(1))
    assert "error" in wire.hears()
    assert wire.reached_calls() == []
    assert wire.closes() == 0


def test_deny_is_in_force_from_the_first_byte_and_without_anybody(program: Program) -> None:
    wire = Steered(program, "--deny", "tool:echo args.n>5", initialize=False)
    wire.says(call(1, n=9))
    refused = wire.hears()
    assert (refused["id"], refused["result"]["isError"]) == (1, True)
    wire.says(call(2, n=3))
    assert wire.hears()["id"] == 2
    wire.says(call(3, n="a string"))
    assert wire.hears()["result"]["isError"] is True
    assert wire.reached_calls() == [2]
    assert wire.closes() == 0


def test_too_long_a_message_is_refused_and_the_next_one_passes(program: Program) -> None:
    wire = Steered(program, "--deny", "tool:nothing", "--max-message", "64K")
    wire.says(call(1, text="x" * 100_000))
    assert wire.hears()["id"] == 1
    wire.says(call(2))
    assert wire.hears()["id"] == 2
    assert wire.reached_calls() == [2]
    assert wire.closes() == 0


def test_a_wrong_filter_stops_the_start(program: Program) -> None:
    done = program.run("--break", "tol:echo", "--", "cat")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"no field named 'tol'" in done.stderr


def test_a_read_only_connection_may_look_and_holds_nothing(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial("looker", read_only=True) as control:
        wire.says(call(1))
        assert wire.hears()["id"] == 1
        with pytest.raises(ScopeError, match="only look"):
            control.call("scope/breakpoints/add", filter="tool:x")
        assert control.call("scope/status")["attached"] == []
    assert wire.closes() == 0


def test_an_injected_call_is_answered_to_the_one_who_asked(program: Program) -> None:
    wire = Steered(program)
    with wire.dial() as control:
        params = {"name": "echo", "arguments": {"n": 1}}
        asked = control.call("scope/inject", message={"method": "tools/call", "params": params})
        answer = until(lambda: _answered(control))
        assert answer["at"] == asked["at"]
        assert json.loads(answer["answer"])["id"] == asked["id"]
        wire.says(call(1))
        assert wire.hears()["id"] == 1
    assert wire.closes() == 0


def _answered(control):
    event = control.event(1)
    return event["data"] if event and event["event"] == "answered" else None


def test_an_answer_that_is_held_outlives_its_server(program: Program) -> None:
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"content": []}})
    script = f"read line; echo '{answer}'; exit 3"
    wire = Steered.__new__(Steered)
    wire.program, wire._pending = program, b""
    wire.process = program.popen("--break", "kind:response", "--detached", "wait", "--", "sh", "-c", script)
    wire.says(call(1))
    with wire.dial() as control:
        (hold,) = held(control)
        until(lambda: not _children(wire.process.pid))
        assert wire.is_silent()
        control.call("scope/holds/continue", id=hold["id"])
        assert wire.hears()["id"] == 1
    assert wire.process.wait(30) == 3


def _children(pid: int) -> list[str]:
    """The command lines of the shells that ``pid`` started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                line = (entry / "cmdline").read_text()
            except OSError:
                continue
            if parent == str(pid) and line.startswith("sh"):
                found.append(line)
    return found


def test_an_answer_asked_for_in_the_fast_lane_knows_its_tool(program: Program) -> None:
    """The gate takes up the recorder's checkpoint and the journal: the request was never seen in the gate."""
    wire = Steered(program, initialize=False)
    info = {"name": "tester", "version": "1"}
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}
    wire.says({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": params})
    wire.hears()
    wire.says({"jsonrpc": "2.0", "id": "list", "method": "tools/list"})
    wire.hears()
    with wire.dial() as control:
        control.call("scope/breakpoints/add", filter="tool:echo client:tester", on="request")
        wire.says(call(1, n="no integer"))
        (hold,) = held(control)
        assert hold["warnings"] == ['n: "no integer" is not of type "integer"']
        control.call("scope/holds/drop", id=hold["id"])
    assert wire.closes() == 0


def test_a_carriage_return_smuggles_nothing_past_a_deny_rule(program: Program) -> None:
    wire = Steered(program, "--deny", "tool:danger")
    inner = b'{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"danger"}}'
    wire.says(b'{"jsonrpc":"2.0","id":9,"method":"ping","params":\r' + inner + b"\r}")
    assert wire.hears()["id"] == 9
    assert b"\r" not in wire.log.read_bytes()
    twice = b'{"jsonrpc":"2.0","id":11,"method":"tools/call","params":{"name":"danger","name":"echo"}}'
    wire.says(twice)
    assert wire.hears()["error"]["code"] == 4032
    assert wire.reached_calls() == []
    assert wire.closes() == 0


def test_the_recording_says_what_became_of_each(program: Program) -> None:
    wire = Steered(program)
    statuses = "SELECT rpc_id, status, flags FROM exchanges WHERE tool = 'echo' ORDER BY id"
    with wire.dial() as control:
        control.call("scope/breakpoints/add", filter="tool:echo")
        control.call("scope/rules/add", action="deny", match="tool:echo args.n=6", name="no")
        for id in range(1, 7):
            wire.says(call(id, n=id))
        holds = [hold["id"] for hold in held(control, 5)]
        assert wire.hears()["id"] == 6
        until(lambda: [row[1] for row in wire.rows(statuses)] == ["held"] * 5 + ["denied"])
        control.call("scope/holds/continue", id=holds[0])
        control.call("scope/holds/edit", id=holds[1], set={"args.n": 0})
        control.call("scope/holds/answer", id=holds[2], result={})
        control.call("scope/holds/drop", id=holds[3])
        wire.says({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}})
        for _ in range(4):
            wire.hears()

        def words() -> list[str]:
            return [row[1] for row in wire.rows(statuses)]

        until(lambda: words() == ["ok", "ok", "mock", "dropped", "cancelled", "denied"] or None)
        assert "edited" in wire.rows(statuses)[1][2]
    assert wire.closes() == 0
    sent = "SELECT count(*) FROM messages WHERE origin = 'proxy'"
    assert until(lambda: wire.rows(sent)) == [(3,)]


def test_holding_needs_no_recording(program: Program) -> None:
    wire = Steered(program, "--no-record")
    with wire.dial() as control:
        control.call("scope/breakpoints/add", filter="tool:echo", on="both")
        wire.says(ODD)
        (hold,) = held(control)
        control.call("scope/holds/step", id=hold["id"])
        (answer,) = held(control)
        control.call("scope/holds/edit", id=answer["id"], set={"/result/content": []})
        assert wire.hears()["result"] == {"content": []}
        control.call("scope/breakpoints/remove", name="b1")
        wire.says(call(8))
        assert wire.hears()["id"] == 8
        assert control.call("scope/status")["sessions"][0]["lane"] == "fast"
    assert wire.closes() == 0
    assert not program.db.exists()
