"""What can be copied of an exchange: bytes of it, and snippets that say it again (ux.md 2.17)."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

import orjson

from mcpscope.protocol.headers import derive
from mcpscope.protocol.parsing import parse
from mcpscope.store.listed import SessionRow
from mcpscope.tui.loaded import Body, Loaded
from mcpscope.tui.present import figures
from mcpscope.tui.present.heading import target
from mcpscope.tui.present.jsonindex import JsonIndex, index_json
from mcpscope.tui.present.rows import label
from mcpscope.tui.present.tabs import json_value

MAX_MARKDOWN_BYTES = 20_000
_MASKED = re.compile(r"((?:[A-Za-z]+ )?)\[(?:masked|redacted:[0-9a-f]+)\]")  # a secret in a recorded head
_OWN_FIELDS = frozenset({"mcp-session-id", "mcpscope-token", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Copyable:
    """One entry of the copy menu; ``why_not`` empty means that ``text`` is what would be copied."""

    key: str
    name: str
    title: str
    text: str = ""
    why_not: str = ""


def copies(loaded: Loaded, session: SessionRow | None, shown: bytes, path: str) -> list[Copyable]:
    """The copy menu. ``shown`` are the bytes in the viewer, ``path`` the node under its cursor."""
    request, answer = _indexed(loaded.request), _indexed(loaded.answer)
    params = _part(request, "params")
    arguments = _part(request, "params", "arguments")
    result = _part(answer, "result")
    texts = _texts(loaded.answer)
    found = [
        _some("y", "json", "message JSON", shown, "there are no bytes here"),
        _some("p", "params", "params", params, "it has no params"),
        _some("a", "arguments", "arguments", arguments, "it has no arguments"),
        _call(loaded, request),
        _some("r", "result", "result", result, "there is no result"),
        Copyable("t", "text", "result text only", texts, "" if texts else "the result has no text"),
        Copyable("i", "id", "JSON-RPC id", loaded.row.rpc_id, "" if loaded.row.rpc_id else "it has no id"),
        Copyable("j", "path", "path under the cursor", path, "" if path else "no JSON under the cursor"),
        Copyable("f", "filter", "filter that finds this exchange", f"seq:{loaded.row.id}"),
    ]
    return [*found, *_snippets(loaded, session, request, arguments)]


def _some(key: str, name: str, title: str, part: bytes, why: str) -> Copyable:
    return Copyable(key, name, title, part.decode("utf-8", "replace"), "" if part else why)


def _indexed(body: Body | None) -> JsonIndex | None:
    if body is None or not body.whole:
        return None
    return body.index or index_json(body.source)


def _part(index: JsonIndex | None, *path: str) -> bytes:
    """The source of the value at ``path``, exactly as it crossed the wire."""
    if index is None or not index.valid or not len(index):
        return b""
    line = 0
    for key in path:
        if not index.is_open(line):
            return b""
        line = index.child(line, key)
        if line < 0:
            return b""
    return index.fragment(line)


def _call(loaded: Loaded, request: JsonIndex | None) -> Copyable:
    title = "call JSON with a fresh id"
    params = _part(request, "params")
    if loaded.row.kind != "request" or request is None:
        return Copyable("c", "call-json", title, "", "it is no request")
    tail = b',"params":' + params if params else b""
    method = json.dumps(loaded.row.method).encode()
    text = (
        b'{"jsonrpc":"2.0","id":"copy-' + str(loaded.row.id).encode() + b'","method":' + method + tail + b"}"
    )
    return Copyable("c", "call-json", title, text.decode("utf-8", "replace"))


def _texts(body: Body | None) -> str:
    if body is None or not body.whole:
        return ""
    try:
        message = json.loads(body.source)
    except (ValueError, RecursionError):
        return ""
    result = message.get("result") if isinstance(message, dict) else None
    content = result.get("content") if isinstance(result, dict) else None
    if not isinstance(content, list):
        return ""
    return "\n".join(
        part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _snippets(
    loaded: Loaded, session: SessionRow | None, request: JsonIndex | None, arguments: bytes
) -> list[Copyable]:
    titles = (
        ("l", "mcpscope", "mcpscope call"),
        ("n", "inspector", "Inspector's command line"),
        ("P", "python", "Python client"),
        ("T", "pytest", "pytest test"),
    )
    markdown = Copyable("m", "markdown", "Markdown for a bug report", _markdown(loaded, session))
    why = ""
    if session is None or not (session.url or session.command):
        why = "it is not known where the server is"
    elif loaded.request is not None and not loaded.request.whole:
        why = "the arguments are too large"
    curl = Copyable("u", "curl", "curl", *_curl(session, loaded, why))
    if not loaded.row.tool:
        why = "it is no tool call"
    if why or session is None:
        others = (Copyable(key, name, title, "", why) for key, name, title in titles)
        return [curl, *others, markdown]
    given = arguments.decode("utf-8", "replace") or "{}"
    made = {
        "mcpscope": (_mcpscope(session, loaded.row.tool, given), ""),
        "inspector": (_inspector(session, loaded.row.tool, given), ""),
        "python": (_python(session, loaded.row.tool, given), ""),
        "pytest": (_pytest(session, loaded.row.tool, given, loaded), ""),
    }
    return [curl, *(Copyable(key, name, title, *made[name]) for key, name, title in titles), markdown]


def _command(session: SessionRow) -> list[str]:
    try:
        found = orjson.loads(session.command)
    except ValueError:
        return shlex.split(session.command)
    return [str(part) for part in found] if isinstance(found, list) else [str(found)]


def _curl(session: SessionRow | None, loaded: Loaded, why: str) -> tuple[str, str]:
    """The line that says the request again, byte for byte, and why there is none."""
    if why or session is None or loaded.request is None:
        return "", why or "there are no bytes here"
    if loaded.row.kind != "request" or loaded.request.message.dir != "c2s":
        return "", "it is no request of the client"
    if not session.url:
        return "", "a stdio server; l has a line for it" if loaded.row.tool else "a stdio server"
    lines = [
        f"curl -sN {shlex.quote(session.url)}",
        "-H 'Content-Type: application/json'",
        "-H 'Accept: application/json, text/event-stream'",
        *_curl_headers(session, loaded, loaded.request.source),
    ]
    body = loaded.request.source.strip().decode("utf-8", "replace")
    return " \\\n  ".join([*lines, f"-d {shlex.quote(body)}"]), ""


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
        lines.append('${MCP_SESSION:+-H "Mcp-Session-Id: $MCP_SESSION"}')
    return lines


def _mcpscope(session: SessionRow, tool: str, arguments: str) -> str:
    where = shlex.quote(session.url) if session.url else "-- " + shlex.join(_command(session))
    return f"mcpscope call {shlex.quote(tool)} --args {shlex.quote(arguments)} {where}"


def _inspector(session: SessionRow, tool: str, arguments: str) -> str:
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


def _python(session: SessionRow, tool: str, arguments: str) -> str:
    imports, client = _open_client(session)
    return f"""import asyncio

