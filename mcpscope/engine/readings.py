"""What else a lenient reader may see in a message that strict readers agree on.

JSON leaves open what a reader does with its texts: some normalise them, end them at NUL, drop what is
invisible, ignore the case of member names, resolve URIs. Every such reading is a message of its own here, so
that rules can judge it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from mcpscope.engine.ruled import Ruled
from mcpscope.engine.scripted import in_script
from mcpscope.engine.uris import climbed, local, resolved
from mcpscope.protocol.lookalikes import latin
from mcpscope.protocol.message import Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import parse

Text = Callable[[str], str]

_NESTED: Final = frozenset({str, dict, list})

MAX_ALIKE: Final = 8
"""Ruled names that one name is taken for; more look-alikes in one policy are no names any more."""

# Controls but white space, format characters, and the fillers and selectors that are drawn as nothing.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SYNTAX_WHEN_NORMALISED: Final = re.compile("[\uff02\uff3c\ufe68]")
_NAMED: Final[tuple[tuple[str, ...], ...]] = (
    ("name",),
    ("uri",),
    ("ref", "name"),
    ("ref", "uri"),
    ("taskId",),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Another message in the same bytes; ``looks`` where only a name is read as one that looks like it."""

    message: Message
    looks: bool = False


def readings(message: Message, ruled: Ruled, listed: Callable[[str], bool]) -> Iterator[Reading]:
    """The other messages that ``message`` may be; none for what is said in plain characters.

    A name that the server lists (``listed``) is not taken for another by its looks.
    """
    body = message.body
    member = ruled.member
    found: list[tuple[Any, bool]] = []
    if message.raw.isascii() and b"\\" not in message.raw:
        careless = body if _is_plain(body, member) else _mapped(body, str.strip, member)
    else:
        found += [(_mapped(body, form, form), False) for form in (_nfc, _nfkc)]
        careless = _mapped(body, _careless, lambda name: member(_careless(name)))
        found.append((_mapped(body, _without_nul, lambda name: member(_without_nul(name))), False))
    found += [(careless, False), (in_script(body), False), (in_script(careless), False)]
    found += _named_otherwise(careless, ruled, listed)
    seen = [body]
    for other, looks in found:
        if other is not body and other not in seen:
            seen.append(other)
            yield Reading(parse(json.dumps(other).encode()), looks)
    text = "" if message.raw.isascii() else message.raw.decode(errors="replace")
    if _SYNTAX_WHEN_NORMALISED.search(text):
        yield Reading(parse(_nfkc(text).encode()))


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _nfkc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _careless(text: str) -> str:
    """As a reader sees it that ends texts at NUL, normalises them, and drops what nobody sees."""
    plain = _UNSEEN.sub("", _nfkc(text.partition("\0")[0])).strip()
    return _nfkc(plain)


def _is_plain(value: Any, member: Text) -> bool:
    """Whether no text has white space at its ends and no member may be taken for a ruled one."""
    kind = type(value)
    if kind is str:
        return not (value[:1].isspace() or value[-1:].isspace())
    if kind is dict:
        for name, item in value.items():
            if member(name) is not name:
                return False
            if type(item) in _NESTED and not _is_plain(item, member):
                return False
        return True
    if kind is list:
        for item in value:
            if type(item) in _NESTED and not _is_plain(item, member):
                return False
    return True


def _mapped(value: Any, text: Text, key: Text) -> Any:
    """``value`` with its texts and member names mapped; the same object where nothing changes."""
    kind = type(value)
    if kind is str:
        new = text(value)
        return value if new == value else new
    if kind is dict:
        changed = {key(name): _mapped(item, text, key) for name, item in value.items()}
        same = all(new is old for new, old in zip(changed.values(), value.values(), strict=False))
        return value if same and changed.keys() == value.keys() else changed
    if kind is list:
        items = [_mapped(item, text, key) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    return value


def _named_otherwise(
    body: dict[str, Any], ruled: Ruled, listed: Callable[[str], bool]
) -> Iterator[tuple[Any, bool]]:
    """``body`` with what it is about spelled as a ruled name, or with its URI resolved."""
    params = body.get("params")
    if type(params) is not dict:
        return
    for path in _NAMED:
        holder: Any = params if len(path) == 1 else params.get(path[0])
        value: Any = holder.get(path[-1]) if type(holder) is dict else None
        if type(value) is not str:
            continue
        found = _of_uri(value) if path[-1] == "uri" else [] if listed(value) else _looks(value, ruled)
        for other, looks in found:
            changed = {**holder, path[-1]: other}
            made = changed if holder is params else {**params, path[0]: changed}
            yield {**body, "params": made}, looks
    for other, looks in _looks(str(body.get("method", "")), ruled):
        yield {**body, "method": other}, looks
    if body.get("method") == Method.LISTEN:
        yield from _subscriptions(body, params)


def _without_nul(text: str) -> str:
    """As ``_careless``, for a reader that drops NUL instead of ending the text there."""
    return _careless(text.replace("\0", ""))


def _of_uri(uri: str) -> list[tuple[str, bool]]:
    """Where ``uri`` leads. That it climbs out of a folder counts against what allows the folder, too."""
    others = ((climbed(uri), False), (resolved(uri), True), (local(uri), True))
    return [(other, looks) for other, looks in others if other != uri]


def _looks(name: str, ruled: Ruled) -> list[tuple[str, bool]]:
    """What ``name`` looks like: ruled names, and itself in Latin and in small letters for globs."""
    alike = ruled.alike(name)
    if not alike:
        return []
    return [(other, True) for other in (*alike[:MAX_ALIKE], latin(name), latin(name).casefold())]


def named(message: Message) -> Iterator[str]:
    """What ``message`` is about, by the members that name it; its repeated members are refused before."""
    params = message.params
    ref = params.get("ref")
    for value in (params.get("name"), params.get("uri"), *(ref.values() if type(ref) is dict else ())):
        if type(value) is str:
            yield value


def _subscriptions(body: dict[str, Any], params: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """Each resource that a modern client subscribes to, as a subscription of its own."""
    wished = params.get("notifications")
    uris = wished.get("resourceSubscriptions") if type(wished) is dict else None
    for uri in uris if type(uris) is list else ():
        if type(uri) is str:
            for spelling, looks in ((uri, True), *_of_uri(uri)):
                for method in (Method.LISTEN, Method.SUBSCRIBE):
                    yield {**body, "method": str(method), "params": {**params, "uri": spelling}}, looks
