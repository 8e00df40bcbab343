"""Who talks to whom: names, versions, revision, era and capabilities, as far as they have been said."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from mcpscope.engine.exchange import Exchange
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    PROTOCOL_VERSION,
    SERVER_INFO,
    Era,
    era_of,
)

MAX_NAME_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known; "" and {} for what is not. ``revision`` is the negotiated one.

    In the legacy era that is the one in the result of ``initialize``, not the one that was asked for.
    """

    client_name: str = ""
    client_version: str = ""
    server_name: str = ""
    server_version: str = ""
    asked_revision: str = ""
    revision: str = ""
    client_capabilities: str = "{}"
    server_capabilities: str = "{}"

    @property
    def era(self) -> Era | None:
        """None while no revision has been agreed upon."""
        return era_of(self.revision) if self.revision else None


class Identity:
    """Collects ``facts`` from one session's messages."""

    def __init__(self) -> None:
        self.facts = Facts()
        self._meta: tuple[Any, Any] = (None, None)
        self._server: Any = None

    def __repr__(self) -> str:
        return f"Identity({self.facts!r})"

    def observe(self, exchange: Exchange, message: Message) -> bool:
        """Take in a message and the exchange it belongs to; whether ``facts`` have changed."""
        if message.kind is Kind.REQUEST:
            learned = self._of_request(message)
        elif message.kind is Kind.RESULT and exchange.dir is Direction.TO_SERVER:
            learned = self._of_result(exchange.method, message)
        else:
            return False
        if not learned:
            return False
        facts = Facts(**(asdict(self.facts) | learned))
        changed = facts != self.facts
        self.facts = facts
        return changed

    def knows_client(self, meta: dict[str, Any]) -> bool:
        """Whether the ``_meta`` of a request tells nothing new of who asks."""
        if PROTOCOL_VERSION not in meta:
            return True
        return bool((meta[PROTOCOL_VERSION], meta.get(CLIENT_INFO)) == self._meta)

    def knows_server(self, meta: Any) -> bool:
        """Whether the ``_meta`` of a result tells nothing new of who answers."""
        return type(meta) is not dict or SERVER_INFO not in meta or meta[SERVER_INFO] == self._server

    def snapshot(self) -> dict[str, Any]:
        return asdict(self.facts)

    def restore(self, state: dict[str, Any]) -> None:
        self.facts = Facts(**state)

    def _of_request(self, message: Message) -> dict[str, str]:
        if message.method == Method.INITIALIZE:
            params = message.params
            return {
                **_named("client", params.get("clientInfo")),
                "asked_revision": _word(params.get("protocolVersion")),
                "client_capabilities": _json(params.get("capabilities")),
            }
        meta = message.params.get("_meta")
        if type(meta) is not dict or PROTOCOL_VERSION not in meta:
            return {}
        said = (meta[PROTOCOL_VERSION], meta.get(CLIENT_INFO))
        if said == self._meta:
            return {}
        self._meta = said
        revision = _word(said[0])
        return {
            **_named("client", said[1]),
            "asked_revision": revision,
            "revision": revision,
            "client_capabilities": _json(meta.get(CLIENT_CAPABILITIES)),
        }

    def _of_result(self, method: str, message: Message) -> dict[str, str]:
        result = message.body.get("result")
        if type(result) is not dict:
            return {}
        if method == Method.INITIALIZE:
            return {
                **_named("server", result.get("serverInfo")),
                "revision": _word(result.get("protocolVersion")),
                "server_capabilities": _json(result.get("capabilities")),
            }
        meta = result.get("_meta")
        info = meta.get(SERVER_INFO) if type(meta) is dict else None
        learned: dict[str, str] = {}
        if method == Method.DISCOVER:
            learned["server_capabilities"] = _json(result.get("capabilities"))
        if info != self._server:
            self._server = info
            learned |= _named("server", info)
        return learned


def _named(side: str, info: Any) -> dict[str, str]:
    if type(info) is not dict:
        return {}
    return {f"{side}_name": _word(info.get("name")), f"{side}_version": _word(info.get("version"))}


def _word(value: Any) -> str:
    """A text of a peer, short enough and storable as UTF-8."""
    if type(value) is not str:
        return ""
    return value[:MAX_NAME_CHARACTERS].encode(errors="backslashreplace").decode()


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) if type(value) is dict else "{}"
