"""Snippets that say a recorded request again, each ready to run: curl, Python, pytest and command lines."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

import orjson

from mcpscope.exports.suites import Server, answer_in, call_test
from mcpscope.protocol.headers import derive
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import LATEST_LEGACY
from mcpscope.replay.json_paths import Mask
from mcpscope.store.listed import SessionRow
from mcpscope.tui.loaded import Loaded
from mcpscope.tui.present.tabs import json_value

_MASKED = re.compile(r"((?:[A-Za-z]+ )?)\[(?:masked|redacted:[0-9a-f]+)\]")  # a secret in a recorded head
_OWN_FIELDS = frozenset({"mcp-session-id", "mcpscope-token", "cookie", "proxy-authorization"})
_CONTENT = "-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'"
_SESSION = '${MCP_SESSION:+-H "Mcp-Session-Id: $MCP_SESSION"}'


def _command(session: SessionRow) -> list[str]:
    try:
        found = orjson.loads(session.command)
    except ValueError:
        return shlex.split(session.command)
    return [str(part) for part in found] if isinstance(found, list) else [str(found)]


def curl(session: SessionRow | None, loaded: Loaded, why: str) -> tuple[str, str]:
    """The line that says the request again, byte for byte, and why there is none."""
    if why or session is None or loaded.request is None:
        return "", why or "there are no bytes here"
    if loaded.row.kind != "request" or loaded.request.message.dir != "c2s":
        return "", "it is no request of the client"
    if not session.url:
        return "", "a stdio server; l has a line for it" if loaded.row.tool else "a stdio server"
    heads = _curl_headers(session, loaded, loaded.request.source)
    lines = [
        f"curl -sN {shlex.quote(session.url)}",
        "-H 'Content-Type: application/json'",
        "-H 'Accept: application/json, text/event-stream'",
        *heads,
    ]
    body = loaded.request.source.strip().decode("utf-8", "replace")
    said = " \\\n  ".join([*lines, f"-d {shlex.quote(body)}"])
    return (_greeting(session, heads) if _SESSION in heads else "") + said, ""


def _greeting(session: SessionRow, heads: Sequence[str]) -> str:
    """The handshake before the line, for a server of the older era; not where a session is named."""
    version = {"protocolVersion": session.revision or LATEST_LEGACY, "capabilities": {}}
    params = {**version, "clientInfo": {"name": "curl", "version": "1"}}
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    secrets = [line for line in heads if line != _SESSION and not line.lower().startswith("-h 'mcp-")]
    start = " ".join([shlex.quote(session.url), _CONTENT, *secrets])
    told = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    return f"""if [ -z "$MCP_SESSION" ]; then
  MCP_SESSION=$(curl -s -D - -o /dev/null {start} -d {shlex.quote(json.dumps(hello))} |
    tr -d '\\r' | awk 'tolower($1) == "mcp-session-id:" {{print $2}}')
  curl -s -o /dev/null {start} {_SESSION} -d {shlex.quote(json.dumps(told))}
fi
"""


def _curl_headers(session: SessionRow, loaded: Loaded, source: bytes) -> list[str]:
    """The protocol's fields as recorded, else as they follow from the body; secrets as variables."""
    recorded = json_value(loaded.streams[0].encode(), "headers")
    fields = [
        (str(name), str(value))
        for name, value in (recorded if isinstance(recorded, list) else ())
        if str(name).lower() not in _OWN_FIELDS
    ]
    said = [(name, value) for name, value in fields if name.lower().startswith("mcp-")]
    if not said and session.era == "modern":
        schema = json_value(loaded.definition or b"", "inputSchema")
        said = derive(parse(source), schema if isinstance(schema, dict) else None)
    elif not said and session.revision and loaded.row.method != "initialize":
        said = [("MCP-Protocol-Version", session.revision)]
    lines = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in said if not _MASKED.fullmatch(value)]
    for name, value in fields:
        if secret := _MASKED.fullmatch(value):
            variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
            lines.append(f'-H {shlex.quote(f"{name}: {secret[1]}")}"${{{variable}}}"')
    if session.era != "modern" and loaded.row.method != "initialize":
        lines.append(_SESSION)
    return lines


def as_line(session: SessionRow, tool: str, arguments: str) -> str:
    where = shlex.quote(session.url) if session.url else "-- " + shlex.join(_command(session))
    return f"mcpscope call {shlex.quote(tool)} --args {shlex.quote(arguments)} {where}"


def as_inspector(session: SessionRow, tool: str, arguments: str) -> str:
    where = [session.url, "--transport", "http"] if session.url else _command(session)
    parts = [
        "npx",
        "@modelcontextprotocol/inspector",
        "--cli",
        *where,
        "--method",
        "tools/call",
        "--tool-name",
        tool,
    ]
    return shlex.join([*parts, "--tool-args-json", arguments])


def _open_client(session: SessionRow) -> tuple[str, str]:
    """The imports and the expression of a client for the server, for the Python SDK 2.x."""
    if session.url:
        return "from mcp import Client", f"Client({session.url!r})"
    command, *rest = _command(session) or [""]
    imports = "from mcp import Client, StdioServerParameters\nfrom mcp.client.stdio import stdio_client"
    return imports, f"Client(stdio_client(StdioServerParameters(command={command!r}, args={rest!r})))"


def as_python(session: SessionRow, tool: str, arguments: str) -> str:
    imports, client = _open_client(session)
    return f"""import asyncio

{imports}


async def main() -> None:
    async with {client} as client:
        result = await client.call_tool({tool!r}, {_value(arguments)!r})
        print(result.model_dump_json(indent=2, by_alias=True, exclude_none=True))


asyncio.run(main())
"""


def as_test(session: SessionRow, loaded: Loaded, arguments: str, masks: Sequence[str]) -> str:
    """A file for pytest with the ``mcpscope`` fixture: arguments, recorded answer, masks."""
    words = [session.url] if session.url else _command(session)
    server = Server(words, modern=session.era == "modern")
    answer = answer_in(loaded.answer.source) if loaded.answer is not None and loaded.answer.whole else None
    own = [mask for mask in masks if Mask(mask).is_for(loaded.row.tool)]
    return call_test(server, loaded.row.tool, _value(arguments), answer, own)


def _value(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return {}
