"""``rules explain`` and ``rules test`` say beforehand what a proxy then does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.policy.places import Place
from tests.program import Program

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