{imports}


async def main() -> None:
    async with {client} as client:
        result = await client.call_tool({tool!r}, {_literal(arguments)})
        print(result.model_dump_json(indent=2, by_alias=True, exclude_none=True))


asyncio.run(main())
"""


def _pytest(session: SessionRow, tool: str, arguments: str, loaded: Loaded) -> str:
    imports, client = _open_client(session)
    expected = _texts(loaded.answer)
    name = "".join(char if char.isalnum() else "_" for char in tool)
    check = 'assert "\\n".join(part.text for part in result.content if part.type == "text") == ' + repr(
        expected
    )
    if not expected:
        check = "assert not result.is_error"
    return f"""import asyncio

{imports}


def test_{name}() -> None:
    async def call() -> None:
        async with {client} as client:
            result = await client.call_tool({tool!r}, {_literal(arguments)})
            {check}

    asyncio.run(call())
"""


def _literal(arguments: str) -> str:
    try:
        return repr(json.loads(arguments))
    except ValueError:
        return "{}"


def _markdown(loaded: Loaded, session: SessionRow | None) -> str:
    row = loaded.row
    lines = [f"### {label(row)}: {row.status}" + (f" {row.code}" if row.code is not None else ""), ""]
    if session is not None:
        server = " ".join(part for part in (session.server_name, session.server_version) if part)
        client = " ".join(part for part in (session.client_name, session.client_version) if part)
        lines.append(f"- server: {server or 'unknown'} (`{target(session)}`)")
        lines.append(f"- client: {client or 'unknown'}, protocol {session.revision or 'unknown'}")
    lines += [f"- duration: {figures.duration(row.dur_ns)}", ""]
    for title, body in (("Request", loaded.request), ("Response", loaded.answer)):
        if body is None:
            continue
        text = body.source[:MAX_MARKDOWN_BYTES].decode("utf-8", "replace")
        fence = "`" * max(3, _longest_run(text) + 1)
        cut = (
            ""
            if len(body.source) <= MAX_MARKDOWN_BYTES
            else f"\n… {figures.long_size(len(body.source))} in all"
        )
        lines += [f"{title}:", "", f"{fence}json", text + cut, fence, ""]
    return "\n".join(lines)


def _longest_run(text: str) -> int:
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    return longest
