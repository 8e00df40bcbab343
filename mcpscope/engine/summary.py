"""The one line that says what an exchange was about and what came of it, from recorded text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.revisions import CLIENT_INFO, SERVER_INFO

WIDTH = 120
_TEXT_WIDTH = 60


def cut(text: str, width: int = _TEXT_WIDTH) -> str:
    """At most ``width`` characters, one line, storable as UTF-8."""
    if len(text) > width:
        text = text[: width - 1] + "…"
    if text.isprintable():  # so there is no lone surrogate in it either
        return text
    return " ".join(text.split()).encode(errors="backslashreplace").decode()


def of_bytes(raw: bytes) -> str:
    """What a line that is no message says."""
    return cut(raw[: 4 * WIDTH].decode(errors="replace"), WIDTH)


def asked(method: str, params: dict[str, Any]) -> str:
    """What a request or notification says beside its method and target."""
    if not params:
        return ""
    teller = _ASKED.get(method)
    return _labelled(params, "cursor", "level", "status") if teller is None else teller(params)


def told(method: str, result: Any) -> str:
    """What a result says."""
    if type(result) is not dict:
        return _text(result)
    if method in LISTS:
        return _counted(method, result)
    teller = _TOLD.get(method)
    if teller is not None:
        return teller(result)
    if "content" in result:
        return _blocks(result["content"], quoted=result.get("isError") is True)
    for noun in ("contents", "messages", "roots"):
        items = result.get(noun)
        if type(items) is list:
            return f"{len(items)} {noun if len(items) != 1 else noun[:-1]}"
    requests = result.get("inputRequests")
    if type(requests) is dict:
        return cut("asks for " + ", ".join(_asks(entry) for entry in requests.values()))
    return _word(result.get("status"))


def failed(error: dict[str, Any]) -> str:
    """What an error says."""
    return cut(_word(error.get("message")), WIDTH)


def progress(params: dict[str, Any]) -> str:
    done, total = params.get("progress"), params.get("total")
    text = f"progress {_number(done)}" + (f"/{_number(total)}" if total is not None else "")
    message = params.get("message")
    return cut(f"{text} {message}", WIDTH) if type(message) is str and message else text


def _number(value: Any) -> str:
    return f"{value:g}" if type(value) is float else cut(str(value), 20)


def arguments(given: dict[str, Any]) -> str:
    """What a call or a prompt is given."""
    line = _joined(given)
    if line.isprintable():
        return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
    return cut(_joined(given, cut), WIDTH)  # each text as one line, and those that are left as they are


def _joined(arguments: dict[str, Any], shown: Callable[[str], str] | None = None) -> str:
    """As many of ``arguments`` as fill the line, and perhaps a bit more; texts are ``shown``, or cut."""
    parts: list[str] = []
    room = WIDTH
    for name, value in arguments.items():
        kind = type(value)
        if kind is str:
            if shown is not None:
                value = shown(value)
            elif len(value) > _TEXT_WIDTH:
                value = f"{value[: _TEXT_WIDTH - 1]}…"
            part = f'{name}="{value}"'
        elif kind is list:
            part = f"{name}=[{len(value)}]"
        else:
            part = f"{name}={_value(value)}"
        parts.append(part)
        room -= len(part) + 1
        if room <= 0:
            break
    return " ".join(parts)


def _value(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return f'"{cut(value)}"'
    if kind is dict:
        return "{…}" if value else "{}"
    if kind is list:
        return f"[{len(value)}]"
    if value is None or kind is bool:
        return json.dumps(value)
    return cut(str(value), 24)


def _labelled(params: dict[str, Any], *names: str) -> str:
    parts = [f"{name}={_value(params[name])}" for name in names if name in params]
    return cut(" ".join(parts), WIDTH)


def _who(info: Any) -> str:
    if type(info) is not dict:
        return ""
    return cut(f"{_word(info.get('name'))} {_word(info.get('version'))}".strip())


def _counted(method: str, result: dict[str, Any]) -> str:
    items = result.get(LISTS[method])
    noun = "templates" if method == Method.TEMPLATES_LIST else LISTS[method]
    count = f"{len(items)} {noun if len(items) != 1 else noun[:-1]}" if type(items) is list else ""
    return f"{count}, more follow" if count and "nextCursor" in result else count


def _blocks(content: Any, *, quoted: bool) -> str:
    if type(content) is not list:
        return _text(content)
    kinds: dict[str, int] = {}
    for block in content:
        kind = _kind_of_block(block)
        kinds[kind] = kinds.get(kind, 0) + 1
    if quoted or (len(content) == 1 and "text" in kinds):
        for block in content:
            if type(block) is dict and type(block.get("text")) is str:
                return f'"{cut(block["text"])}"'
    parts = (f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in kinds.items())
    return cut(", ".join(parts), WIDTH)


def _kind_of_block(block: Any) -> str:
    if type(block) is not dict:
        return "block"
    mime = block.get("mimeType")
    kind = _word(block.get("type")) or "block"
    return cut(mime, 30) if kind in ("image", "audio") and type(mime) is str else kind


def _asks(entry: Any) -> str:
    return _word(entry.get("method")) if type(entry) is dict else "?"


def _text(value: Any, depth: int = 4) -> str:
    """The first text found in a value of the protocol: a string, a block, a message with content."""
    if type(value) is str:
        return cut(value)
    if depth and type(value) is list and value:
        return _text(value[0], depth - 1)
    if depth and type(value) is dict:
        for member in ("text", "content", "message"):
            if member in value:
                return _text(value[member], depth - 1)
    if type(value) in (list, dict):
        return "…"
    return "" if value is None else cut(str(value), 24)


def _word(value: Any) -> str:
    return cut(value) if type(value) is str else ""


def _meta(holder: dict[str, Any]) -> dict[str, Any]:
    found = holder.get("_meta")
    return found if type(found) is dict else {}


def _log(params: dict[str, Any]) -> str:
    return cut(f"{_word(params.get('level'))}: {_text(params.get('data'))}", WIDTH)


def _called(params: dict[str, Any]) -> str:
    given = params.get("arguments")
    return arguments(given) if type(given) is dict else ""


def _last_message(params: dict[str, Any]) -> str:
    messages = params.get("messages")
    return _text(messages[-1]) if type(messages) is list and messages else ""


def _completed(params: dict[str, Any]) -> str:
    argument = params.get("argument")
    return _labelled(argument, "name", "value") if type(argument) is dict else ""


def _wanted(params: dict[str, Any]) -> str:
    wanted = params.get("notifications")
    return cut(" ".join(wanted)) if type(wanted) is dict else ""


_ASKED: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    Method.TOOLS_CALL: _called,
    Method.PROMPTS_GET: _called,
    Method.INITIALIZE: lambda params: _who(params.get("clientInfo")),
    Method.DISCOVER: lambda params: _who(_meta(params).get(CLIENT_INFO)),
    Method.PROGRESS: progress,
    Method.CANCELLED: lambda params: _labelled(params, "requestId", "reason"),
    Method.LOG: _log,
    Method.SAMPLING: _last_message,
    Method.ELICITATION: lambda params: _text(params.get("message")),
    Method.COMPLETE: _completed,
    Method.LISTEN: _wanted,
}

_TOLD: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    Method.INITIALIZE: lambda result: _who(result.get("serverInfo")),
    Method.DISCOVER: lambda result: _who(_meta(result).get(SERVER_INFO)),
    Method.ELICITATION: lambda result: _word(result.get("action")),
    Method.SAMPLING: _text,
}
