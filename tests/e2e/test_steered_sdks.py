"""Every action of the gate, with real clients and servers of both generations and eras, on stdio."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcpscope.control.client import Control
from mcpscope.control.registry import running
from tests.e2e.runs import server_command
from tests.peers.found import Peers
from tests.program import Program, until

pytestmark = pytest.mark.timeout(180)

HERE = Path(__file__).resolve().parent / "clients"
PAIRS = [
    ("sdk1", "sdk1"),
    ("sdk2-legacy", "sdk2"),
    ("sdk2-auto", "sdk2"),
    ("sdk1", "sdk2"),
    ("sdk2-auto", "sdk1"),
]


class Steering:
    """A real client in front of a real server, with somebody at the control socket."""

    def __init__(
        self, program: Program, peers: Peers, pair: tuple[str, str], calls: list[list[Any]], *options: str
    ) -> None:
        client, server = pair
        kind, _, mode = client.partition("-")
        python = peers.sdk1_python if kind == "sdk1" else peers.sdk2_python
        script = [python, str(HERE / f"calls{kind[-1]}.py"), *([mode] if mode else []), json.dumps(calls)]
        proxy = program.bare_argv(*options, "--detached", "wait", "--", *server_command(peers, server))
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.client = subprocess.Popen([*script, *proxy], **pipes)
        runtime = Path(program.env["MCPSCOPE_RUNTIME_DIR"])
        entry = until(lambda: next((one for one in running(runtime) if one.socket), None))
        self.control = Control(entry.socket, "tester", timeout=30)
        self.control.call("scope/subscribe")

    def hold(self, **wanted: Any) -> dict[str, Any]:
        """The next hold whose facts are ``wanted``."""

        def look() -> dict[str, Any] | None:
            found = self.control.call("scope/holds/list")
            return next((hold for hold in found if all(hold[k] == v for k, v in wanted.items())), None)

        return until(look)

    def results(self) -> list[Any]:
        out, err = self.client.communicate(timeout=90)
        assert self.client.returncode == 0, err[-2000:]
        return json.loads(out)


@pytest.fixture
def steer(program: Program, peers: Peers) -> Callable[..., Steering]:
    def start(pair: tuple[str, str], calls: list[list[Any]], *options: str) -> Steering:
        return Steering(program, peers, pair, calls, *options)

    return start


ADD = ["add", {"a": 2, "b": 3}, 60]


@pytest.mark.parametrize("pair", PAIRS, ids="-to-".join)
def test_each_action_on_requests_and_answers(steer: Callable[..., Steering], pair: tuple[str, str]) -> None:
    run = steer(pair, [ADD] * 7, "--break", "tool:add")
    call = run.control.call
    call("scope/holds/continue", id=run.hold(id=1)["id"])
    call("scope/holds/edit", id=run.hold(id=2)["id"], set={"args.a": 40})
    answer = {
        "content": [{"type": "text", "text": "7"}],
        "structuredContent": {"result": 7},
        "resultType": "complete",
    }
    call("scope/holds/answer", id=run.hold(id=3)["id"], result=answer)
    call("scope/holds/drop", id=run.hold(id=4)["id"], code=-77, text="not today")
    call("scope/holds/step", id=run.hold(id=5)["id"])
    held = run.hold(id=6, phase="answer")
    call("scope/holds/edit", id=held["id"], text='"eleven"', part="/result/content/0/text")
    call("scope/holds/answer", id=run.hold(id=7)["id"], last_good=True)
    call("scope/holds/deny", id=run.hold(id=8)["id"], text="because")
    found = run.results()
    assert found[:3] == [[False, "5"], [False, "43"], [False, "7"]]
    assert found[3] == [-77, "not today"]
    assert found[4] == [False, "eleven"]
    assert found[5] == [False, "5"]
    assert found[6][0] is True
    assert "because" in found[6][1]


def question(run: Steering, tool: str, method: str) -> tuple[dict[str, Any], str]:
    """The hold on a question of the server, and where that lies in it: "" is all, else in inputRequests."""

    def look() -> dict[str, Any] | None:
        found = run.control.call("scope/holds/list")
        asked = (hold for hold in found if hold["method"] == method or hold["phase"] == "answer")
        return next(asked, None)

    hold = until(look)
    body = json.loads(run.control.call("scope/holds/get", id=hold["id"])["message"]["text"])
    assert hold["dir"] == "s2c"
    if hold["method"] == method:
        return hold, ""
    assert (hold["tool"], hold["phase"]) == (tool, "answer")
    ((key, entry),) = body["result"]["inputRequests"].items()
    assert entry["method"] == method
    return hold, f"/result/inputRequests/{key}"


@pytest.mark.parametrize(
    ("pair", "era"),
    [(("sdk1", "sdk1"), "legacy"), (("sdk2-auto", "sdk2"), "modern")],
    ids=["legacy", "modern"],
)
def test_the_other_forms_of_each_action_and_questions_of_the_server(
    program: Program, steer: Callable[..., Steering], pair: tuple[str, str], era: str
) -> None:
    dream = ["dream", {"prompt": "sheep"}, 60]
    run = steer(pair, [ADD, ADD, ADD, ADD, dream, dream, ["ask", {}, 60]], "--break", "tool:add")
    call = run.control.call
    for method in ("sampling/createMessage", "elicitation/create"):
        call("scope/breakpoints/add", filter=f"method:{method}")
    call("scope/holds/step", id=run.hold(id=1)["id"], any=True)
    text = {"op": "replace", "path": "/result/content/0/text", "value": "patched"}
    call("scope/holds/edit", id=run.hold(phase="answer")["id"], patch=[text], anyway=True)
    call("scope/holds/edit", id=run.hold(id=3)["id"], remove=["args.b"], anyway=True)
    call("scope/holds/answer", id=run.hold(id=4)["id"], error={"code": -9, "message": "no such luck"})
    answer = {"content": [{"type": "text", "text": "filed"}], "structuredContent": {"result": 1}}
    file = program.folder / "answer.json"
    file.write_text(json.dumps({"result": {**answer, "resultType": "complete"}}))
    done = program.run("holds", "mock", str(run.hold(id=5)["id"]), str(file))
    assert done.returncode == 0, done.stderr
    hold, place = question(run, "dream", "sampling/createMessage")
    assert bool(place) == (era == "modern")
    call("scope/holds/edit", id=hold["id"], set={f"{place}/params/messages/0/content/text": "goats"})
    until(lambda: hold["id"] not in [one["id"] for one in call("scope/holds/list")])
    hold, place = question(run, "dream", "sampling/createMessage")
    said = {"type": "text", "text": "ours"}
    theirs = {"role": "assistant", "content": said, "model": "m", "stopReason": "endTurn"}
    ours = {"content": [said], "structuredContent": {"result": "ours"}, "resultType": "complete"}
    call("scope/holds/answer", id=hold["id"], result=ours if place else theirs)
    until(lambda: hold["id"] not in [one["id"] for one in call("scope/holds/list")])
    hold, _ = question(run, "ask", "elicitation/create")
    call("scope/holds/drop", id=hold["id"], code=-77, text="not today")
    found = run.results()
    assert found[0] == [False, "patched"]
    assert found[1][0] is True and "b" in found[1][1]
    assert found[2] == [-9, "no such luck"]
    assert found[3:6] == [[False, "filed"], [False, "dreamt goats"], [False, "ours"]]
    assert found[6] == [-77, "not today"] or (found[6][0] is True and "not today" in found[6][1])


@pytest.mark.parametrize("pair", PAIRS[:3], ids="-to-".join)
def test_a_client_that_gives_up_resolves_its_hold_and_nothing_is_sent(
    steer: Callable[..., Steering], pair: tuple[str, str]
) -> None:
    run = steer(
        pair, [["add", {"a": 1, "b": 1}, 1], ["add", {"a": 2, "b": 2}, 30]], "--break", "tool:add args.a=1"
    )
    held = run.hold(id=1)
    found = run.results()
    assert isinstance(found[0][0], int) and not isinstance(found[0][0], bool)
    assert found[1] == [False, "4"]
    assert held["clock_source"] in ("known", "assumed")


@pytest.mark.parametrize("pair", PAIRS[:3], ids="-to-".join)
def test_deny_works_with_nobody_there(steer: Callable[..., Steering], pair: tuple[str, str]) -> None:
    run = steer(pair, [["add", {"a": 9, "b": 1}, 30], ADD], "--deny", "tool:add args.a>5")
    run.control.close()
    refused, fine = run.results()
    assert (refused[0], fine) == (True, [False, "5"])


@pytest.mark.parametrize("pair", [("sdk1", "sdk1"), ("sdk2-auto", "sdk2")], ids="-to-".join)
def test_rules_edit_answer_delay_and_drop_live(steer: Callable[..., Steering], pair: tuple[str, str]) -> None:
    calls = [["add", {"a": n, "b": 1}, 30] for n in range(5)]
    run = steer(pair, calls, "--break", "tool:add args.a=0")
    add = {"action": "edit", "patch": [{"op": "replace", "path": "/params/arguments/b", "value": 100}]}
    run.hold(id=1)
    run.control.call("scope/rules/add", match="tool:add args.a=1", **add)
    run.control.call("scope/rules/add", match="tool:add args.a=2", action="delay", delay=0.3)
    run.control.call("scope/rules/add", match="tool:add args.a=3", action="drop", code=-5, message="gone")
    answer = {"result": {"content": [], "structuredContent": {"result": 1}, "resultType": "complete"}}
    run.control.call("scope/rules/add", match="tool:add args.a=4", action="answer", answer=answer)
    run.control.call("scope/holds/continue", id=1)
    assert run.results() == [[False, "1"], [False, "101"], [False, "3"], [-5, "gone"], [False, ""]]
