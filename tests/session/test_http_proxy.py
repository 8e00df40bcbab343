"""The reverse proxy's fast lane: what it keeps, what it may change, what it writes down."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest

from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.listen.http_guard import Guard
from mcpscope.transports.listen.http_limits import Limits
from tests.session.relay import Request, ask, post, proxied, run

CALL = b'{"jsonrpc": "2.0",  "id": 1, "method": "tools/call", "params": {"name": "x"}}'
ANSWER = b'{"id":1,"result":{ },"jsonrpc":"2.0"}'


async def answer_json(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(
        b"HTTP/1.1 200 Fine\r\nContent-Type: application/json\r\nX-a: 1\r\nx-A: 2\r\nWWW-Authenticate: a\r\n"
        b"WWW-Authenticate: b\r\nKeep-Alive: 5\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
    )


def test_bytes_headers_and_status_pass_and_are_written_down_first() -> None:
    async def scenario() -> None:
        async with proxied(answer_json) as made:
            lines = (
                b"X-One: 1",
                b"x-one: 2",
                b"Accept-Encoding: gzip",
                b"Connection: close, X-Hop",
                b"X-Hop: 1",
                b"TE: x",
            )
            found = await ask(made.port, post(CALL, *lines, path=b"/mcp?k=s3cret&session_id=7", close=False))
            head, _, body = found.partition(b"\r\n\r\n")
            assert body == ANSWER
            assert head.split(b"\r\n")[:7] == [
                b"HTTP/1.1 200 Fine", b"Content-Type: application/json", b"X-a: 1", b"x-A: 2",
                b"WWW-Authenticate: a", b"WWW-Authenticate: b", b"Content-Length: %d" % len(ANSWER),
            ]  # fmt: skip
            (request,) = made.requests
            assert request.line == b"POST /mcp?k=s3cret&session_id=7 HTTP/1.1"
            assert request.body == CALL
            assert request.headers == [
                (b"Host", b"127.0.0.1:%d" % made.upstream_port),
                (b"Content-Length", b"%d" % len(CALL)),
                (b"X-One", b"1"),
                (b"x-one", b"2"),
                (b"Accept-Encoding", b"identity"),
            ]
            kinds = [entry.type.name for entry in made.journal.entries]
            assert kinds == ["STREAM_OPEN", "CHUNK", "HTTP", "CHUNK", "STREAM_CLOSE"]
            assert made.journal.body(Dir.TO_SERVER, 1) == CALL
            assert made.journal.body(Dir.TO_CLIENT, 1) == ANSWER
            opened = made.journal.of(RecordType.STREAM_OPEN)[0].json
            assert (
                re.fullmatch(r"/mcp\?k=\[redacted:\w{8}\]&session_id=7", opened["target"])
                and opened["body"] == "whole"
            )
            closed = made.journal.of(RecordType.STREAM_CLOSE)[0].json
            assert closed["status"] == 200 and closed["closed_by"] == "server"
            assert 0 < closed["first_byte_at"] <= closed["last_byte_at"]

    run(scenario)


def test_each_event_is_with_the_client_before_the_next_is_sent() -> None:
    ready = asyncio.Event()

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for i in range(20):
            event = b"id: %d\ndata: {}\n\n" % i
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await ready.wait()
            ready.clear()
        writer.write(b"0\r\n\r\n")

    async def scenario() -> None:
        async with proxied(script) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(CALL))
            for i in range(20):
                await reader.readuntil(b"id: %d\ndata: {}\n\n" % i)
                ready.set()
            assert (await reader.read(-1)).endswith(b"0\r\n\r\n")
            assert made.journal.of(RecordType.HTTP)[0].json["body"] == "events"
            writer.close()

    run(scenario)


def test_a_client_that_leaves_takes_its_upstream_request_with_it() -> None:
    left = asyncio.Event()

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert await request.reader.read(1) == b""
        left.set()

    async def scenario() -> None:
        async with proxied(script) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(CALL, close=False))
            await reader.readuntil(b"data: 1\n\n")
            writer.close()
            await left.wait()
            assert made.journal.of(RecordType.STREAM_CLOSE)[0].json["closed_by"] == "client"

    run(scenario)


def test_an_upstream_that_breaks_off_breaks_the_client_off_without_an_invented_end() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"
        )
        writer.write(b"9\r\ndata: 1\n\n\r\n")
        await writer.drain()
        writer.transport.abort()

    async def scenario() -> None:
        async with proxied(script) as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(CALL, close=False))
            found = b""
            try:
                while part := await reader.read(1000):
                    found += part
            except ConnectionResetError:
                pass
            assert b"data: 1" in found and not found.endswith(b"0\r\n\r\n")
            assert "connection" in made.journal.of(RecordType.STREAM_CLOSE)[0].json["error"]
            writer.close()

    run(scenario)


def test_an_upstream_that_does_not_answer_is_said_to_be_ours_with_the_requests_id() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def scenario() -> None:
        async with proxied(script) as made:
            found = await ask(made.port, post(CALL))
            assert found.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
            assert b'"id":1,' in found and b'"code":4035' in found and b'"source":"mcpscope"' in found

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        (b"/mcp", b"/mcp?key=k&b=1"),
        (b"/mcp?key=k&b=1", b"/mcp?key=k&b=1"),
        (b"/mcp?x=2", b"/mcp?key=k&b=1&x=2"),
        (b"/other?x=2", b"/other?x=2"),
        (b"/mcp/", b"/mcp/"),
    ],
)
def test_the_query_of_the_upstreams_url_goes_with_every_request_on_its_path(
    asked: bytes, target: bytes
) -> None:
    async def scenario() -> None:
        async with proxied(answer_json, path="/mcp?key=k&b=1") as made:
            assert (await ask(made.port, post(CALL, path=asked))).endswith(ANSWER)
            assert made.requests[0].line == b"POST %b HTTP/1.1" % target

    run(scenario)


def test_sessions_follow_their_ids_and_end_with_delete() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        extra = b"Mcp-Session-Id: s%d\r\n" % len(made.requests) if b"initialize" in request.body else b""
        status = b"404 Not Found" if request.all(b"mcp-session-id") == [b"gone"] else b"200 OK"
        writer.write(b"HTTP/1.1 %b\r\n%bContent-Length: 2\r\n\r\n{}" % (status, extra))

    async def scenario() -> None:
        nonlocal made
        async with proxied(script) as made:
            initialize = post(b'{"id":0,"method": "initialize"}')
            await ask(made.port, initialize)
            await ask(made.port, initialize)
            await ask(made.port, post(CALL, b"Mcp-Session-Id: s1"))
            await ask(made.port, post(CALL, b"Mcp-Session-Id: s2"))
            await ask(
                made.port,
                b"DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: s1\r\nConnection: close\r\n\r\n",
            )
            await ask(made.port, post(CALL, b"Mcp-Session-Id: gone"))
            assert [entry.session for entry in made.journal.of(RecordType.STREAM_OPEN)] == [1, 2, 1, 2, 1, 3]
            assert [session.number for session, _ in made.closed] == [1, 3]

    made = None  # type: ignore[assignment]
    run(scenario)


def test_the_stateless_era_is_one_session_per_client_identity() -> None:
    async def scenario() -> None:
        async with proxied(answer_json) as made:
            version = b"MCP-Protocol-Version: 2026-07-28"
            for name in (b"a", b"b", b"a"):
                info = b'{"params":{"_meta":{"io.modelcontextprotocol/clientInfo":{"name":"%b"}}}}' % name
                await ask(made.port, post(info, version))
            assert [entry.session for entry in made.journal.of(RecordType.STREAM_OPEN)] == [1, 2, 1]
            assert all(session.inferred and session.era == "modern" for session in made.opened)

    run(scenario)


@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:%d/messages?session_id=1", "/messages?session_id=1", "messages?session_id=1"]
)
def test_the_endpoint_of_http_sse_is_pointed_at_the_proxy(form: str) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.line.startswith(b"GET"):
            target = form % made.upstream_port if "%" in form else form
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
            writer.write(b"event: endpoint\ndata: %b\n\nevent: message\ndata: 1\n\n" % target.encode())
            await writer.drain()
            await request.reader.read(1)
        else:
            writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted")

    async def scenario() -> None:
        nonlocal made
        async with proxied(script, path="/sse") as made:
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(b"GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            found = await reader.readuntil(b"data: 1\n\n")
            assert b"event: endpoint\ndata: /messages?session_id=1\n\n" in found
            assert b": hello\n\n" in found
            assert b"202 Accepted" in await ask(made.port, post(CALL, path=b"/messages?session_id=1"))
            assert [entry.session for entry in made.journal.of(RecordType.STREAM_OPEN)] == [1, 1]
            assert made.journal.body(Dir.TO_SERVER, 2) == CALL
            writer.close()
            while not made.closed:
                await asyncio.sleep(0.01)

    made = None  # type: ignore[assignment]
    run(scenario)


def test_an_injected_secret_replaces_the_clients_and_is_written_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = 'tok"en-1234567890'

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        echoed = request.all(b"authorization")[0]
        body = b'{"echo": "%b", "json": "tok\\"en-1234567890"}' % echoed
        writer.write(b"HTTP/1.1 200 OK\r\nX-Echo: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % echoed)
        for i in range(len(body)):
            writer.write(b"1\r\n%c\r\n" % body[i])
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def scenario() -> None:
        monkeypatch.setenv("SCOPE_TOKEN", secret)
        async with proxied(script, headers=("Authorization: Bearer ${env:SCOPE_TOKEN}",)) as made:
            found = await ask(made.port, post(CALL, b"authorization: Bearer mine-mine-mine"))
            assert made.requests[0].all(b"authorization") == [b"Bearer " + secret.encode()]
            assert b"".join(found.split(b"\r\n")[6::2]).count(b"1234567890") == 2
            written = b"".join(entry.payload for entry in made.journal.entries)
            assert b"1234567890" not in written and b"mine-mine" not in written
            assert b"[redacted:" in written

    run(scenario)


def test_a_401_has_the_secret_resolved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        if request.all(b"x-key") == [b"new-secret-1"]:
            await answer_json(request, writer)
        else:
            monkeypatch.setenv("SCOPE_KEY", "new-secret-1")
            writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")

    async def scenario() -> None:
        monkeypatch.setenv("SCOPE_KEY", "old-secret-1")
        async with proxied(script, headers=("X-Key: ${env:SCOPE_KEY}",)) as made:
            found = await ask(made.port, post(CALL))
            assert found.startswith(b"HTTP/1.1 200") and found.endswith(ANSWER)
            assert [request.body for request in made.requests] == [CALL, CALL]
        async with proxied(answer_401, headers=("X-Key: ${env:SCOPE_KEY}",)) as made:
            found = await ask(made.port, post(CALL))
            assert found.startswith(b"HTTP/1.1 401") and found.endswith(b"\r\n\r\nno")

    async def answer_401(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 No\r\nWWW-Authenticate: Bearer x\r\nContent-Length: 2\r\n\r\nno")

    run(scenario)


@pytest.mark.parametrize(
    "status", [202, 204, 304, 400, 401, 403, 404, 405, 406, 409, 415, 421, 429, 500, 503]
)
def test_statuses_of_the_upstream_pass(status: int) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        body = b"" if status in (204, 304) else b"Content-Length: 2\r\nRetry-After: 3\r\n\r\nxx"
        writer.write(b"HTTP/1.1 %d Why\r\nAllow: POST\r\n%b" % (status, body or b"\r\n"))

    async def scenario() -> None:
        async with proxied(script) as made:
            found = await ask(made.port, post(CALL))
            assert found.startswith(b"HTTP/1.1 %d Why\r\nAllow: POST\r\n" % status)

    run(scenario)


def test_compressed_answers_arrive_plain_and_redirects_point_here() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        packed = gzip.compress(ANSWER)
        place = b"http://127.0.0.1:%d/other?x=1" % made.upstream_port
        writer.write(b"HTTP/1.1 307 Go\r\nLocation: %b\r\nContent-Encoding: gzip\r\n" % place)
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(packed), packed))

    async def scenario() -> None:
        nonlocal made
        async with proxied(script) as made:
            found = await ask(made.port, post(CALL))
            assert b"Location: http://localhost/other?x=1\r\n" in found
            assert b"Content-Encoding" not in found and ANSWER in found
            assert made.journal.body(Dir.TO_CLIENT, 1) == ANSWER

    made = None  # type: ignore[assignment]
    run(scenario)


@pytest.mark.parametrize(
    ("lines", "status"),
    [((b"Origin: http://evil.example",), 403), ((b"X: y",), 401), ((b"Mcpscope-Token: wrong",), 401)],
)
def test_who_may_not_come_in_reaches_nobody(lines: tuple[bytes, ...], status: int) -> None:
    async def scenario() -> None:
        guard = Guard(host="127.0.0.1", tokens=(("", b"right-token"),))
        async with proxied(answer_json, guard=guard) as made:
            assert (await ask(made.port, post(CALL, *lines))).startswith(b"HTTP/1.1 %d" % status)
            assert made.requests == []
            found = await ask(made.port, post(CALL, b"Authorization: Bearer right-token"))
            assert found.endswith(ANSWER) and made.requests[0].all(b"authorization") == []

    run(scenario)


def test_a_browsers_preflight_passes_without_a_token_and_without_the_proxys_own_credentials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCOPE_TOKEN", "upstream-secret-1")

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: http://localhost:6274\r\n\r\n")

    async def scenario() -> None:
        guard = Guard(host="127.0.0.1", tokens=(("", b"right-token"),))
        specs = ("Authorization: Bearer ${env:SCOPE_TOKEN}",)
        async with proxied(script, guard=guard, headers=specs) as made:
            asked = b"Origin: http://localhost:6274\r\nAccess-Control-Request-Method: POST\r\n"
            line = b"OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            found = await ask(made.port, line + asked + b"\r\n")
            assert found.startswith(b"HTTP/1.1 204") and b"Access-Control-Allow-Origin" in found
            (seen,) = made.requests
            assert seen.all(b"authorization") == [] and seen.line.startswith(b"OPTIONS /mcp")

    run(scenario)


def test_what_must_be_recorded_and_is_not_does_not_pass() -> None:
    async def scenario() -> None:
        async with proxied(answer_json) as made:
            made.journal.fault = "No space left on device"
            assert (await ask(made.port, post(CALL))).endswith(ANSWER)
            made.journal.required = True
            found = await ask(made.port, post(CALL))
            assert found.startswith(b"HTTP/1.1 503") and b"No space left" in found
            assert len(made.requests) == 1

    run(scenario)


def test_large_bodies_stream_both_ways_in_bounded_memory() -> None:
    size = 40 * 1024 * 1024

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
        writer.write(request.body)

    async def scenario() -> None:
        async with proxied(script, limits=Limits()) as made:
            data = b'{"id":1,"method":"m","params":"' + b"x" * size + b'"}'
            reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
            writer.write(post(data))
            await writer.drain()
            await asyncio.sleep(0.1)
            found = await reader.read(-1)
            assert found.endswith(data)
            assert made.journal.body(Dir.TO_SERVER, 1) == data == made.journal.body(Dir.TO_CLIENT, 1)
            writer.close()

    run(scenario)


@pytest.mark.parametrize("place", [b"/.well-known/oauth-protected-resource/mcp", b"/other/place.json?v=1"])
@pytest.mark.parametrize("rewrite", [False, True])
def test_protected_resource_metadata_names_the_proxy_only_where_that_is_asked_for(
    rewrite: bool, place: bytes
) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        origin = b"http://127.0.0.1:%d" % made.upstream_port
        if request.line.startswith(b"POST"):
            challenge = b'Bearer resource_metadata="%b%b", scope="a"' % (origin, place)
            writer.write(b"HTTP/1.1 401 No\r\nWWW-Authenticate: %b\r\nContent-Length: 0\r\n\r\n" % challenge)
            return
        body = b'{"x":1e2, "resource":"%b/mcp","authorization_servers":["%b/as"]}' % (origin, origin)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        for byte in body:
            writer.write(b"%c" % byte)
            await writer.drain()

    async def scenario() -> None:
        nonlocal made
        async with proxied(script, rewrite_oauth=rewrite) as made:
            origin = b"http://127.0.0.1:%d" % made.upstream_port
            shown = b"http://localhost" if rewrite else origin
            challenge = await ask(made.port, post(CALL))
            assert b'resource_metadata="%b%b"' % (shown, place) in challenge and b'scope="a"' in challenge
            path = b"GET %b HTTP/1.1" % place
            found = await ask(made.port, path + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            wanted = b'{"x":1e2, "resource":"%b/mcp","authorization_servers":["%b/as"]}' % (shown, origin)
            assert found.endswith(b"\r\n\r\n" + wanted)
            assert made.journal.of(RecordType.CHUNK, Dir.TO_CLIENT) == []

    made = None  # type: ignore[assignment]
    run(scenario)
