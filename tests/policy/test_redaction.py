"""What a policy redacts and what we inject ourselves is in no byte of what is kept, said or exported."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import sqlite3
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.program import ROOT, Program

pytestmark = pytest.mark.timeout(120)

INJECTED = 'sk-Zürich"/+ 9f8e7d6c'
HEADER = "tok-0123456789/abc+def"
CALLER = "caller-token-5566778899"
PASSWORD = "correct horse+battery/staple"
TENANT = "tenant-4711-geheim"
LEAKY = [sys.executable, str(SERVERS / "leaky.py")]
POLICY = """
version: 1
callers: {ci: {bearer: "${env:CALLER}"}}
redact:
  - $.params.arguments.password
  - "login:$.result.structuredContent.token"
  - header:x-tenant
  - pin
rules:
  - {name: no wiping, match: "tool:wipe", action: deny, message: never}
"""
SHAPES = ["stdio", "reverse", "bridge", "remote"]


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    program.env |= {"VAULT": INJECTED, "CALLER": CALLER, "HEADER": HEADER}
    made = HttpEnds(program)
    yield made
    made.close()


class Talk:
    """A client of whatever shape: ``ask`` sends a request and gives its answer."""

    def __init__(self, ends: HttpEnds, shape: str, policy: Path | None) -> None:
        options = ["--policy", str(policy)] if policy else []
        self.shape = shape
        self.ends = ends
        self.process = None
        env = ["-e", "TOKEN=${env:VAULT}"]
        header = ["--header", "Authorization: Bearer ${env:HEADER}"]
        if shape == "stdio":
            self.process = ends.program.popen("proxy", *options, *env, "--", *LEAKY, "stdio")
        elif shape == "remote":
            url = ends.server(*LEAKY)
            self.process = ends.program.popen("proxy", "--stdio", *options, *header, url)
        elif shape == "bridge":
            self.url = ends.proxy(*options, *env, "--", *LEAKY, "stdio")
        else:
            self.url = ends.proxy(*options, *header, ends.server(*LEAKY))
        self._id = 0
        self._session = ""
        params = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        self.ask("initialize", params)

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._id += 1
        body = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        return self.say(json.dumps(body).encode())

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.ask("tools/call", {"name": tool, "arguments": arguments})

    def say(self, raw: bytes) -> dict[str, Any]:
        lines = self._over_pipes(raw) if self.process is not None else self._over_http(raw)
        answers = [message for message in map(json.loads, lines) if "method" not in message]
        found: dict[str, Any] = answers[-1]
        return found

    def _over_pipes(self, raw: bytes) -> list[bytes]:
        assert self.process and self.process.stdin and self.process.stdout
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()
        lines = [self.process.stdout.readline()]
        while b'"method"' in lines[-1][:60]:
            lines.append(self.process.stdout.readline())
        return lines

    def _over_http(self, raw: bytes) -> list[bytes]:
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Mcpscope-Token": CALLER,
            "X-Tenant": TENANT,
        }
        if self._session:
            headers["Mcp-Session-Id"] = self._session
        connection.request("POST", place.path + "?api_key=" + urllib.parse.quote(PASSWORD), raw, headers)
        answer = connection.getresponse()
        self._session = answer.headers.get("Mcp-Session-Id") or self._session
        data = answer.read()
        connection.close()
        if answer.headers.get_content_type() == "text/event-stream":
            return [
                line[5:].strip() for line in data.splitlines() if line.startswith(b"data:") and len(line) > 6
            ]
        return [data]

    def close(self) -> str:
        """End it; what it said on standard error."""
        if self.process is None:
            self.ends.stop_proxies()
            return "".join(log.read_text() for log in self.ends.logs)
        assert self.process.stdin and self.process.stderr
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        return self.process.stderr.read().decode()


def every_spelling(secret: str) -> set[bytes]:
    raw = secret.encode()
    found = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    found |= {json.dumps(secret)[1:-1].encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()}
    found |= {urllib.parse.quote(secret).encode(), urllib.parse.quote(secret, safe="").encode()}
    found.add(urllib.parse.quote_plus(secret).encode())
    for before in range(3):
        coded = base64.b64encode(b"x" * before + raw)
        inner = coded[4 if before else 0 : len(coded) // 4 * 4 - 4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def kept(program: Program) -> bytes:
    """Every byte in the folders of the program, but its log files, which the caller has."""
    folders = (
        program.db.parent,
        Path(program.env["XDG_STATE_HOME"]),
        Path(program.env["MCPSCOPE_RUNTIME_DIR"]),
    )
    walked = (Path(root) / name for folder in folders for root, _, names in os.walk(folder) for name in names)
    found = [path for path in walked if path.is_file()]
    parts = []
    for path in found:
        with contextlib.suppress(FileNotFoundError):  # the recorder writes and removes as we read
            parts.append(path.read_bytes())
    return b"\n".join(parts)


def bodies(db: Path) -> list[bytes]:
    """All recorded bodies, decompressed."""
    from mcpscope.store.bodies import BlockReader

    connection = sqlite3.connect(db)
    rows = connection.execute(
        "SELECT body_id, body_at, coalesce(kept, size) FROM messages ORDER BY id"
    ).fetchall()
    reader = BlockReader(connection)
    found = [reader.read(*row) for row in rows]
    for column in ("SELECT bytes FROM outcomes", "SELECT text FROM notes", "SELECT body FROM definitions"):
        found += [row[0] for row in connection.execute(column) if row[0]]
    connection.close()
    return found


def assert_clean(data: bytes, *secrets: str) -> None:
    for secret in secrets:
        for form in every_spelling(secret):
            at = data.find(form)
            assert at < 0, (secret, form, data[max(0, at - 80) : at + 80])


@pytest.mark.parametrize(
    ("shape", "with_policy"),
    [
        *(pytest.param(shape, True, id=f"{shape} under a policy") for shape in SHAPES),
        pytest.param("stdio", False, id="stdio"),
        *(pytest.param(shape, False, id=shape, marks=pytest.mark.soak) for shape in SHAPES[1:]),
    ],
)
def test_no_secret_is_in_any_byte(ends: HttpEnds, tmp_path: Path, shape: str, with_policy: bool) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    program = ends.program
    talk = Talk(ends, shape, policy if with_policy else None)
    secrets = [HEADER if shape in ("reverse", "remote") else INJECTED]
    if with_policy:
        secrets += [PASSWORD, *([CALLER, TENANT] if shape in ("reverse", "bridge") else [])]
    told = talk.call("leak", password=PASSWORD, q="nothing")["result"]
    assert PASSWORD in told["structuredContent"]["texts"]  # what is forwarded is not changed by it
    assert secrets[0] in told["structuredContent"]["texts"]
    assert PASSWORD in json.dumps(talk.call("fail", password=PASSWORD)["error"])
    named = {"jsonrpc": "2.0", "id": f"id {secrets[0]}", "method": "ping", "params": {f"k {secrets[-1]}": 1}}
    assert talk.say(json.dumps(named).encode())["id"] == named["id"]
    talk.call("login", deep={"list": [{"pin": "0815"}, {"PIN": 4712}]})
    assert talk.call("login")["result"]["structuredContent"]["token"] == "t-1234"
    assert_clean(kept(program), *secrets)
    assert_clean(talk.close().encode(), *secrets)
    ends.rows("SELECT 1")
    data = kept(program) + b"\n".join(bodies(program.db))
    export = program.run("export", "last", "--format", "jsonl", "--with-secrets")
    assert export.returncode == 0, export.stderr
    data += export.stdout
    if shape == "stdio":  # what is read from one database is read alike
        data += program.run("--json", "log", "last", "--frames").stdout
        data += program.run("audit", "export").stdout
    assert_clean(data, *secrets)
    if with_policy:
        for short in (b"0815", b"4712", b"t-1234"):
            assert short not in b"\n".join(bodies(program.db))
        assert (
            len(
                set(
                    re.findall(rb'"password":\s*("\[redacted:[0-9a-f]{8}\]")', b"\n".join(bodies(program.db)))
                )
            )
            == 1
        )
        marked = ends.rows("SELECT count(*) FROM messages WHERE marks LIKE '%redacted%'")
        assert marked[0][0] >= 6
        assert {mode for (mode,) in ends.rows("SELECT record_mode FROM sessions")} == {"required"}
        verified = program.run("--json", "audit", "verify")
        assert verified.returncode == 0, verified.stdout
        assert_clean(verified.stdout, *secrets)
    assert ends.rows("SELECT count(*) FROM exchanges WHERE status = 'lost'") == [(0,)]


BREAKER = """
import mcpscope.session.redacting as redacting

