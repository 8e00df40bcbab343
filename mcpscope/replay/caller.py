"""The built-in client: one tool call at a time, through a proxy of its own or a session that is running."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcpscope import __version__
from mcpscope.control.client import Control
from mcpscope.errors import Exit, ScopeError
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.methods import Method
from mcpscope.protocol.revisions import (
    CLIENT_CAPABILITIES,
    CLIENT_INFO,
    LATEST,
    LATEST_LEGACY,
    PROTOCOL_VERSION,
)
from mcpscope.replay.upstream import Upstream

CLIENT = {"name": "mcpscope", "version": __version__}
METHOD_NOT_FOUND = -32601
MAX_PAGES = 100


class Caller:
    """A client of ``target`` (``["--", CMD, ...]`` or ``[URL]``), recorded in ``db`` like any session.

    It opens with ``initialize``; a server that knows only newer revisions refuses that, and then every
    request says all of it, as it does from the start with ``modern``. ``welcome`` is the answer to
    ``initialize``. Raises ScopeError where the server cannot be reached or does not answer in time.
    """

    def __init__(
        self,
        target: Sequence[str],
        db: Path,
        timeout: float,
        options: Sequence[str] = (),
        *,
        modern: bool = False,
    ) -> None:
        self.welcome: dict[str, Any] = {}
        self._timeout = timeout
        self._ids = 0
        self._modern = modern
        self._upstream = Upstream(target, ["--db", str(db), *options])

    def __enter__(self) -> Caller:
        try:
            self._open()
        except BaseException:
            self._upstream.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation, and with it the server."""
        self._upstream.close()

    def __repr__(self) -> str:
        return f"<Caller {self._upstream!r} modern={self._modern}>"

    def schema(self, tool: str) -> dict[str, Any]:
        """The properties of the tool's arguments, {} where the server does not list it."""
        cursor: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            result = self._ask(Method.TOOLS_LIST, dict(cursor)).get("result")
            if not isinstance(result, dict):
                return {}
            for listed in result.get("tools") or ():
                if isinstance(listed, dict) and listed.get("name") == tool:
                    schema = listed.get("inputSchema")
                    found = schema.get("properties") if isinstance(schema, dict) else None
                    return found if isinstance(found, dict) else {}
            if not isinstance(result.get("nextCursor"), str):
                return {}
            cursor = {"cursor": result["nextCursor"]}
        return {}

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The answer: ``{"result": ...}`` or ``{"error": ...}``."""
        return self._ask(Method.TOOLS_CALL, {"name": tool, "arguments": arguments})

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The answer to any request."""
        return self._ask(method, params)

    def _open(self) -> None:
        if self._modern:
            return
        params = {"protocolVersion": LATEST_LEGACY, "capabilities": {}, "clientInfo": CLIENT}
        self.welcome = self._ask(Method.INITIALIZE, params)
        if "error" in self.welcome:
            self._modern = True
            return
        self._say({"jsonrpc": "2.0", "method": Method.INITIALIZED.value})

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        if self._modern:
            said = {PROTOCOL_VERSION: LATEST, CLIENT_INFO: CLIENT, CLIENT_CAPABILITIES: {}}
            params = {**params, "_meta": said}
        self._say({"jsonrpc": "2.0", "id": self._ids, "method": str(method), "params": params})
        end = time.monotonic() + self._timeout
        while (left := end - time.monotonic()) > 0:
            arrived = self._upstream.receive(left)
            if self._upstream.ended:
                raise self._gone()
            if arrived is not None and (answer := self._heard(arrived.message)) is not None:
                return answer
        raise ScopeError(
            f"no answer to {method} within {self._timeout:g} s", code="timeout", exit=Exit.TIMEOUT
        )

    def _heard(self, message: Message) -> dict[str, Any] | None:
        """The answer that is waited for; questions of the server are answered on the way."""
        if message.kind is Kind.REQUEST:
            if message.method == Method.PING:
                said: dict[str, Any] = {"result": {}}
            else:
                text = "the built-in client cannot do this"
                said = {"error": {"code": METHOD_NOT_FOUND, "message": text}}
            self._say({"jsonrpc": "2.0", "id": message.id, **said})
        if not message.is_answer or message.id != self._ids:
            return None
        return {key: value for key, value in message.body.items() if key in ("result", "error")}

    def _say(self, body: dict[str, Any]) -> None:
        if not self._upstream.send(json.dumps(body).encode()):
            raise self._gone()

    def _gone(self) -> ScopeError:
        said = [line for line in self._upstream.said if line.strip()]
        return ScopeError(
            "the server ended before it answered",
            code="upstream_exit",
            exit=Exit.UPSTREAM,
            hint=f"it said: {said[-1]}" if said else "",
        )


def inject(
    control: Control, method: str, params: dict[str, Any], timeout: float, session: int = 0
) -> dict[str, Any]:
    """Ask through a running session (0: the only one); raises ScopeError (``timeout``)."""
    control.call("scope/subscribe", attach=False)
    message = {"method": method, "params": params}
    asked = control.call("scope/inject", message=message, session=session)
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        event = control.event(left)
        if event is not None and event["event"] == "answered" and event["data"]["at"] == asked["at"]:
            body = json.loads(event["data"]["answer"])
            return {key: value for key, value in body.items() if key in ("result", "error")}
    raise ScopeError(f"no answer within {timeout:g} s", code="timeout", exit=Exit.TIMEOUT)
