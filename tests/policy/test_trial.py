"""``rules explain`` and ``rules test`` say beforehand what a proxy then does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.policy.places import Place
from tests.program import Program, until
from tests.session.steered import Steered, call, held

LAW = """\
version: 1
default: deny
rules:
  - {name: no etc, match: "tool:files args.path~^/etc", action: deny}
  - {name: small payments, match: "tool:pay", when: 'caller == "ci" && args.amount <= 100', action: allow}
  - {name: the rest, match: "tool:files", action: allow}
"""
CALLS = [
    ("files", {"path": "/tmp/x"}),
    ("files", {"path": "/etc/x"}),
    ("files", {"Path": "/etc/x"}),
    ("pay", {"amount": 5}),
    ("pay", {"amount": 500}),
    ("open", {}),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["stdio to stdio", "HTTP to HTTP"])
def test_a_policy_tried_on_a_recording_decides_as_it_did_live(tmp_path: Path, kind: str) -> None:
    law = LAW + "callers: {ci: {bearer: the-token-of-ci}}\n"
    place = Place(kind, tmp_path, law, token="the-token-of-ci")
    try:
        place.begin("ci")
        for tool, arguments in CALLS:
            place.call(tool, arguments)
        live = [rule for rule, _ in place.decisions()]
        assert live == ["", "no etc", "no etc", "", "default: deny", "default: deny"]
        said = place.program.run("--json", "rules", "test", str(place.policy))
        tried = json.loads(said.stdout)["data"]["decided"]
        refused = [one["rule"] for one in tried if one["outcome"] == "denied"]
        assert refused == [rule for rule in live if rule]
        cases = tmp_path / "cases.json"
        trial = ("rules", "test", str(place.policy), "--cases", str(cases))
        assert place.program.run(*trial).returncode == 0 and cases.exists()
        assert place.program.run(*trial).returncode == 0
        place.policy.write_text(law.replace("/etc", "/tmp"))
        changed = place.program.run(*trial)
        assert changed.returncode == 1 and b"different from what is expected" in changed.stdout
    finally:
        place.close()


def test_explain_names_the_rule_and_what_the_others_found(program: Program, tmp_path: Path) -> None:
    law = tmp_path / "law.yaml"
    law.write_text(LAW)
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}

    def explained(tool: str, arguments: object, *options: str) -> tuple[int, str]:
        message = json.dumps({**call, "params": {"name": tool, "arguments": arguments}})
        done = program.run("rules", "explain", str(law), message, *options)
        return done.returncode, done.stdout.decode()

    code, said = explained("files", {"path": "/etc/x"})
    assert code == 1 and said.endswith("denied by no etc\n") and "yes       deny   no etc" in said
    assert explained("pay", {"amount": 5}, "--caller", "ci")[0] == 0
    assert explained("pay", {"amount": 5}, "--client", "ci")[0] == 0
    code, said = explained("pay", {}, "--caller", "ci")
    assert code == 1 and "not told  allow  small payments" in said and "default: deny" in said
    assert "lenient reader" in explained("files", {"Path": "/etc/x"})[1]
    (tmp_path / "m.json").write_text(json.dumps({**call, "params": ["files"]}))
    refused = program.run("rules", "explain", str(law), f"@{tmp_path / 'm.json'}")
    assert refused.returncode == 1 and refused.stdout.endswith(b"refused\n")


def test_an_allowed_folder_is_not_left_and_its_names_may_be_escaped(program: Program, tmp_path: Path) -> None:
    law = tmp_path / "law.yaml"
    law.write_text(
        "version: 1\ndefault: deny\nrules:\n"
        "  - {match: 'uri:file:///data/*', action: allow}\n"
        "  - {match: 'uri:file:///my%20files/*', action: allow}\n"
    )
    read = {"jsonrpc": "2.0", "id": 1, "method": "resources/read"}
    said = {
        "file:///data/x": 0,
        "file:///data/caf%C3%A9": 0,
        "file:///my%20files/x": 0,
        "file:///data/../etc/x": 1,
        "file:///data/%2e%2e/etc/x": 1,
        "file:///etc/x": 1,
    }
    for uri, code in said.items():
        message = json.dumps({**read, "params": {"uri": uri}})
        assert program.run("rules", "explain", str(law), message).returncode == code, uri


FULL = """\
version: 1
default: deny
hide: [hidden]
rules:
  - {name: marked, match: "method:tools/call", action: tag, tag: called}
  - {name: money, action: limit, match: "tool:echo", limit: {most: 20, of: args.n, per: day}}
  - {name: slow, match: "tool:echo args.n=1", action: delay, for: 50ms}
  - {name: asked, match: "tool:echo args.n>7", action: ask, timeout: 400ms}
  - {name: other, match: "tool:echo args.n=3", action: edit, set: {args.n: 4}}
  - {name: no four, match: "tool:echo args.n=6", action: deny}
  - {name: shadow, match: "tool:echo args.n=5", action: deny, mode: shadow}
  - {name: mock, match: "tool:mock", action: answer, answer: {result: {content: []}}}
  - {name: gone, match: "tool:gone", action: drop}
  - {name: echoes, match: "tool:echo", action: allow, limit: 5/day}
  - {name: no answer, match: "tool:fail result.isError=true", action: deny}
  - {name: fails, match: "tool:fail", action: allow}
