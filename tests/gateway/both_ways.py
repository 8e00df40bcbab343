"""A gateway in this process, with the short way of calls or without, before a peer that answers as told."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcpscope.engine.steering import Steering
from mcpscope.gateway.config import Spec
from mcpscope.gateway.front import HttpFront
from mcpscope.gateway.gateway import Gateway
from mcpscope.gateway.upstream import Parts, Reach, Upstream
from mcpscope.session.conversation import Helmed
from mcpscope.session.http_inject import Injected
from mcpscope.session.http_sessions import Session
from mcpscope.session.redacting import RedactedJournal, Redactor
from mcpscope.store.records import RecordType
from mcpscope.store.tail import Tail
from mcpscope.transports.listen.http_guard import Guard
from mcpscope.transports.secret_mask import Mask

_VARYING = (
    (re.compile(rb"\b1[7-9]\d{17}\b"), b"0"),  # times
    (re.compile(rb"(127\.0\.0\.1|localhost):\d+"), rb"\1:0"),
    (re.compile(rb"\b[0-9a-f]{32}\b"), b"SESSION"),
)
SECRET = "hunter2-hunter2-hunter2"


def alike(data: bytes) -> bytes:
    """``data`` without what differs from one gateway to the next."""
    for pattern, instead in _VARYING:
        data = pattern.sub(instead, data)
    return data


class Peer:
    """A server of either era. A call's ``say`` is what it answers: status, media type, body with its id for
    ``@ID@``, into how many writes that goes, and whether it waits to be ``released`` before.
    """

    def __init__(self, era: str) -> None:
        self._era = era
        self.heard: list[bytes] = []
        self.changed = asyncio.Condition()
        self.released = asyncio.Event()
        self.url = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"

    async def hears(self, number: int) -> None:
        """Wait until so many requests have come."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.heard) >= number)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = re.search(rb"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(found[1])) if found else b""
                async with self.changed:
                    self.heard.append(alike(head + body))
                    self.changed.notify_all()
                await self._answer(writer, head, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, head: bytes, body: bytes) -> None:
        message = json.loads(body) if head.startswith(b"POST") else {}
        said: dict[str, Any] = {"status": 405 if not message else 202, "media": "", "body": ""}
        if "id" in message:
            result = self._result(message["method"])
            error = {"code": -32601, "message": "Method not found"}
            whole = {"result": result} if result is not None else {"error": error}
            said = {"body": json.dumps({"jsonrpc": "2.0", "id": "@ID@", **whole}).replace('"@ID@"', "@ID@")}
        if message.get("method") == "tools/call":
            said = (message["params"].get("arguments") or {}).get("say", said)
        if said.get("waits"):
            await self.released.wait()
        spelled = re.search(rb'"id": *("(?:[^"\\]|\\.)*"|[^,}\s]+)', body)
        text = said.get("body", "").encode().replace(b"@ID@", spelled[1] if spelled else b"null")
        media = said.get("media", "application/json").encode()
        line = b"Content-Type: %b\r\n" % media if media else b""
        line += b"Mcp-Session-Id: %032x\r\n" % 7 if message.get("method") == "initialize" else b""
        data = b"HTTP/1.1 %d Told\r\n%bContent-Length: %d\r\n\r\n%b" % (
            *(said.get("status", 200), line, len(text), text),
        )
        cut = len(data) - len(text) // 2 if said.get("pieces") else len(data)
        for part in (data[:cut], data[cut:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01 if said.get("pieces") else 0)

    def _result(self, method: str) -> dict[str, Any] | None:
        info = {"name": "peer", "version": "1"}
        if method == "initialize" and self._era == "legacy":
            return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        if method == "server/discover" and self._era == "modern":
            about = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": info}
            return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", **about}
        return {"resultType": "complete"} if method == "tools/list" else None

    def close(self) -> None:
        self._server.close()


@dataclass
class Made:
    """A gateway that serves at ``url``; ``taken`` counts the calls that went the short way."""

    peer: Peer
    front: HttpFront
    gateway: Gateway
    journal: RedactedJournal
    steering: Steering
    url: str = ""
    taken: int = 0

    async def close(self) -> None:
        await self.front.close("clean")
        self.journal.close()
        self.peer.close()

    def recorded(self) -> dict[tuple[int, int], list[Any]]:
        """What the journal says, by session and stream, and in order."""
        tail, found, last = Tail(Path(self.journal.folder)), defaultdict(list), 0
        while records := tail.read():
            for one in records:
                assert one.at >= last
                last = one.at
                if one.type not in (RecordType.SESSION_OPEN, RecordType.SESSION_CLOSE, RecordType.GAP):
                    told = one.type.name if isinstance(one.type, RecordType) else RecordType(one.type).name
                    found[one.session, one.stream].append((told, one.dir, one.flags, alike(one.payload)))
                assert one.type != RecordType.GAP
        return dict(found)


async def made(folder: Path, era: str, *, short: bool, secret: bool = False) -> Made:
    """One over two upstreams, which are the same peer under two prefixes."""
    loop, peer = asyncio.get_running_loop(), Peer(era)
    await peer.start()
    mask = Mask([SECRET] if secret else [], key=b"k" * 16)
    journal = RedactedJournal(str(folder / "journal"), lambda fault: None, Redactor(mask))
    assert journal.open()

    def opened(session: Session) -> None:
        journal.append(RecordType.SESSION_OPEN, 0, session.number, 0, b"{}")

    parts = Parts(
        guard=Guard(host="127.0.0.1"),
        mask=mask,
        journal=journal,
        helmed=Helmed(),
        say=lambda line: None,
        opened=opened,
        closed=lambda session, reason: None,
        stderr=lambda data: None,
        hides=lambda path: [],
    )
    steering = parts.helmed.steer(Steering())
    numbers = count(1)
    specs = [Spec("one", "a_", url=peer.url), Spec("two", "", url=peer.url)]
    reaches = [Reach(one, {}, Injected([], mask), urlsplit(peer.url), "http") for one in specs]
    upstreams = [Upstream(loop, reach, parts, {}, numbers) for reach in reaches]
    gateway = Gateway(loop, upstreams, "gateway", 5.0, lambda text: None)
    front = HttpFront(loop, gateway, parts, numbers, ("127.0.0.1", 0), lambda port: None)
    found = Made(peer, front, gateway, journal, steering)
    settings = front._entrance.whole._settings
    takes = settings.short

    def counted(*call: Any) -> bool:
        took = short and takes(*call)
        found.taken += took
        return took

    settings.short = counted
    found.url = f"http://127.0.0.1:{await front.start()}/mcp"
    return found
