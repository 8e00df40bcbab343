"""The HTTP headers that mirror a modern request's body, and whether they agree with it.

2026-07-28, "Standard request headers" and "x-mcp-header": ``MCP-Protocol-Version``, ``Mcp-Method``,
``Mcp-Name``, and one ``Mcp-Param-<Name>`` for each argument whose schema says so.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import declared

VERSION: Final = "MCP-Protocol-Version"
METHOD: Final = "Mcp-Method"
NAME: Final = "Mcp-Name"
PARAM_PREFIX: Final = "Mcp-Param-"

Headers = list[tuple[str, str]]

_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_INTEGER = re.compile(r"-?[0-9]+(?:\.0+)?")
_MAX_INTEGER_CHARACTERS = 400
_TYPES = {"string", "integer", "boolean"}
_NAMED_BY = {
    Method.TOOLS_CALL: "name",
    Method.PROMPTS_GET: "name",
    Method.RESOURCES_READ: "uri",
    Method.TASKS_GET: "taskId",
    Method.TASKS_UPDATE: "taskId",
    Method.TASKS_CANCEL: "taskId",
}


@dataclass(frozen=True, slots=True)
class Mirror:
    """An argument that travels as a header: its place among the arguments, its schema's type."""

    header: str
    path: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A header that does not say what the body says; ``body`` is None where the body gives no such header."""

    header: str
    text: str
    said: str | None
    body: str | None


def encode(value: str) -> str:
    """``value`` as a header value: as it is where that is safe, else ``=?base64?...?=``."""
    if not value or (_PLAIN.fullmatch(value) and not _SENTINEL.fullmatch(value)):
        return value
    return f"=?base64?{base64.b64encode(value.encode(errors='surrogatepass')).decode()}?="


def decode(text: str) -> str:
    """The value a header stands for; ``ValueError`` where the encoding is broken."""
    match = _SENTINEL.fullmatch(text)
    if match is None:
        return text
    try:
        return base64.b64decode(match[1].encode(), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(f"not base64 of UTF-8: {text[:80]}") from error


def mirrors(schema: dict[str, Any] | None) -> tuple[list[Mirror], list[str]]:
    """The valid ``x-mcp-header`` annotations of an ``inputSchema``, and what is wrong with the others.

    An HTTP client must drop a tool that has one that is wrong; a repeated name makes every use of it wrong.
    """
    found: list[Mirror] = []
    wrong: list[str] = []
    reachable: set[int] = set()
    for path, node in _properties(schema):
        reachable.add(id(node))
        if "x-mcp-header" not in node:
            continue
        name, kind = node["x-mcp-header"], node.get("type")
        where = ".".join(path)
        if type(name) is not str or not _TOKEN.fullmatch(name):
            wrong.append(f"{where}: the name is no token")
        elif type(kind) is not str or kind not in _TYPES:
            wrong.append(f"{where}: only strings, integers and booleans can be mirrored")
        else:
            found.append(Mirror(PARAM_PREFIX + name, path, kind))
    names = [mirror.header.lower() for mirror in found]
    twice = {name for name in names if names.count(name) > 1}
    wrong += [f"{'.'.join(m.path)}: {m.header} is used twice" for m in found if m.header.lower() in twice]
    if _annotated_elsewhere(schema, reachable):
        wrong.append("an annotation where properties alone do not lead")
    return [mirror for mirror in found if mirror.header.lower() not in twice], wrong


def derive(message: Message, schema: dict[str, Any] | None = None) -> Headers:
    """The headers that a modern POST of this body has; ``schema`` is the called tool's ``inputSchema``."""
    return _derive(message, mirrors(schema)[0])


def _derive(message: Message, mirrored: list[Mirror]) -> Headers:
    headers: Headers = []
    revision = declared(message.meta)
    if revision:
        headers.append((VERSION, revision))
    if not message.method:
        return headers
    headers.append((METHOD, message.method))
    name = _name_of(message)
    if name is not None:
        headers.append((NAME, encode(name)))
    if message.method == Method.TOOLS_CALL:
        arguments = message.params.get("arguments")
        for mirror in mirrored:
            value = _text_at(arguments, mirror.path)
            if value is not None:
                headers.append((mirror.header, encode(value)))
    return headers


