"""A collector for tests: it reads OTLP/HTTP by the protocol's own definitions, says what it is told to."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def decoded(body: bytes) -> ExportTraceServiceRequest:
    """The request, read strictly; in the JSON of OTLP ids are hexadecimal, in that of protobuf base64."""
    found = json_format.ParseDict(_with_protobuf_ids(json.loads(body)), ExportTraceServiceRequest())
    assert isinstance(found, ExportTraceServiceRequest)
    for span in spans_of(found):
        assert (len(span.trace_id), len(span.span_id)) == (16, 8) and any(span.trace_id) and any(span.span_id)
        assert len(span.parent_span_id) in (0, 8)
        assert span.name and 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    return found


def spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    return [
        span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


def attributes(span: Any) -> dict[str, Any]:
    """An attribute's value by its name; lists as lists."""
    found = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        found[one.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


class Collector:
    """Says ``status`` and ``answer`` after ``delay`` s, or ``hangs``."""

    def __init__(self, port: int = 0) -> None:
        self.status = 200
        self.answer = b"{}"
        self.hangs = False
        self.delay = 0.0
        self.asked = 0
        self.headers: dict[str, str] = {}
        self.requests: list[ExportTraceServiceRequest] = []
        self._released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.take(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        self.asked += 1
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        if self.hangs:
            self._released.wait()
            return
        self._released.wait(self.delay)
        if self.status == 200:
            assert handler.path == "/v1/traces"
            self.requests.append(decoded(body))
        handler.send_response(self.status)
        handler.send_header("Content-Length", str(len(self.answer)))
        handler.end_headers()
        handler.wfile.write(self.answer)

    @property
    def spans(self) -> list[Span]:
        return [span for request in self.requests for span in spans_of(request)]


def _with_protobuf_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _id(item) if key in _IDS else _with_protobuf_ids(item) for key, item in value.items()}
    return [_with_protobuf_ids(item) for item in value] if isinstance(value, list) else value


def _id(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text)).decode()
