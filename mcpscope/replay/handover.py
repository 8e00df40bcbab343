"""Replay to a point, then hand over: a live client takes the seat of the recorded one.

The server has had its handshake already, so the newcomer's own is answered with what the server said then;
everything else passes as it is. Ids cannot collide: the recorded requests are all settled.
"""

from __future__ import annotations

import json
import os
import threading
from typing import Any

from mcpscope.protocol.framing import LineFramer
from mcpscope.protocol.message import Kind, Message
from mcpscope.protocol.parsing import parse
from mcpscope.replay.upstream import Upstream
from mcpscope.replay.verdicts import Row

READ_BYTES = 1 << 18
POLL_SECONDS = 0.5


def hand_over(upstream: Upstream, rows: list[Row], *, stdin: int = 0, stdout: int = 1) -> None:
    """Join a client on ``stdin`` and ``stdout`` to a server that is in mid-session; returns at its end."""
    opening = next((row.now for row in rows if row.label == "initialize" and row.now), None)
    over = threading.Event()
    listener = threading.Thread(target=_listen, args=(upstream, stdin, stdout, opening, over), daemon=True)
    listener.start()
    while not over.is_set() and not upstream.ended:
        arrived = upstream.receive(POLL_SECONDS)
        if arrived is not None:
            _write(stdout, arrived.message.raw)


def _listen(
    upstream: Upstream, stdin: int, stdout: int, opening: dict[str, Any] | None, over: threading.Event
) -> None:
    framer = LineFramer()
    try:
        while chunk := os.read(stdin, READ_BYTES):
            for frame in framer.feed(chunk):
                _from_client(upstream, parse(frame.raw), stdout, opening)
    except OSError:
        pass  # the client has gone
    over.set()


def _from_client(upstream: Upstream, message: Message, stdout: int, opening: dict[str, Any] | None) -> None:
    if opening is not None and message.method == "initialize" and message.kind is Kind.REQUEST:
        body = {
            "jsonrpc": "2.0",
            "id": message.id,
            **{k: v for k, v in opening.items() if k in ("result", "error")},
        }
        _write(stdout, json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    elif opening is None or message.method != "notifications/initialized":
        upstream.send(message.raw)


def _write(fd: int, line: bytes) -> None:
    view = memoryview(line + b"\n")
    while view:
        view = view[os.write(fd, view) :]