message = redacting.Redactor.message

def breaks(self, raw, *rest):
    if b"boom" in raw:
        raise RuntimeError("broken")
    return message(self, raw, *rest)

redacting.Redactor.message = breaks
"""


@pytest.mark.parametrize(
    "shape", [*SHAPES[:2], *(pytest.param(shape, marks=pytest.mark.soak) for shape in SHAPES[2:])]
)
def test_what_cannot_be_redacted_is_not_forwarded(
    ends: HttpEnds, tmp_path: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, witness = tmp_path / "policy.yaml", tmp_path / "witness"
    policy.write_text(POLICY)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(BREAKER)
    ends.program.env |= {"PYTHONPATH": f"{tmp_path / 'broken'}:{ROOT}", "WITNESS": str(witness)}
    monkeypatch.setenv("WITNESS", str(witness))
    talk = Talk(ends, shape, policy)
    assert "result" in talk.ask("ping", {})
    raw = b'{"jsonrpc":"2.0","id":77,"method":"tools/call","params":{"name":"leak","arguments":{"a":"boom"}}}'
    if shape == "stdio":
        assert talk.process and talk.process.stdin and talk.process.stderr
        talk.process.stdin.write(raw + b"\n")
        talk.process.stdin.flush()
        assert talk.process.wait(30) == 5 and b"the redactor failed" in talk.process.stderr.read()
    else:
        assert "redacted" in json.dumps(talk.say(raw)["error"])
        assert "the redactor failed" in (talk.close() if talk.process is None else "the redactor failed")
    assert b"ping" in witness.read_bytes() and b"boom" not in witness.read_bytes()
    if talk.process is not None and talk.process.poll() is None:
        talk.close()
    ends.rows("SELECT 1")
    assert b"boom" not in kept(ends.program) + b"".join(bodies(ends.program.db))


@pytest.mark.parametrize("shape", ["stdio", pytest.param("reverse", marks=pytest.mark.soak)])
def test_places_of_the_command_line_need_no_policy(program: Program, shape: str) -> None:
    program.env["MCPSCOPE_REDACT_KEYS"] = "api_key, *secret*"
    ends = HttpEnds(program)
    options = ["--redact-key", "password", "--redact-path", "login:$.result.structuredContent.token"]
    argv = [*LEAKY, "stdio"]
    if shape == "stdio":
        process = program.popen("proxy", *options, "--", *argv)
        assert process.stdin and process.stdout
        arguments = {"password": "pass1", "api_key": "key-1", "my_secret_no": 42, "user": "ada"}
        for id, name in enumerate(("login", "login")):
            body = {"id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}).encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline()
        process.stdin.write(b"this is no JSON: pass1\n")
        process.stdin.close()
        process.wait(30)
    else:
        made = HttpEnds(program)
        url = urlsplit(made.proxy(*options, made.server(*LEAKY)))
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
        arguments = {"password": "pass1", "api_key": "key-1", "my_secret_no": 42, "user": "ada"}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
        body["params"] = {"name": "login", "arguments": arguments}
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        connection.request("POST", "/mcp", json.dumps(body), headers)
        assert b"t-1234" in connection.getresponse().read()
        made.close()
    assert ends.rows("SELECT record_mode FROM sessions") == [("best-effort",)]
    said = b"\n".join(bodies(program.db))
    for value in (b'"pass1', b": pass1", b"key-1", b": 42", b"t-1234"):
        assert value not in said
    assert b'"ada"' in said


def test_a_place_that_is_none_stops_the_start(program: Program) -> None:
    done = program.run("--redact-path", "$.a b", "--", "cat")
    assert done.returncode == 2 and b"is no place" in done.stderr
    assert program.run("--redact-key", "a.b", "--", "cat").returncode == 2


def test_places_that_a_changed_policy_names_are_redacted_from_then_on(
    program: Program, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\n")
    process = program.popen("proxy", "--policy", str(policy), "--", *LEAKY, "stdio")
    assert process.stdin and process.stdout and process.stderr

    def say(id: int, pin: str) -> None:
        assert process.stdin and process.stdout
        body = {"jsonrpc": "2.0", "id": id, "method": "tools/call"}
        body["params"] = {"name": "login", "arguments": {"pin": pin}}
        process.stdin.write(json.dumps(body).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline()

    say(1, "first-pin")
    policy.write_text("version: 1\nredact: [pin]\n")
    assert b"policy loaded" in process.stderr.readline()
    say(2, "second-pin")
    process.stdin.close()
    process.wait(30)
    HttpEnds(program).rows("SELECT 1")
    said = b"\n".join(bodies(program.db))
    assert b"first-pin" in said and b"second-pin" not in said
