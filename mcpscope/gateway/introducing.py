"""How the gateway introduces itself: as its one upstream does, or as all of them together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mcpscope.engine.patch import encode
from mcpscope.gateway.link import Link
from mcpscope.gateway.merging import merged_capabilities, merged_instructions, server_info
from mcpscope.gateway.upstream import FAILED
from mcpscope.protocol.answers import INVALID_PARAMS, answer
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import LATEST, LATEST_LEGACY, REVISIONS, SERVER_INFO

if TYPE_CHECKING:
    from mcpscope.gateway.asked import Asked
    from mcpscope.gateway.fan import Fan

RESOURCE_NOT_FOUND = -32002
_ASSUMED: dict[str, Any] = {"tools": {}, "prompts": {}, "resources": {}}
"""What an upstream may offer that has not said so yet."""


def begin(fan: Fan, hello: Message) -> None:
    """Shake hands with every upstream as the client does with us."""
    for link in fan.links.values():
        link.close()
    fan.introduced.clear()
    fan.links = {}
    for upstream in fan.upstreams:
        link = Link(fan.gateway.loop, upstream, fan.identity, fan.number, fan)
        link.hello = hello
        fan.links[upstream.name] = link
    for link in list(fan.links.values()):
        link.begin()


def is_complete(fan: Fan) -> bool:
    """Every upstream has answered the handshake, or is known to be broken."""
    return all(link.greeting is not None or link.word == FAILED for link in fan.links.values())


def answered(fan: Fan, hello: Message) -> bytes:
    """The answer to the client's ``initialize``."""
    greeted = {name: link for name, link in fan.links.items() if link.greeting is not None}
    fan.introduced = set(greeted)
    if fan.plain:
        return _of_one(fan, next(iter(fan.links.values())), hello)
    asked = hello.params.get("protocolVersion")
    versions = [link.result.get("protocolVersion") for link in greeted.values()]
    agreed = min((one for one in versions if one in REVISIONS), default="")
    offered = [link.result.get("capabilities") or {} for link in greeted.values()]
    offered += [
        link.upstream.introduced.get("capabilities") or _ASSUMED
        for name, link in fan.links.items()
        if name not in greeted
    ]
    result: dict[str, Any] = {
        "protocolVersion": agreed or (asked if asked in REVISIONS[:-1] else LATEST_LEGACY),
        "capabilities": merged_capabilities(offered),
        "serverInfo": server_info(fan.gateway.label),
    }
    text = merged_instructions((name, link.result.get("instructions")) for name, link in greeted.items())
    if text:
        result["instructions"] = text
    return answer(hello, b'"result":' + encode(result))


def discover(fan: Fan, asked: Asked) -> None:
    """Answer ``server/discover`` from what all upstreams answer."""
    assert fan.hub is not None
    hub = fan.hub
    names = [upstream.name for upstream in fan.upstreams]

    def known() -> None:
        links = [hub.link(name, asked) for name in names]
        greeted = [link for link in links if link.ready]
        legacy = {REVISIONS[-2]} | {str(link.result.get("protocolVersion", "")) for link in greeted}
        result: dict[str, Any] = {
            "resultType": "complete",
            "supportedVersions": [LATEST, *sorted(legacy & set(REVISIONS) - {LATEST}, reverse=True)],
            "capabilities": _modern(merged_capabilities(link.capabilities or _ASSUMED for link in links)),
            "ttlMs": 0,
            "cacheScope": "private",
            "_meta": {SERVER_INFO: server_info(fan.gateway.label)},
        }
        text = merged_instructions((link.name, link.result.get("instructions")) for link in greeted)
        if text:
            result["instructions"] = text
        fan.reply(asked, answer(asked.message, b'"result":' + encode(result)))

    hub.when_known([hub.link(name, asked) for name in names], known)


def unknown(message: Message, *, modern: bool) -> tuple[int, str]:
    """Code and words for what no upstream has."""
    params = message.params
    if message.method == "tools/call":
        return INVALID_PARAMS, f"Unknown tool: {params.get('name')}"
    if message.method == "prompts/get":
        return INVALID_PARAMS, f"Unknown prompt: {params.get('name')}"
    if message.method.startswith("resources/"):
        return INVALID_PARAMS if modern else RESOURCE_NOT_FOUND, f"Resource not found: {params.get('uri')}"
    return INVALID_PARAMS, f"Nothing of that name is here: {message.method}"


def uris(result: Any) -> Iterator[str]:
    """The resources that an answer names in its content."""
    for key in ("content", "contents", "messages"):
        blocks = result.get(key) if isinstance(result, dict) else None
        for block in blocks if isinstance(blocks, list) else ():
            found = block.get("content") if isinstance(block, dict) and key == "messages" else block
            holder = found.get("resource", found) if isinstance(found, dict) else None
            uri = holder.get("uri") if isinstance(holder, dict) else None
            if isinstance(uri, str):
                yield uri


def task_id(result: Any) -> str:
    """The task that an answer begins, in either form."""
    if not isinstance(result, dict):
        return ""
    task = result.get("task")
    found = task.get("taskId") if isinstance(task, dict) else result.get("taskId")
    return found if isinstance(found, str) else ""


def _of_one(fan: Fan, link: Link, hello: Message) -> bytes:
    from mcpscope.engine.patch import put
    from mcpscope.session.bridge_ids import id_key
    from mcpscope.session.http_local import failure_answer

    if link.greeting is None:
        return failure_answer("upstream", f"{link.name}: {link.why or 'it is slow to start'}", hello)
    raw = link.greeting.raw
    return raw if id_key(link.greeting.id) == id_key(hello.id) else put(raw, ("id",), encode(hello.id))


def _modern(capabilities: dict[str, Any]) -> dict[str, Any]:
    """Without what that era does not have."""
    capabilities.pop("tasks", None)
    return capabilities
