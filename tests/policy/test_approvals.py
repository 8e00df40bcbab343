"""``ask`` on a running proxy, answered from command lines: what reached the server, and what is recorded."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading

import pytest

from mcpscope.control.client import Control
from mcpscope.errors import ScopeError
from tests.program import Program, until
from tests.session.steered import Steered, call, held

pytestmark = pytest.mark.timeout(120)

LAW = 'version: 1\nrules: [{name: asked, match: "tool:echo args.n>5", action: ask, timeout: %s}]\n'


def asking(program: Program, timeout: str = "5m") -> Steered:
    policy = program.folder / "policy.yaml"
    policy.write_text(LAW % timeout)
    return Steered(program, "--policy", str(policy))


def at_a_terminal(program: Program, *args: str) -> tuple[int, str]:
    """Exit code and output of a command that has a terminal for its standard input."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            program.argv(*args), stdin=theirs, capture_output=True, env=program.env, timeout=60
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, (done.stdout + done.stderr).decode()


def test_unanswered_it_is_denied_and_nothing_of_it_reached_the_server(program: Program) -> None:
    wire = asking(program, "300ms")
    wire.says(call(1, n=6))
    assert wire.hears()["result"]["isError"] is True
    wire.says(call(2, n=5))
    assert wire.hears()["id"] == 2
    assert wire.reached_calls() == [2]
    assert wire.closes() == 0


def test_a_person_at_a_terminal_approves_what_holds_show_says(program: Program) -> None:
    wire = asking(program)
    with wire.dial() as control:
        wire.says(call(1, n=6))
        (hold,) = held(control)
        id, digest = str(hold["id"]), hold["digest"]
        assert program.run("holds", "approve", id, digest).returncode == 2, "without a terminal"
        done = program.run("holds", "continue", id)
        assert (done.returncode, b"approv" in done.stderr) == (7, True), done.stderr
        assert wire.reached_calls() == []
        shown = program.run("holds", "show", id).stdout.decode()
        assert f"holds approve {id} {digest[:16]}" in shown and '"n":6' in shown
        assert at_a_terminal(program, "holds", "approve", id, digest[:16], "--why", "ticket 7")[0] == 0
        assert wire.hears()["id"] == 1
        wire.says(call(2, n=9))
        (second,) = held(control)
        shown = program.run("holds", "show", str(second["id"])).stdout.decode()
        assert '-    "n": 6' in shown and '+    "n": 9' in shown
        assert program.run("holds", "deny", str(second["id"]), "--why", "too many").returncode == 0
        assert "too many" in wire.hears()["result"]["content"][0]["text"]
    assert wire.reached_calls() == [1]
    assert wire.closes() == 0
    rows = until(lambda: len(found := wire.rows(DECIDED)) == 2 and found)
    later = asking(program)
    with later.dial() as control:
        later.says(call(1, n=8))
        (hold,) = held(control)
        shown = program.run("holds", "show", str(hold["id"])).stdout.decode()
        assert '-    "n": 6' in shown and '+    "n": 8' in shown, "of another proxy, from the recording"
    assert later.closes() == 0
    (_, by, why), (word, _, no) = rows
    assert (by.startswith("cli "), json.loads(why)["why"], word) == (True, "ticket 7", "denied")
    assert json.loads(no)["why"] == "too many"


DECIDED = "SELECT outcome, actor, detail FROM outcomes WHERE outcome != 'held' AND rule = 'asked' ORDER BY id"


def test_of_two_who_approve_at_once_the_first_wins(program: Program) -> None:
    wire = asking(program)
    with wire.dial() as one, wire.dial() as two:
        wire.says(call(1, n=6, to="p\u0430ypal.com"))
        (hold,) = held(one)
        got = one.call("scope/holds/get", id=hold["id"])
        assert got["lookalikes"] == ["args.to: p\u0430ypal.com reads as paypal.com (U+0430)"]
        said: list[str] = []

        def approve(control: Control) -> None:
            try:
                said.append(
                    control.call("scope/holds/approve", id=hold["id"], digest=hold["digest"])["outcome"]
                )
            except ScopeError as error:
                said.append(error.code)

        both = [threading.Thread(target=approve, args=(control,)) for control in (one, two)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(60)
        assert sorted(said) == ["forwarded", "hold_resolved"]
        assert wire.hears()["id"] == 1
    assert wire.reached_calls() == [1]
    assert wire.closes() == 0


def test_the_same_arguments_are_asked_about_once_if_that_was_said(program: Program) -> None:
    wire = asking(program)
    with wire.dial() as control:
        wire.says(call(1, n=6))
        (hold,) = held(control)
        control.call("scope/holds/approve", id=hold["id"], digest=hold["digest"], again=True)
        assert wire.hears()["id"] == 1
        wire.says(call(2, n=6))
        assert wire.hears()["id"] == 2
        wire.says(call(3, n=7))
        assert len(held(control)) == 1
    assert wire.reached_calls() == [1, 2]
    assert wire.closes() == 0
