"""To which upstream a request goes, by what it names, and what it says there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from mcpscope.engine.patch import encode, put
from mcpscope.gateway.naming import AMBIGUOUS, NAMED, Names, OwnName
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse

MOST_WAYS = 4096
MOST_BYTES = 65536  # of larger messages the parser does not say whether a key stands in them twice
_TOOL_PLACE = ("params", "name")
_BY_URI = frozenset({"resources/read", "resources/subscribe", "resources/unsubscribe"})


@dataclass(frozen=True, slots=True)
class Way:
    """``to`` one upstream goes ``message``. Without ``to`` it is nobody's, or it is not known yet whose:
    ``lists`` are the methods that would show it.
    """

    to: str = ""
    message: Message | None = None
    lists: tuple[str, ...] = ()


def way_of(message: Message, names: Names, tasks: dict[str, str]) -> Way | None:
    """Where a request goes that names something; None for one that does not."""
    method, params = message.method, message.params
    if method in NAMED:
        return _by_name(message, ("params", "name"), params.get("name"), NAMED[method], names)
    if method in _BY_URI:
        return _by_uri(message, params.get("uri"), names)
    if method == "completion/complete":
        ref = params.get("ref")
        if isinstance(ref, dict) and "uri" in ref:
            return _by_uri(message, ref.get("uri"), names)
        name = ref.get("name") if isinstance(ref, dict) else None
        return _by_name(message, ("params", "ref", "name"), name, "prompts", names)
    if method.startswith("tasks/") and method != "tasks/list":
        found = tasks.get(str(params.get("taskId")), "")
        return Way(found, message) if found else Way()
    return None


def way_of_tool(name: object, names: Names) -> OwnName | None:
    """Whose a tool is, and its name there; None where that is nobody's, or is to be found out."""
    if not isinstance(name, str):
        return None
    known = names.ways.get(name)
    if known is None:
        found = _whose(name, "tools", names)
        if not found.to:
            return None
        if len(names.ways) >= MOST_WAYS:
            names.ways.clear()
        known = names.ways[name] = _own_name(found.to, name, name.removeprefix(names.prefix(found.to)))
    return known


def _own_name(who: str, name: str, own: str) -> OwnName:
    if not name.isascii() or not name.isprintable() or '"' in name or "\\" in name:
        return OwnName(who, name, own)
    spelled, instead = (b'"params":{"name":"%b"' % one.encode() for one in (name, own))
    return OwnName(who, name, own, spelled, instead)


def called_there(message: Message, name: OwnName) -> Message:
    """A call under the tool's own name."""
    raw = message.raw
    at = raw.find(name.spelled) if name.spelled and not message.problems else -1
    # Behind one brace it is a member of the message itself, and no other has its name: the parser has looked,
    # but for keys that are spelled with an escape.
    if at < 1 or raw.count(b"{", 0, at) != 1 or len(raw) > MOST_BYTES or raw.find(b"\\u") >= 0:
        return renamed(message, _TOOL_PLACE, name.here, name.own)
    raw = raw[:at] + name.instead + raw[at + len(name.spelled) :]
    body = {**message.body, "params": {**message.body["params"], "name": name.own}}
    return Message(raw, message.kind, body, message.method, message.id, True)


def _by_name(message: Message, place: tuple[str, ...], name: object, member: str, names: Names) -> Way:
    if not isinstance(name, str):
        return Way()
    found = _whose(name, member, names)
    if not found.to:
        return found
    own = name.removeprefix(names.prefix(found.to))
    return Way(found.to, message if own == name else renamed(message, place, name, own))


def _whose(name: str, member: str, names: Names) -> Way:
    """``to`` whom a name belongs, as in a Way; nothing goes there yet."""
    owner = names.owner(member, name)
    if owner == AMBIGUOUS:
        return Way()
    candidates = [owner] if owner else names.by_prefix(name)
    if not owner and (len(candidates) > 1 or names.unprefixed()) and member not in names.known:
        return Way(lists=(f"{member}/list",))
    if not candidates:
        alone = names.unprefixed()
        if len(alone) != 1:
            return Way()
        candidates = alone
    return Way(candidates[0])


def renamed(message: Message, place: tuple[str, ...], name: str, own: str) -> Message:
    """``message`` with another name; where it is spelled as everybody does, without looking for its place."""
    raw, params = message.raw, message.params
    plain = name.isascii() and name.isprintable() and '"' not in name and "\\" not in name
    if plain and place == _TOOL_PLACE and not message.problems:
        body = {**message.body, "params": {**params, "name": own}}
        spelled = b'"name":"%b"' % name.encode()
        if raw.count(spelled) == 1:
            raw = raw.replace(spelled, b'"name":"%b"' % own.encode())
            # Only an escape spells a member otherwise; then, or where an argument is called so, too, what was
            # found may be somebody else's, and the message says something else now.
            alone = raw.count(b'"name"') == 1 and b"\\u" not in raw
            if alone or _says(raw, body):
                return Message(raw, message.kind, body, message.method, message.id, message.has_id)
    return parse(put(message.raw, place, encode(own)))


def _says(raw: bytes, body: dict[str, Any]) -> bool:
    try:
        return bool(orjson.loads(raw) == body)
    except (orjson.JSONDecodeError, RecursionError):
        return False


def _by_uri(message: Message, uri: object, names: Names) -> Way:
    if not isinstance(uri, str):
        return Way()
    owner = names.owner_of_uri(uri)
    if owner:
        return Way(owner, message)
    if owner is None and not {"resources", "resourceTemplates"} <= names.known:
        return Way(lists=("resources/list", "resources/templates/list"))
    return Way()