"""
TALK: list[tuple[str, int]] = [
    ("echo", 1), ("echo", 3), ("echo", 5), ("echo", 6), ("echo", 8), ("echo", 9), ("echo", 2), ("mock", 0),
    ("gone", 0), ("fail", 0), ("hidden", 0), ("echo", 1), ("echo", 1), ("echo", 1), ("nothing", 0),
]  # fmt: skip


@pytest.mark.timeout(90)
def test_every_decision_of_a_live_proxy_is_that_of_the_trial(program: Program) -> None:
    law = program.folder / "law.yaml"
    law.write_text(FULL)
    wire = Steered(program, "--policy", str(law))
    with wire.dial() as control:
        for id, (tool, n) in enumerate(TALK, 1):
            wire.says(call(id, tool, n=n))
            if n == 8:
                (hold,) = held(control)
                control.call("scope/holds/approve", id=hold["id"], digest=hold["digest"])
            assert wire.hears()["id"] == id
    assert wire.closes() == 0
    until(lambda: wire.rows("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    live = {
        f"1/{message}": ("ask" if rule == "asked" else word, rule)
        for message, word, rule, detail in wire.rows(DECISIONS)
        if word != "forwarded" or rule == "asked" or "tags" in json.loads(detail or "{}")
    }
    said = json.loads(program.run("--json", "rules", "test", str(law)).stdout)["data"]
    tried = {one["message"]: (one["outcome"], one["rule"]) for one in said["decided"]}
    assert {name: word for name, (word, _) in tried.items()} == {
        name: word for name, (word, _) in live.items()
    }
    refusing = ("denied", "ask", "answered", "dropped", "refused", "edited")
    assert {k: v for k, v in tried.items() if v[0] in refusing} == {
        k: v for k, v in live.items() if v[0] in refusing
    }
    assert {word for word, _ in tried.values()} >= {"denied", "ask", "answered", "dropped", "edited"}
    assert {rule for _, rule in tried.values()} >= {"money", "echoes", "no four", "default: deny"}
    assert said["calls"] == len(TALK) + 1


DECISIONS = (
    "SELECT message_id, outcome, coalesce(rule, ''), detail FROM outcomes "
    "WHERE outcome NOT IN ('held', 'gave-up') ORDER BY id"
)


@pytest.mark.timeout(90)
def test_a_policy_learned_from_a_recording_passes_it_and_not_what_was_not_seen(program: Program) -> None:
    wire = Steered(program)
    for id in range(1, 4):
        wire.says(call(id, "echo", n=id))
        assert wire.hears()["id"] == id
    assert wire.closes() == 0
    until(lambda: wire.rows("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL"))
    law = program.folder / "learned.yaml"
    assert program.run("rules", "learn", "-o", str(law)).returncode == 0
    assert program.run("rules", "learn", "-o", str(law)).returncode == 2, "it is not written over"
    assert program.run("rules", "test", str(law)).stdout.startswith(b"all 4 calls would have passed")
    again = Steered(program, "--policy", str(law))
    for id, tool, n, refused in ((1, "echo", 2, False), (2, "echo", 4, True), (3, "slow", 1, True)):
        again.says(call(id, tool, n=n))
        assert again.hears()["result"].get("isError", False) is refused
    assert again.closes() == 0
