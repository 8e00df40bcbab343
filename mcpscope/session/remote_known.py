"""What a bridge has learned of a remote server's session, and the header fields that follow from it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult

from mcpscope import __version__
from mcpscope.protocol.headers import derive
from mcpscope.protocol.message import Message
from mcpscope.protocol.revisions import declared
from mcpscope.session.crossing import one_line
from mcpscope.session.http_sessions import MODERN, Session
from mcpscope.session.tool_schemas import keep_schemas, mirroring_schema
from mcpscope.transports.http_head import Headers, netloc

KEPT_SIZES = 256
_VERSION = re.compile(r"[!-~]{1,64}")  # what a header can say; a server may claim anything


class RemoteKnown:
    """``mcp_id`` is the session's once the server has given one; tools' schemas are those it lists."""

    def __init__(self, url: SplitResult, record: Session, *, sse: bool) -> None:
        self.mcp_id = b""
        self._host = netloc(url)
        self._record = record
        self._sse = sse
        self._version = ""
        self.schemas: dict[str, Any] = {}
        self._made: dict[tuple[object, ...], Headers] = {}

    def __repr__(self) -> str:
        return f"<RemoteKnown {self._version} schemas={len(self.schemas)}>"

    def headers(self, message: Message | None) -> Headers:
        """The fields of a POST of ``message``, or of a GET or DELETE (None); not to be changed.

        They are the same list for every message of the same size in the old era, and in the new one for every
        call of the same tool that mirrors no argument.
        """
        if message is None:
            return self._make(None)
        key: tuple[object, ...] = (len(one_line(message.raw)), self.mcp_id, self._version)
        if self._record.era == MODERN:
            name = message.params.get("name")
            if message.method != "tools/call" or type(name) is not str:
                return self._make(message)
            if mirroring_schema(self.schemas, name) is not None:
                return self._make(message)
            key = (key[0], declared(message.meta), name)
        found = self._made.get(key)
        if found is None:
            if len(self._made) >= KEPT_SIZES:
                self._made.clear()
            found = self._made[key] = self._make(message)
        return found

    def _make(self, message: Message | None) -> Headers:
        headers: Headers = [(b"Host", self._host)]
        if message is None:
            headers.append((b"Accept", b"text/event-stream"))
        else:
            headers.append((b"Content-Type", b"application/json"))
            headers.append((b"Accept", b"application/json, text/event-stream"))
            headers.append((b"Content-Length", b"%d" % len(one_line(message.raw))))
        headers.append((b"User-Agent", b"mcpscope/" + __version__.encode()))
        headers.append((b"Accept-Encoding", b"identity"))
        if self._record.era == MODERN and message is not None:
            schema = mirroring_schema(self.schemas, str(message.params.get("name")))
            mirrored = derive(message, schema)
            return headers + [(name.encode(), value.encode("latin-1", "replace")) for name, value in mirrored]
        if self.mcp_id:
            headers.append((b"Mcp-Session-Id", self.mcp_id))
        if self._version and not self._sse:
            headers.append((b"MCP-Protocol-Version", self._version.encode("latin-1", "replace")))
        return headers

    def learn(self, answer: Message, asked: Message | None) -> None:
        """Take from an answer what later requests need: the revision, the schemas of tools."""
        result = answer.result
        if asked is None or not isinstance(result, dict):
            return
        if asked.method == "initialize" and isinstance(result.get("protocolVersion"), str):
            found = result["protocolVersion"]
            self._version = found if _VERSION.fullmatch(found) else ""
            self._record.established = True
        if asked.method == "tools/list":
            keep_schemas(self.schemas, result)
