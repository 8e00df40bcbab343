"""An exchange that travelled without HTTP as a HAR entry: a POST to an address of label, method and tool."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from mcpscope.exports.documents import Source, iso
from mcpscope.exports.har.http import JSON, content_of, posted, timings_of
from mcpscope.exports.masked import Masked
from mcpscope.store.subjects import Recorded, Said

SPOKEN = frozenset({"request", "notification", "answer", "malformed"})
_FAILED = frozenset({"rpc-error", "tool-error", "denied", "dropped", "malformed"})


def spoken_entry(one: Recorded, masked: Masked, source: Source) -> dict[str, Any]:
    """The entry. Its status is a lens: 200 answered, 500 answered with an error, 0 no answer."""
    timings = timings_of(one.dur_ns or 0, 0)
    sent, came = (b"", masked.request or masked.answer or b"") if one.kind == "answer" else (
        masked.request or b"",
        masked.answer,
    )  # fmt: skip
    status = 0 if came is None else 500 if one.status in _FAILED else 200
    facts: dict[str, Any] = {"exchange": one.seq, "dir": one.dir, "kind": one.kind, "status": one.status}
    if one.parent_id is not None:
        facts["parent"] = one.parent_id
    if masked.others:
        facts["messages"] = [_other(said, one.opened_at) for said in masked.others]
    entry = {
        "startedDateTime": iso(one.opened_at),
        "time": sum(timings.values()),
        "request": {
            "method": "POST",
            "url": _address(one, source),
            "httpVersion": "JSON-RPC/2.0",
            "cookies": [],
            "headers": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": len(sent),
            "postData": posted(sent, JSON),
        },
        "response": {
            "status": status,
            "statusText": one.status,
            "httpVersion": "JSON-RPC/2.0",
            "cookies": [],
            "headers": [],
            "content": content_of(came or b"", JSON),
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": len(came or b""),
        },
        "cache": {},
        "timings": timings,
        "_mcpscope": facts,
    }
    if one.dir == "s2c":
        entry["comment"] = "from the server to the client"
    return entry


def _other(said: Said, began: int) -> dict[str, Any]:
    text = said.raw.decode("utf-8", "backslashreplace")
    return {"at": (said.at - began) / 1e6, "dir": said.dir, "text": text}


def _address(one: Recorded, source: Source) -> str:
    label = source.session.label or source.session.server_name or "server"
    parts = [one.method or one.kind, one.tool] if one.tool else [one.method or one.kind]
    path = "/".join(quote(part, safe="/") for part in parts)
    return f"mcp://{quote(label, safe='')}/{path}"
