"""A server that takes anything, answers what it can and notes every byte: ``witness.py LOG KIND [PORT]``.

KIND is ``stdio`` or ``http``. A line of the log is one arrival: ``{"body": hex}``, over HTTP with ``target``,
``method`` and ``headers``.
"""

from __future__ import annotations

import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

Answers = list[bytes]


def note(log: BinaryIO, body: bytes, **facts: Any) -> None:
    log.write(json.dumps({"body": body.hex(), **facts}).encode() + b"\n")
    log.flush()


def answers(body: bytes) -> Answers:
    """One answer for every request in ``body``; what ``arguments.say`` tells goes out as it is."""
    try:
        found = json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return []
    items = found if isinstance(found, list) else [found]
    return [said for item in items if isinstance(item, dict) for said in answer(item)]


def wished(body: bytes) -> dict[str, Any]:
    """How ``arguments.http`` wants the answer to be sent."""
    try:
        found = json.loads(body)["params"]["arguments"]["http"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def answer(item: dict[str, Any]) -> Answers:
    if "id" not in item or "method" not in item:
        return []
    params = item.get("params")
    params = params if isinstance(params, dict) else {}
    arguments = params.get("arguments")
    if isinstance(arguments, dict) and "say" in arguments:
        return [str(line).replace("$ID", json.dumps(item["id"])).encode() for line in arguments["say"]]
    results: dict[str, Any] = {
        "initialize": {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "witness", "version": "1"},
        },
        "tools/list": {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in TOOLS]},
        "tools/call": {"content": [{"type": "text", "text": "done"}]},
    }
    result = results.get(str(item["method"]), {})
    if "_meta" in params:
        result = {**result, "resultType": "complete"}
    return [json.dumps({"jsonrpc": "2.0", "id": item["id"], "result": result}).encode()]


TOOLS = ("forbidden", "open", "files", "pay", "\u0440ay")
"""The last one is not what it looks like."""


def stdio(log: BinaryIO) -> None:
    while line := sys.stdin.buffer.readline():
        note(log, line.rstrip(b"\n"))
        for said in answers(line):
            sys.stdout.buffer.write(said + b"\n")
            sys.stdout.buffer.flush()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    log: BinaryIO

    def _take(self) -> None:
        body = self._chunks() if "chunked" in self.headers.get("Transfer-Encoding", "") else b""
        body = body or self.rfile.read(int(self.headers.get("Content-Length", 0)))
        note(self.log, body, method=self.command, target=self.path, headers=list(self.headers.items()))
        said = answers(body)
        data = said[0] if said else b""
        told = wished(body)
        self.send_response(told.get("status", 200 if said else 202))
        if said:
            self.send_header("Content-Type", told.get("type", "application/json"))
        if "encoded" in told:
            data = data.decode().encode(told["encoded"])
        for coding in told.get("coded", "").split():
            data = gzip.compress(data)
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET = _take  # the names http.server asks for

    def log_message(self, format: str, *args: object) -> None: ...


def main(path: str, kind: str, port: str = "0") -> None:
    log = open(path, "ab")  # noqa: SIM115  # open as long as the process lives
    if kind == "stdio":
        stdio(log)
        return
    Handler.log = log
    ThreadingHTTPServer(("127.0.0.1", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
