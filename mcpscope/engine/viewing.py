"""One session as its client may see it: lists cut, what is hidden refused, what may change declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mcpscope.engine import announcing, listing, replacing, spans
from mcpscope.engine.commands import Command, Note, Tell
from mcpscope.engine.drift import OnDrift, Pins
from mcpscope.engine.guard import checked
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.patch import PatchError, encode, put
from mcpscope.engine.rule import Action, Phase, Rule
from mcpscope.engine.visibility import LISTED, Surface, View
from mcpscope.protocol import answers
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.revisions import PROTOCOL_VERSION

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

RESOURCE_NOT_FOUND: Final = -32002
"""What legacy servers say of a resource they do not have (2025-11-25, "Resources", Error Handling)."""

_KEYS: Final = {
    Method.TOOLS_LIST: "name",
    Method.PROMPTS_LIST: "name",
    Method.RESOURCES_LIST: "uri",
    Method.TEMPLATES_LIST: "uriTemplate",
}
_TELLING: Final = frozenset({Method.INITIALIZE, Method.DISCOVER})
_OTHERS: Final = frozenset({Method.COMPLETE, Method.LISTEN, Method.ACKNOWLEDGED, Method.RESOURCE_UPDATED})


def concerns(method: str) -> bool:
    """Whether what is seen can matter for a message of this method, or for the answer to it."""
    return method.startswith(("tools/", "prompts/", "resources/")) or method in _OTHERS or method in _TELLING


def refused(engine: Engine, passage: Passage, at: int, out: list[Command]) -> bool:
    """Make ``passage`` what its receiver may see; True if it is refused, and answered."""
    view = engine.view
    if passage.direction is Direction.TO_SERVER and passage.phase is Phase.REQUEST:
        return _asked(engine, view, passage, at, out)
    if passage.direction is Direction.TO_CLIENT and passage.message.kind is Kind.NOTIFICATION:
        return _told(engine, view, passage, at, out)
    if passage.direction is Direction.TO_CLIENT and passage.message.kind is Kind.RESULT:
        _answered(engine, view, passage, out)
    return False


def _asked(engine: Engine, view: View, passage: Passage, at: int, out: list[Command]) -> bool:
    message = passage.message
    if message.method in LISTED:
        announcing.listed(engine, LISTED[Method(message.method)], at, out)
        return False
    if message.method == Method.TOOLS_CALL and view.faces and "renamed" not in passage.applied:
        passage.applied.add("renamed")
        name = passage.tool
        real = view.real(name)
        if real is None:
            return refuse(engine, passage, Surface.TOOLS, name, "renamed", at, out)
        if real != name:
            _change(passage, put(message.raw, ("params", "name"), encode(real)), "renamed")
    for surface, name in named(passage.message):
        if why := view.hidden(surface, name):
            return refuse(engine, passage, surface, name, why, at, out)
    if message.method == Method.LISTEN:
        _narrow(view, passage)
    return False


def named(message: Message) -> list[tuple[Surface, str]]:
    """Every tool, prompt and resource that a request names, under each reading of repeated members."""
    raw, method = message.raw, message.method
    if method == Method.COMPLETE:
        start = spans.value_start(raw)
        prompts = listing.values(raw, start, "params", "ref", "name")
        uris = listing.values(raw, start, "params", "ref", "uri")
        return [(Surface.PROMPTS, name) for name in prompts] + [(Surface.RESOURCES, uri) for uri in uris]
    kind, _, _ = method.partition("/")
    if kind not in (Surface.TOOLS, Surface.PROMPTS, Surface.RESOURCES) or message.kind is Kind.MALFORMED:
        return []
    surface = Surface(kind)
    key = "uri" if surface is Surface.RESOURCES else "name"
    return [(surface, name) for name in listing.values(raw, spans.value_start(raw), "params", key)]


def refuse(
    engine: Engine, passage: Passage, surface: Surface, name: str, why: str, at: int, out: list[Command]
) -> bool:
    """As if it did not exist; what the record says does not reach the client."""
    asked = engine.face(name)[0] if surface is Surface.TOOLS and why != "renamed" else name
    data = answers.answer(passage.received, _unknown(passage, surface, asked)) if passage.is_request else None
    passage.actor, passage.rule = "rule", f"hide {why}"
    replacing.replace(engine, passage, Word.DENIED, data, at, out, {"hidden": surface.noun, "name": name})
    return True


def _unknown(passage: Passage, surface: Surface, name: str) -> bytes:
    if surface is Surface.TOOLS:
        return answers.unknown_tool(name)
    if surface is Surface.PROMPTS:
        return answers.unknown(f"Unknown prompt: {name}")
    if PROTOCOL_VERSION in passage.received.meta:
        return answers.unknown("Resource not found", {"uri": name})
    return answers.unknown("Resource not found", {"uri": name}, code=RESOURCE_NOT_FOUND)


def _told(engine: Engine, view: View, passage: Passage, at: int, out: list[Command]) -> bool:
    message = passage.message
    if message.method == Method.RESOURCE_UPDATED:
        uri = message.params.get("uri")
        if isinstance(uri, str) and (why := view.hidden(Surface.RESOURCES, uri)):
            passage.actor, passage.rule = "rule", f"hide {why}"
            replacing.replace(
                engine, passage, Word.DROPPED, None, at, out, {"hidden": "resource", "name": uri}
            )
            return True
    elif message.method == Method.ACKNOWLEDGED and passage.exchange is not None:
        wants = _wants(engine, passage)
        honoured = message.params.get("notifications")
        raw = message.raw
        for surface in view.touched:
            if surface.wish in wants and not (isinstance(honoured, dict) and honoured.get(surface.wish)):
                raw = put(raw, ("params", "notifications", surface.wish), b"true", grow=True)
        _change(passage, raw, "listChanged")
    return False


def _wants(engine: Engine, passage: Passage) -> list[str]:
    found = engine.memory.exchanges.listening()
    return next((entry.wants.split() for entry in found if entry.exchange is passage.exchange), [])


def _answered(engine: Engine, view: View, passage: Passage, out: list[Command]) -> None:
    """A list loses what is hidden; what a server says of itself gains that its lists may change."""
    method, raw = passage.method, passage.message.raw
    pins = engine.steering.pins
    if method == Method.TOOLS_LIST and pins is not None and "compared" not in passage.applied:
        passage.applied.add("compared")
        _compare(engine, pins, passage, out)
    if method in LISTS and view.active:
        surface = LISTED[Method(method)]
        face = engine.face if surface is Surface.TOOLS and view.faces else None
        again = face is not None and "renamed" in passage.applied
        hidden = _Hidden(view, surface, renamed=again)
        if again:
            face = None
        raw = listing.shown(raw, LISTS[method], _KEYS[Method(method)], hidden, face)
        if face is not None:
            passage.applied.add("renamed")
        if hidden.count and "counted" not in passage.applied:
            passage.applied.add("counted")
            passage.tags.append(f"hid{hidden.count}")
        _change(passage, raw, "hide")
    elif method in _TELLING:
        result = passage.message.result
        capabilities = result.get("capabilities") if isinstance(result, dict) else None
        for surface in view.touched:
            declared = capabilities.get(surface.value) if isinstance(capabilities, dict) else None
            if isinstance(declared, dict) and declared.get("listChanged") is not True:
                raw = put(raw, ("result", "capabilities", surface.value, "listChanged"), b"true")
                engine.reactions.declared.add(surface)
        _change(passage, raw, "listChanged")


def _compare(engine: Engine, pins: Pins, passage: Passage, out: list[Command]) -> None:
    """Hold what is listed against what was accepted; what differs is noted, and hidden before it is shown."""
    result = passage.message.result
    tools = result.get("tools") if isinstance(result, dict) else None
    turned = False
    strange = engine.reactions.strange
    if passage.request is None or "cursor" not in passage.request.params:
        strange.clear()
    named = [body for body in tools if isinstance(body, dict)] if isinstance(tools, list) else []
    pairs = [(body["name"], body) for body in named if isinstance(body.get("name"), str)]
    strange.update(name for name, body in pairs if pins.differs(name, body))
    for name, body in pairs:
        if not pins.listed(name, body, strange=name in strange):
            continue
        turned = True
        found = pins.changes(name)
        if name not in pins.drifted:
            text = f"the tool {name} is again as it was accepted"
        elif name not in pins.accepted:
            text = f"the tool {name} is new and was never accepted"
        else:
            words = ", ".join(change.text for change in found)
            text = f"the tool {name} is not as it was accepted: {words}"
        out.append(Note("drift", text))
        told = [change.to_json() for change in found]
        out.append(Tell("drift", {"tool": name, "changes": told, "on_drift": pins.on_drift.value}))
    if turned:
        engine.view.forget()


def undecided(engine: Engine, passage: Passage) -> Rule | None:
    """The question that a call of a drifted tool waits for, with ``--on-drift hold``."""
    pins = engine.steering.pins
    if pins is None or pins.on_drift is not OnDrift.HOLD or passage.message.method != Method.TOOLS_CALL:
        return None
    names = [name for _, name in named(passage.message) if pins.distrusts(name)]
    rule = Rule(f"drift {names[0]}", Action.ASK, message="its definition was not accepted") if names else None
    return None if rule is None or rule.name in passage.let_go else rule


class _Hidden:
    """Whether a name of one surface is hidden; ``renamed``: it is the name that clients see.

    ``count`` is how many were.
    """

    def __init__(self, view: View, surface: Surface, *, renamed: bool) -> None:
        self._view, self._surface, self._renamed = view, surface, renamed
        self.count = 0

    def __call__(self, name: str) -> str:
        real = self._view.real(name) if self._renamed else name
        why = "renamed" if real is None else self._view.hidden(self._surface, real)
        self.count += bool(why)
        return why


def _narrow(view: View, passage: Passage) -> None:
    """A subscription does not ask for what is hidden."""
    raw = passage.message.raw
    path = ("params", "notifications", "resourceSubscriptions")
    there = spans.find(raw, path)
    if there is not None:
        gone = listing.without(raw, there[0], lambda uri: bool(view.hidden(Surface.RESOURCES, uri)))
        _change(passage, listing.spliced(raw, gone), "hide")


def _change(passage: Passage, raw: bytes, why: str) -> None:
    """Let ``raw`` leave in place of the message, if it says something else."""
    if raw is passage.message.raw or raw == passage.message.raw:
        return
    try:
        passage.message = checked(passage.message, raw)
    except PatchError:
        passage.message = parse(raw)
    passage.actor, passage.rule = passage.actor or "rule", passage.rule or why
