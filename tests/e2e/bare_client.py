"""A bare HTTP client that says exactly what it is told, for tests of what a library would not say."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

PREFIX = "io.modelcontextprotocol/"
ENVELOPE = {
    f"{PREFIX}protocolVersion": "2026-07-28",
    f"{PREFIX}clientCapabilities": {"elicitation": {}},
    f"{PREFIX}clientInfo": {"name": "t", "version": "1"},
}


def called(id: int, name: str, **arguments: object) -> bytes:
    params = {"name": name, "arguments": arguments, "_meta": {"progressToken": id}}
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode()


def messages(body: bytes) -> list[dict[str, Any]]:
    """The messages of an answer, which may be one or a stream of events."""
    if body.lstrip().startswith(b"{"):
        return [json.loads(body)]
    return [json.loads(line[5:]) for line in body.split(b"\n") if line.startswith(b"data:")]


class Client:
    """A bare HTTP client on one connection."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)
        self.session = ""

    async def __aenter__(self) -> Client:
        self.reader, self.writer = await asyncio.open_connection(self.parts.hostname, self.parts.port)
        return self

    async def __aexit__(self, *failure: object) -> None:
        self.writer.close()

    async def ask(
        self, body: bytes, *lines: str, host: str = "localhost", method: str = "POST"
    ) -> tuple[int, dict[str, str], bytes]:
        head = [f"{method} {self.parts.path} HTTP/1.1", f"Host: {host}", "Content-Type: application/json"]
        head += ["Accept: application/json, text/event-stream", f"Content-Length: {len(body)}", *lines]
        head += [f"Mcp-Session-Id: {self.session}"] if self.session else []
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)
        status, fields = await self.head()
        return status, fields, await self.body(fields)

    async def head(self) -> tuple[int, dict[str, str]]:
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {
            line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:] if line
        }
        return int(lines[0].split()[1]), fields

    async def body(self, fields: dict[str, str]) -> bytes:
        if "content-length" in fields:
            return await self.reader.readexactly(int(fields["content-length"]))
        found = b""
        while size := int(await self.reader.readline(), 16):
            found += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return found

    async def initialize(self) -> None:
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        body = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).encode()
        status, fields, _ = await self.ask(body)
        assert status == 200
        self.session = fields.get("mcp-session-id", "")


class Stateless(Client):
    """A client of 2026-07-28 that cannot be told from the others of its kind."""

    async def call(self, name: str, **more: Any) -> list[dict[str, Any]]:
        params = {"name": name, "_meta": {**ENVELOPE, "progressToken": 1}, **more}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        said = ("MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", f"Mcp-Name: {name}")
        return messages((await self.ask(body, *said))[2])
