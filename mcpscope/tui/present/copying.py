"""What can be copied of an exchange: bytes of it, and snippets that say it again (ux.md 2.17)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from mcpscope.store.listed import SessionRow
from mcpscope.tui.loaded import Body, Loaded
from mcpscope.tui.present import figures
from mcpscope.tui.present.heading import target
from mcpscope.tui.present.jsonindex import JsonIndex, index_json
from mcpscope.tui.present.rows import label
from mcpscope.tui.present.snippets import as_inspector, as_line, as_python, as_test, curl

MAX_MARKDOWN_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Copyable:
    """One entry of the copy menu; ``why_not`` empty means that ``text`` is what would be copied."""

    key: str
    name: str
    title: str
    text: str = ""
    why_not: str = ""


def copies(
    loaded: Loaded, session: SessionRow | None, shown: bytes, path: str, masks: Sequence[str] = ()
) -> list[Copyable]:
    """The copy menu. ``shown`` are the bytes in the viewer, ``path`` the node under its cursor.

    ``masks`` are those of the recording.
    """
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
    return [*found, *_snippets(loaded, session, arguments, masks)]


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
    loaded: Loaded, session: SessionRow | None, arguments: bytes, masks: Sequence[str]
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
    spoken = Copyable("u", "curl", "curl", *curl(session, loaded, why))
    if not loaded.row.tool:
        why = "it is no tool call"
    if why or session is None:
        others = (Copyable(key, name, title, "", why) for key, name, title in titles)
        return [spoken, *others, markdown]
    given = arguments.decode("utf-8", "replace") or "{}"
    made = {
        "mcpscope": (as_line(session, loaded.row.tool, given), ""),
        "inspector": (as_inspector(session, loaded.row.tool, given), ""),
        "python": (as_python(session, loaded.row.tool, given), ""),
        "pytest": (as_test(session, loaded, given, masks), ""),
    }
    return [spoken, *(Copyable(key, name, title, *made[name]) for key, name, title in titles), markdown]


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
