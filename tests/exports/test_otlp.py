"""Spans: as the protocol's definitions read them, named by the conventions for MCP, in the caller's trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from mcpscope.demo.frozen import build
from mcpscope.engine.filter.language import parse
from mcpscope.errors import ScopeError
from mcpscope.exports.documents import Source
from mcpscope.exports.masks import Masks
from mcpscope.exports.otlp.collector import Collector, endpoint
from mcpscope.exports.otlp.context import parent_of
from mcpscope.exports.otlp.request import as_otlp, requests_of
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from tests.exports.collecting import Span, attributes, decoded, spans_of
from tests.exports.recorded import call, hostile, message, record, text

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def written(db: Path, session: int, how: Callable[[Source], Iterable[Any]]) -> list[Any]:
    with reading(db) as connection:
        info = Directory(connection).find(str(session))
        query = Query(connection, parse(""), sessions=[info.id])
        return list(how(Source(connection, info, query, Masks(), whole=True)))


def file(db: Path, session: int) -> bytes:
    return b"".join(written(db, session, lambda source: as_otlp(source, False)))


def spans(db: Path, session: int = 1) -> list[Span]:
    return spans_of(decoded(file(db, session)))


def named(found: list[Span], name: str) -> Span:
    return next(span for span in found if span.name == name)


def test_calls_are_named_and_told_by_the_conventions(tmp_path: Path) -> None:
    build(tmp_path / "m.db")
    found = spans(tmp_path / "m.db")
    weather = attributes(named(found, "tools/call weather"))
    assert weather["mcp.method.name"] == "tools/call" and weather["gen_ai.operation.name"] == "execute_tool"
    assert weather["gen_ai.tool.name"] == "weather" and weather["mcp.protocol.version"] == "2025-11-25"
    assert weather["network.transport"] == "pipe" and weather["jsonrpc.request.id"].isdigit()
    assert not {"error.type", "mcp.session.id", "gen_ai.tool.call.arguments"} & set(weather)
    failed = named(found, "tools/call transfer")
    assert attributes(failed)["error.type"] == "tool_error" and failed.status.code == 2
    unknown = named(found, "tools/call no_such_tool")
    assert attributes(unknown)["rpc.response.status_code"] == attributes(unknown)["error.type"] == "-32602"
    assert unknown.status.message == "Unknown tool: no_such_tool"
    read = attributes(named(found, "resources/read"))
    assert read["mcp.resource.uri"] and "gen_ai.operation.name" not in read
    prompt = next(span for span in found if span.name.startswith("prompts/get "))
    assert prompt.name == "prompts/get " + attributes(prompt)["gen_ai.prompt.name"]
    assert {span.kind for span in found} == {3}


def test_what_a_server_asks_for_is_below_the_call_that_caused_it(tmp_path: Path) -> None:
    build(tmp_path / "m.db")
    found = spans(tmp_path / "m.db")
    asked, caused = named(found, "tools/call summarise"), named(found, "sampling/createMessage")
    assert caused.parent_span_id == asked.span_id and caused.trace_id == asked.trace_id
    assert len({span.trace_id for span in found}) == 1 and len({span.span_id for span in found}) == len(found)


def test_a_caller_s_trace_is_continued(tmp_path: Path) -> None:
    meta = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "rojo=00f067aa0ba902b7"}
    lines = call(1, "a", {}, text("x"), at=0)
    lines[0]["message"]["params"]["_meta"] = meta
    sampling = {"jsonrpc": "2.0", "id": 9, "method": "sampling/createMessage", "params": {"messages": []}}
    lines += [message(2, "s2c", sampling), message(3, "c2s", {"jsonrpc": "2.0", "id": 9, "result": {}})]
    found = spans(tmp_path / "m.db", record(tmp_path / "m.db", [*lines, *call(2, "b", {}, text("y"), at=9)]))
    first, other = named(found, "tools/call a"), named(found, "tools/call b")
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, SPAN)
    assert first.trace_state == "rojo=00f067aa0ba902b7" and first.flags == 0x301
    assert named(found, "sampling/createMessage").trace_id == first.trace_id
    assert other.trace_id != first.trace_id and not other.parent_span_id


def test_the_header_s_trace_is_the_parent_or_a_link(tmp_path: Path) -> None:
    around = f"00-{TRACE}-{SPAN}-00"
    lines: list[dict[str, Any]] = []
    said = {"_meta": {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}}
    for stream, meta in ((1, {}), (2, said)):
        head = {"method": "POST", "headers": [["Traceparent", around]], "mcp_session_id": "s-1"}
        lines.append({"at": stream * 100, "stream": stream, "open": head})
        asked, answer = call(stream, f"t{stream}", {}, text("x"), at=stream)
        asked["message"]["params"] |= meta
        lines += [{**asked, "stream": stream}, {**answer, "stream": stream}]
    told = {"url": "https://example.org/mcp", "client_transport": "http", "server_transport": "http"}
    found = spans(tmp_path / "m.db", record(tmp_path / "m.db", lines, **told))
    first, second = named(found, "tools/call t1"), named(found, "tools/call t2")
    assert first.trace_id.hex() == TRACE and not first.links
    assert second.trace_id.hex() == "a" * 32 and [link.span_id.hex() for link in second.links] == [SPAN]
    facts = attributes(first)
    assert (facts["server.address"], facts["server.port"]) == ("example.org", 443)
    assert facts["network.transport"] == "tcp"
    assert facts["mcp.session.id"] == "s-1"


def test_spans_say_no_arguments_and_no_secrets_and_carry_any_text(tmp_path: Path) -> None:
    lines = call(1, "login", {"password": "hunter22"}, text("hunter23"), at=0)
    lines += call(2, "x", {}, {"error": {"code": -1, "message": 'bad {"token":"hunter24"}'}}, at=9)
    whole = file(tmp_path / "m.db", record(tmp_path / "m.db", lines))
    assert not any(secret in whole for secret in (b"hunter22", b"hunter23", b"hunter24"))
    odd = file(tmp_path / "h.db", hostile(tmp_path / "h.db"))
    assert decoded(odd) and odd.decode().replace("\n", "").isprintable()


def test_a_long_session_goes_in_requests_of_a_bounded_size(tmp_path: Path) -> None:
    lines = [line for n in range(300) for line in call(n, "t", {}, text("x"), at=n)]
    sent = written(tmp_path / "m.db", record(tmp_path / "m.db", lines), requests_of)
    assert [count for count, _ in sent] == [256, 44]
    assert sum(len(spans_of(decoded(body))) for _, body in sent) == 300


@pytest.mark.parametrize(
    "said",
    ["", 7, None, {}, f"00-{TRACE}-{SPAN}", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
     f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-more", "x" * 10_000],
)  # fmt: skip
def test_what_is_no_traceparent_is_ignored(said: Any) -> None:
    assert parent_of(said) is None


def test_a_later_version_of_traceparent_is_read_as_far_as_it_is_known() -> None:
    found = parent_of(f"01-{TRACE}-{SPAN}-01-more", "a\nb")
    assert found is not None and (found.trace_id, found.state) == (TRACE, "")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://host/", "https://host/v1/traces"),
        ("https://host/otlp/?x=1", "https://host/otlp/v1/traces?x=1"),
        ("https://host/otlp/v1/traces", "https://host/otlp/v1/traces"),
    ],
)
def test_the_usual_path_is_added_where_none_is_named(text: str, address: str) -> None:
    assert endpoint(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost:4318",
        "ftp://x",
        "http://",
        "http://x:99999",
        "http://[::",
        "http://a b",
        "http://x/\x1b",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ScopeError, match="--otlp takes the URL"):
        endpoint(text)


def test_the_file_is_one_document(tmp_path: Path) -> None:
    build(tmp_path / "m.db")
    assert list(json.loads(file(tmp_path / "m.db", 2))) == ["resourceSpans"]


@pytest.mark.parametrize(
    ("name", "value"), [("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nosuch"), ("OTEL_EXPORTER_OTLP_HEADERS", "a=ü")]
)
def test_settings_of_the_environment_that_are_no_use_are_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ScopeError, match="no usable settings") as caught:
        Collector("http://127.0.0.1:1")
    assert name in caught.value.hint
