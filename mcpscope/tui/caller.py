"""The built-in client of a proxy that nobody else speaks to: lists what there is, answers pings."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

from mcpscope import __version__

REVISION = "2025-11-25"
MAX_LINE_BYTES = 64 << 20
MAX_ASKED = 1000
"""Requests after which no further page is asked for: a list may have no end."""
SURFACES = ("tools", "prompts", "resources")
_CHANGED = {f"notifications/{surface}/list_changed": surface for surface in SURFACES}


class Caller:
    """Speaks over the pipes of a proxy, reading on a thread of its own so that the server never waits."""

    def __init__(self, proxy: subprocess.Popen[bytes]) -> None:
        self._proxy = proxy
        self._lock = threading.Lock()
        self._next = 0
        self._asked: dict[Any, str] = {}
        self._reader = threading.Thread(target=self._read, name="caller", daemon=True)

    def hello(self) -> None:
        """Begin the handshake; the rest follows as the answers come."""
        self._reader.start()
        info = {"name": "mcpscope", "version": __version__}
        self._ask("initialize", protocolVersion=REVISION, capabilities={}, clientInfo=info)

    def close(self) -> None:
        """Say nothing more."""
        assert self._proxy.stdin is not None
        try:
            self._proxy.stdin.close()
        except BrokenPipeError:
            pass  # the proxy ended first

    def _ask(self, method: str, **params: Any) -> None:
        self._next += 1
        self._asked[self._next] = method
        self._send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._proxy.stdin is not None
        data = json.dumps(message).encode() + b"\n"
        with self._lock:
            try:
                self._proxy.stdin.write(data)
                self._proxy.stdin.flush()
            except (BrokenPipeError, ValueError):
                pass  # the proxy ended, or close was called: the UI shows it

    def _read(self) -> None:
        assert self._proxy.stdout is not None
        while line := self._proxy.stdout.readline(MAX_LINE_BYTES):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(message, dict):
                self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if "method" in message:
            if "id" in message:
                self._answer(message)
            elif (surface := _CHANGED.get(str(message["method"]))) is not None:
                self._ask(f"{surface}/list")
        elif isinstance(result := message.get("result"), dict):
            id = message.get("id")
            asked = self._asked.pop(id, "") if isinstance(id, int) else ""
            if asked == "initialize":
                self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
                offered = result.get("capabilities") or {}
                for surface in SURFACES:
                    if surface in offered:
                        self._ask(f"{surface}/list")
            elif asked and isinstance(cursor := result.get("nextCursor"), str) and self._next < MAX_ASKED:
                self._ask(asked, cursor=cursor)

    def _answer(self, request: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        if request["method"] == "ping":
            reply["result"] = {}
        else:
            reply["error"] = {"code": -32601, "message": "Method not found"}
        self._send(reply)