def mismatches(
    headers: Iterable[tuple[str, str]], message: Message, schema: dict[str, Any] | None = None
) -> list[Mismatch]:
    """Where headers and body of a modern request disagree; unknown ``Mcp-Param-*`` are nobody's business."""
    said: dict[str, list[str]] = {}
    for name, value in headers:
        said.setdefault(name.lower(), []).append(value.strip(" \t"))
    mirrored = mirrors(schema)[0] if message.method == Method.TOOLS_CALL else []
    wanted = dict(_derive(message, mirrored))
    found: list[Mismatch] = []
    numeric = {mirror.header for mirror in mirrored if mirror.type == "integer"}
    known = {VERSION, METHOD, NAME, *(mirror.header for mirror in mirrored)}
    if message.kind is not Kind.REQUEST and METHOD.lower() not in said:
        wanted.pop(METHOD, None)
    for header in sorted(known | wanted.keys()):
        problem = _compare(said.get(header.lower(), []), wanted.get(header), numeric=header in numeric)
        if problem:
            values = said.get(header.lower())
            found.append(Mismatch(header, problem, values[0] if values else None, wanted.get(header)))
    return found


def follow(headers: Headers, old: Message, new: Message, schema: dict[str, Any] | None = None) -> Headers:
    """``headers`` of ``old`` made to fit its edited body ``new``; all others stay, in their order.

    Without the tool's schema a ``Mcp-Param-*`` is rewritten where its value was that of an argument.
    """
    before, after = dict(derive(old, schema)), dict(derive(new, schema))
    lowered = {name.lower(): name for name in before.keys() | after.keys()}
    out: Headers = []
    present: set[str] = set()
    for name, value in headers:
        known = lowered.get(name.lower())
        if known is not None:
            present.add(known)
            if known in after:
                same = before.get(known) == after[known]
                out.append((name, value if same else after[known]))
        elif schema is None and name.lower().startswith(PARAM_PREFIX.lower()):
            follows = _follow_argument(value, old, new)
            out.extend([(name, follows)] if follows is not None else [])
        else:
            out.append((name, value))
    return out + [
        (name, value) for name, value in after.items() if name not in present and name not in before
    ]


def _follow_argument(value: str, old: Message, new: Message) -> str | None:
    try:
        plain = decode(value)
    except ValueError:
        return value
    was, now = old.params.get("arguments"), new.params.get("arguments")
    for path in _scalars(was):
        if _text_at(was, path) == plain and (text := _text_at(now, path)) != plain:
            return None if text is None else encode(text)
    return value


def _scalars(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if type(value) is dict and len(path) < 16:
        for name, item in value.items():
            yield from _scalars(item, (*path, name))
    else:
        yield path


def _compare(said: list[str], wanted: str | None, *, numeric: bool) -> str:
    if wanted is None:
        return "the body has no such value" if said else ""
    if not said:
        return "missing"
    if len(said) > 1:
        return "given more than once"
    try:
        value, body = decode(said[0]), decode(wanted)
    except ValueError as error:
        return str(error)
    if value == body or (numeric and _number(value) is not None and _number(value) == _number(body)):
        return ""
    return "differs from the body"


def _number(text: str) -> int | None:
    if len(text) > _MAX_INTEGER_CHARACTERS or not _INTEGER.fullmatch(text):
        return None
    return int(text.partition(".")[0])


def _name_of(message: Message) -> str | None:
    member = _NAMED_BY.get(message.method)  # type: ignore[call-overload]  # a StrEnum is its text
    value = message.params.get(member) if member else None
    return value if isinstance(value, str) else None


def _text_at(arguments: Any, path: tuple[str, ...]) -> str | None:
    """The header text of an argument; None where it is absent, null or not to be written in a header."""
    value = arguments
    for step in path:
        value = value.get(step) if type(value) is dict else None
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float and value.is_integer():
        return str(int(value))
    return value if type(value) is str else str(value) if type(value) is int else None


def _properties(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    properties = schema.get("properties") if type(schema) is dict else None
    if type(properties) is not dict or len(path) >= 16:
        return
    for name, node in properties.items():
        if type(node) is dict:
            yield (*path, name), node
            yield from _properties(node, (*path, name))


def _annotated_elsewhere(schema: Any, reachable: set[int], depth: int = 64) -> bool:
    if not depth:
        return False
    if type(schema) is dict:
        if (
            "x-mcp-header" in schema
            and id(schema) not in reachable
            and type(schema.get("x-mcp-header")) is str
        ):
            return True
        return any(_annotated_elsewhere(value, reachable, depth - 1) for value in schema.values())
    if type(schema) is list:
        return any(_annotated_elsewhere(value, reachable, depth - 1) for value in schema)
    return False
