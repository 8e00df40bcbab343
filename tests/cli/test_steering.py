"""``holds``, ``status`` and ``call`` against running proxies."""

from __future__ import annotations

import json
import sys

import pytest

from tests.program import Program, until
from tests.session.steered import SERVER, Steered, call, held

pytestmark = pytest.mark.timeout(120)


def said(program: Program, *args: str, code: int = 0, input: bytes = b""):
    done = program.run("--json", *args, input=input)
    assert done.returncode == code, done
    return json.loads(done.stdout)["data"] if code == 0 else json.loads(done.stderr)["error"]


def test_holds_are_listed_shown_and_decided(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo", "--label", "mine")
    with wire.dial():
        for id in (1, 2, 3, 4):
            wire.says(call(id, n=id))
        until(lambda: len(said(program, "holds", "list")) == 4)
        text = program.run("holds", "list").stdout.decode()
        assert text.count("tools/call echo") == 4
        assert "on mine" in text
        shown = said(program, "holds", "show", "1")
        assert json.loads(shown["received"]["text"])["id"] == 1
        assert said(program, "holds", "edit", "1", "--set", "args.n=11")["outcome"] == "edited"
        assert json.loads(wire.hears()["result"]["content"][0]["text"]) == {"n": 11}
        arguments = program.folder / "args.json"
        arguments.write_text('{\n "n": 22\n}')
        assert said(program, "holds", "edit", "2", "--args", str(arguments), "--keep")["hold"]["edited"]
        assert said(program, "holds", "continue", "2")["by"].startswith("cli ")
        assert json.loads(wire.hears()["result"]["content"][0]["text"]) == {"n": 22}
        mock = program.folder / "mock.json"
        mock.write_text('{"content": []}')
        assert said(program, "holds", "mock", "3", str(mock))["outcome"] == "answered"
        assert wire.hears() == {"jsonrpc": "2.0", "id": 3, "result": {"content": []}}
        assert said(program, "holds", "drop", "4", "--code", "-9", "--text", "no")["outcome"] == "dropped"
        assert wire.hears()["error"]["code"] == -9
        assert said(program, "holds", "drop", "4", code=7)["code"] == "hold_resolved"
        assert said(program, "holds", "drop", "99", code=7)["code"] == "no_hold"
    assert wire.closes() == 0


def test_a_schema_refuses_once_and_step_and_all_work(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    wire.says({"jsonrpc": "2.0", "id": "l", "method": "tools/list"})
    wire.hears()
    with wire.dial() as control:
        wire.says(call(1))
        held(control)
        refused = said(program, "holds", "edit", "1", "--set", 'args.n="x"', code=7)
        assert refused["code"] == "schema"
        assert said(program, "holds", "step", "1")["outcome"] == "forwarded"
        (answer,) = held(control)
        assert answer["phase"] == "answer"
        wire.says(call(2))
        held(control, 2)
        assert said(program, "holds", "continue", "--all") == {"released": [2, 3], "kept": []}
        assert {wire.hears()["id"], wire.hears()["id"]} == {1, 2}
    assert wire.closes() == 0


def test_the_last_good_answer_may_be_one_that_only_the_recording_knows(program: Program) -> None:
    wire = Steered(program)
    wire.says(call(1, n=1))
    good = wire.hears()["result"]
    recorded = "SELECT 1 FROM exchanges WHERE tool = 'echo' AND status = 'ok'"
    until(lambda: wire.rows(recorded))
    with wire.dial() as control:
        control.call("scope/breakpoints/add", filter="tool:echo")
        wire.says(call(2, n=2))
        held(control)
        assert said(program, "holds", "mock", "1", "--last-good")["outcome"] == "answered"
        assert wire.hears() == {"jsonrpc": "2.0", "id": 2, "result": good}
        assert wire.reached_calls() == [1]
    assert wire.closes() == 0


def test_approving_needs_a_terminal(program: Program) -> None:
    wire = Steered(program, "--break", "tool:echo")
    with wire.dial() as control:
        wire.says(call(1))
        (hold,) = held(control)
        assert said(program, "holds", "approve", "1", hold["digest"], code=2)["code"] == "no_tty"
    assert wire.closes() == 0


def test_status_tells_of_every_proxy(program: Program) -> None:
    assert said(program, "status") == []
    one, two = Steered(program, "--label", "one"), Steered(program, "--label", "two", "--break", "tool:x")
    one.entry(), two.entry()
    with two.dial("ui pts/9"):
        found = {status["label"]: status for status in said(program, "status")}
        assert found["two"]["attached"] == ["ui pts/9"]
        assert found["two"]["live"][0] == {
            "number": 1,
            "lane": "gate",
            "holds": 0,
            "client": "tester",
            "server": "plain",
            "revision": "2025-11-25",
        }
        assert found["one"]["live"][0]["lane"] == "fast"
        assert said(program, "holds", "show", "1", code=7)["code"] == "no_hold"
    assert (one.closes(), two.closes()) == (0, 0)


def test_call_through_a_server_of_its_own_and_through_a_running_session(program: Program) -> None:
    server = ["--", sys.executable, str(SERVER), str(program.folder / "own.log")]
    answer = said(program, "call", "echo", "n=5", "t=true", "s=x y", *server)
    assert json.loads(answer["result"]["content"][0]["text"]) == {"n": 5, "t": True, "s": "x y"}
    done = program.run("call", "echo", "--args", '{"big": 18446744073709551617}', *server)
    assert done.stdout == b'{"big": 18446744073709551617}\n'
    wire = Steered(program)
    wire.entry()
    answer = said(program, "call", "echo", "n=6")
    assert json.loads(answer["result"]["content"][0]["text"]) == {"n": 6}
    assert wire.is_silent(0.2)
    assert wire.closes() == 0
    assert said(program, "call", "echo", code=4)["code"] == "no_proxy"
    assert said(program, "call", "echo", "--", "false", code=4)["code"] == "upstream_exit"
