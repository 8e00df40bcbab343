"""Limits on running proxies: what reached the servers, whoever was killed meanwhile."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.http_ends import HttpEnds
from tests.policy.places import Place
from tests.program import Program, until
from tests.session.steered import Steered, call

pytestmark = pytest.mark.timeout(120)
LAW = 'version: 1\nrules: [{name: budget, match: "tool:echo", action: allow, limit: 6/day}]\n'


def test_three_proxies_share_one_limit_through_kill_and_restart(program: Program) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text(LAW)
    wires = [Steered(program, "--policy", str(policy)) for _ in range(3)]
    for number, wire in enumerate(wires):
        wire.says(call(number, n=1))
        assert "isError" not in wire.hears()["result"]
    wires[0].process.send_signal(signal.SIGKILL)
    wires[0].process.wait(20)
    wires[0] = Steered(program, "--policy", str(policy))
    for number in range(3, 9):
        wires[number % 3].says(call(number, n=1))
        refused = wires[number % 3].hears()["result"].get("isError", False)
        assert refused is (number >= 6), number
    for wire in wires:
        assert wire.closes() == 0
    assert sorted(wires[0].reached_calls()) == list(range(6))
    denied = until(lambda: len(found := wires[0].rows(DENIED)) == 3 and found)
    assert all(rule == "budget" and "opens" in detail for rule, detail in denied)


DENIED = "SELECT rule, detail FROM outcomes WHERE outcome = 'denied'"


def test_two_callers_over_http_have_their_own_and_a_dead_upstream_costs_nothing(tmp_path: Path) -> None:
    limit = "{most: 1, per: day, by: caller}"
    law = (
        'version: 1\ncallers: {ci: {bearer: "${env:CI}"}, dev: {bearer: "${env:DEV}"}}\n'
        f'rules: [{{name: budget, match: "tool:t", action: allow, limit: {limit}}}]\n'
    )
    tokens = {"CI": "token-of-ci-1234", "DEV": "token-of-dev-1234"}
    place = Place("HTTP to HTTP", tmp_path, law, token=tokens["CI"], env=tokens)
    try:
        place.begin()
        assert "isError" not in place.call("t", {})
        assert place.call("t", {})["isError"] is True
        place.token, place._session = tokens["DEV"], ()
        place.begin("dev")
        assert "isError" not in place.call("t", {})
        assert "budget" in place.call("t", {})["content"][0]["text"]
    finally:
        place.close()


def test_a_call_that_found_no_upstream_costs_nothing(program: Program) -> None:
    policy = program.folder / "policy.yaml"
    policy.write_text(LAW.replace("6/day", "1/day"))
    ends = HttpEnds(program)
    try:
        wire = program.popen("proxy", "--stdio", "--policy", str(policy), "http://127.0.0.1:9/mcp")
        assert wire.stdin is not None and wire.stdout is not None
        for _ in range(2):
            wire.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}\n')
            wire.stdin.flush()
            assert b"no answer from" in wire.stdout.readline()
    finally:
        ends.close()


def test_a_limit_made_live_counts_with_those_of_policies(program: Program) -> None:
    wire = Steered(program)
    wire.entry()
    done = program.run(
        "rules", "add", "--action", "limit", "--name", "few", "--match", "tool:echo", "--limit", "1/day"
    )
    assert done.returncode == 0, done.stderr
    for id, refused in ((1, False), (2, True)):
        wire.says(call(id, n=1))
        assert wire.hears()["result"].get("isError", False) is refused
    assert wire.closes() == 0
    assert wire.reached_calls() == [1]
    assert b'["few", "sliding 86400s", ""]' in program.run("rules", "limits").stdout
