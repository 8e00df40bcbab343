"""A real proxy with a policy in force between a test and a witness, for each pair of transports."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.http_ends import HttpEnds
from tests.policy.attacks import Attack
from tests.program import Program, until

WITNESS = str(Path(__file__).parent / "witness.py")
BROKEN = str(Path(__file__).parent / "broken.py")
KINDS = ("stdio to stdio", "HTTP to HTTP", "stdio to HTTP", "HTTP to stdio")
Arrival = tuple[bytes, list[tuple[str, str]]]
"""What the witness got: the bytes of a body or line, and over HTTP the header lines."""
Answer = tuple[int, bytes]


def modern_meta(client: str) -> dict[str, Any]:
    """The envelope of the era without a handshake."""
    return {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": client, "version": "1"},
    }


class Broken(Program):
    """mcpscope with the function ``target`` raising while the file ``broken`` is there."""

    def __init__(self, folder: Path, runtime: Path, target: str) -> None:
        super().__init__(folder, runtime)
        self._target = target

    def argv(self, *args: str) -> list[str]:
        return [sys.executable, BROKEN, self._target, str(self.folder / "broken"), *args]


class Place:
    """``kind`` is one of KINDS; ``law`` is the text of the policy, "" for none.

    ``broken`` names a function that raises while the file ``switch`` is there.
    """

    def __init__(
        self,
        kind: str,
        folder: Path,
        law: str,
        *options: str,
        token: str = "",
        env: dict[str, str] | None = None,
        broken: str = "",
    ) -> None:
        self.kind = kind
        self.by_http = kind.startswith("HTTP")
        self.token = token
        self.runtime = Path(tempfile.mkdtemp(prefix="ms-", dir="/tmp"))
        self.switch = folder / "broken"
        self.program = Broken(folder, self.runtime, broken) if broken else Program(folder, self.runtime)
        self.program.env.update(env or {})
        self.policy = folder / "policy.yaml"
        self._ends = HttpEnds(self.program)
        self._log = folder / "witness.log"
        self._count = self._read = 0
        self._modern = ""
        self._session: tuple[tuple[str, str], ...] = ()
        target = ["--", sys.executable, WITNESS, str(self._log), "stdio"]
        if kind.endswith("HTTP"):
            target = [self._ends.server(sys.executable, WITNESS, str(self._log))]
        if law:
            self.policy.write_text(law)
            options = ("--policy", str(self.policy), *options)
        if self.by_http:
            self.url = urlsplit(self._ends.proxy(*options, *target))
        else:
            stdio = ("--stdio",) if kind.endswith("HTTP") else ()
            self._process = self.program.popen("proxy", *stdio, *options, *target)

    def close(self) -> None:
        self._end()
        self._ends.close()
        self.program.close()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def _end(self) -> None:
        if not self.by_http and self._process.poll() is None:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait(20)

    def decisions(self) -> list[tuple[str, dict[str, Any]]]:
        """What was recorded of every call, in order: the rule that refused ("": it passed), and details.

        Ends the proxy.
        """
        self._end()
        rows = self._ends.rows(
            "SELECT iif(o.outcome IN ('forwarded', 'edited'), '', o.rule), o.detail FROM messages m "
            "LEFT JOIN outcomes o ON o.message_id = m.id "
            "WHERE m.dir = 'c2s' AND m.method = 'tools/call' ORDER BY m.id"
        )
        return [(rule or "", json.loads(detail or "{}")) for rule, detail in rows]

    def outcomes(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Tool, final outcome and details of every call, in order. Ends the proxy."""
        self._end()
        rows = self._ends.rows(
            "SELECT e.tool, o.outcome, o.detail FROM messages m JOIN exchanges e ON e.id = m.exchange_id "
            "LEFT JOIN outcomes o ON o.message_id = m.id AND o.outcome NOT IN ('held', 'gave-up') "
            "WHERE m.dir = 'c2s' AND m.method = 'tools/call' ORDER BY m.id"
        )
        return [(tool, word or "forwarded", json.loads(detail or "{}")) for tool, word, detail in rows]

    def notes(self) -> list[tuple[str, bytes]]:
        """Kind and text of every note. Ends the proxy."""
        self._end()
        rows = self._ends.rows("SELECT kind, text FROM notes ORDER BY id")
        return [(kind, text if isinstance(text, bytes) else text.encode()) for kind, text in rows]

    def call(self, tool: str, arguments: dict[str, Any], *, client: str = "") -> Any:
        """``tools/call`` and its answer; ``client`` is who says it in the era without a handshake."""
        params: dict[str, Any] = {"name": tool, "arguments": arguments}
        if client:
            self._modern = client
            params["_meta"] = modern_meta(client)
        return self.ask("tools/call", **params)

    def begin(self, client: str = "test") -> None:
        """The handshake of the old era."""
        params = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": client, "version": "1"},
        }
        self.ask("initialize", **params)
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    def arrivals(self) -> list[Arrival]:
        """All that the witness got since the last time this was asked."""
        self._count += 1
        sentinel = f"sentinel {self._count}"
        meta = {"_meta": modern_meta(self._modern)} if self._modern else {}
        self.ask("ping", id=sentinel, **meta)
        lines = until(lambda: self._whole(sentinel))
        found = [json.loads(line) for line in lines[self._read :]]
        self._read = len(lines)
        told = [(bytes.fromhex(one["body"]), [tuple(h) for h in one.get("headers", ())]) for one in found]
        return [(body, headers) for body, headers in told if sentinel.encode() not in body]

    def _whole(self, sentinel: str) -> list[bytes]:
        lines = self._log.read_bytes().splitlines() if self._log.exists() else []
        return lines if any(sentinel.encode().hex().encode() in line for line in lines) else []

    def attack(self, attack: Attack) -> None:
        """Say what ``attack`` says, whatever is answered."""
        if self.by_http:
            self.post(attack.body, attack.headers, attack.target, attack.method)
        else:
            self.send(attack.body)

    def ended(self) -> bool:
        """Whether the proxy has given up, so that nothing can pass any more."""
        return not self.by_http and self._process.poll() is not None

    def dares(self, request: bytes) -> bool:
        """Say a request; whether an answer comes that is no refusal of HTTP, while the proxy lives."""
        if self.by_http:
            try:
                return self.post(request)[0] == 200
            except (OSError, http.client.HTTPException):
                return True
        try:
            self.send(request)
            self.hear(json.loads(request)["id"])
        except (BrokenPipeError, AssertionError):
            self._process.wait(20)
            return False
        return True

    def ask(self, method: str, *, id: str = "", **params: Any) -> Any:
        """A request and its answer (result or error)."""
        self._count += 1
        id = id or f"q{self._count}"
        data = json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode()
        if self.by_http:
            mirrored: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
            if "_meta" in params:
                mirrored += (("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method))
                mirrored += (("Mcp-Name", params["name"]),) if "name" in params else ()
            _, said = self.post(data, mirrored)
            found = json.loads(said)
        else:
            self.send(data)
            found = self.hear(id)
        return found.get("result", found.get("error"))

    def send(self, data: bytes) -> None:
        if self.by_http:
            self.post(data)
            return
        assert self._process.stdin is not None
        self._process.stdin.write(data + b"\n")
        self._process.stdin.flush()

    def hear(self, id: Any) -> Any:
        """The answer to ``id``; what comes before it is passed over."""
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            try:
                found = json.loads(line)
            except ValueError:
                continue  # not everything that a server says is JSON
            if isinstance(found, dict) and found.get("id") == id and "method" not in found:
                return found
        raise AssertionError("the proxy has ended")

    def line(self) -> bytes:
        """The next line that the client gets on stdio."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def lines_until_sentinel(self) -> list[bytes]:
        """What the client gets on stdio up to the answer of a ping that is sent now."""
        self._count += 1
        sentinel = f"sentinel {self._count}".encode()
        self.send(b'{"jsonrpc":"2.0","id":"%b","method":"ping"}' % sentinel)
        assert self._process.stdout is not None
        found: list[bytes] = []
        while (line := self._process.stdout.readline()) and sentinel not in line:
            found.append(line)
        return found

    def post(
        self,
        body: bytes,
        headers: tuple[tuple[str, str], ...] = (),
        target: str = "/mcp",
        method: str = "POST",
        seconds: float = 20,
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(
            str(self.url.hostname), int(self.url.port or 0), timeout=seconds
        )
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            own = (("Authorization", f"Bearer {self.token}"),) if self.token else ()
            accept = (("Accept", "application/json, text/event-stream"),)
            for name, value in (
                *(headers or (("Content-Type", "application/json"),)),
                *accept,
                *own,
                *(self._session if method == "POST" else ()),
            ):
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            said = connection.getresponse()
            if session := said.getheader("Mcp-Session-Id"):
                self._session = (("Mcp-Session-Id", session),)
            return said.status, said.read()
        finally:
            connection.close()
