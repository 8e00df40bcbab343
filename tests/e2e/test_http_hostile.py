"""What a hostile client, page, server or edit tries over HTTP: each gets its answer, and the others go on."""

from __future__ import annotations

import asyncio
import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mcpscope.control.client import Control
from tests.e2e.bare_client import Client, called
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.test_http_steered import held, socket_of
from tests.program import Program

pytestmark = pytest.mark.timeout(120)
PLAIN_HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
PLAIN_STDIO = (sys.executable, str(SERVERS / "plain_stdio_server.py"))
HEAD_SECONDS = 10.0

# A server process that writes down each line it reads and answers every request.
LISTENER = """
import json, sys
log = open(sys.argv[1], "ab", buffering=0)
for line in sys.stdin.buffer:
    log.write(b"line " + line)
    found = json.loads(line)
    if "id" in found:
        server = {"name": "listener", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": server}
        print(json.dumps({"jsonrpc": "2.0", "id": found["id"], "result": result}), flush=True)
"""


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


class Heard(http.server.BaseHTTPRequestHandler):
    """Keeps the head and the body of each POST as they came."""

    protocol_version = "HTTP/1.1"
    posts: list[tuple[list[tuple[str, str]], bytes]]
    result: dict[str, object]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posts.append((list(self.headers.items()), body))
        asked = json.loads(body)
        said = json.dumps({"jsonrpc": "2.0", "id": asked.get("id"), "result": self.result}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *words: object) -> None: ...


@contextmanager
def listening() -> Iterator[tuple[str, type[Heard]]]:
    """A server that is strict about heads, its URL, and what it heard."""
    kind = type("Kept", (Heard,), {"posts": [], "result": {}})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp", kind
        server.shutdown()


def modern(id: int, tool: str) -> tuple[bytes, list[str]]:
    """A call of 2026-07-28 and its header lines."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": tool, "arguments": {}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).encode()
    return body, ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", f"Mcp-Name: {tool}"]


MIRRORED = {
    "ok\r\nX-Injected: yes": "=?base64?b2sNClgtSW5qZWN0ZWQ6IHllcw==?=",
    "naïve": "=?base64?bmHDr3Zl?=",
    " padded": "=?base64?IHBhZGRlZA==?=",
    "nul\0": "=?base64?bnVsAA==?=",
    "plain": "plain",
}


def test_an_edited_name_reaches_the_upstreams_header_without_ending_its_line(ends: HttpEnds) -> None:
    async def edited(control: Control, url: str, name: str) -> None:
        async with Client(url) as client, Client(url) as other:
            body, lines = modern(1, "whisper")
            asking = asyncio.create_task(client.ask(body, *lines))
            hold = await asyncio.to_thread(held, control)
            more, others = modern(2, "another")
            assert (await other.ask(more, *others))[0] == 200
            patch = [{"op": "replace", "path": "/params/name", "value": name}]
            await asyncio.to_thread(control.call, "scope/holds/edit", id=hold["id"], patch=patch)
            assert (await asking)[0] == 200

    async def scenario(control: Control, url: str) -> None:
        async with asyncio.timeout(60):
            for name, mirrored in MIRRORED.items():
                await edited(control, url, name)
                headers, body = heard.posts[-1]
                assert json.loads(body)["params"]["name"] == name
                assert [value for key, value in headers if key.lower() == "mcp-name"] == [mirrored]
                assert not [key for key, _ in headers if "inject" in key.lower()]

    with listening() as (upstream, heard):
        url = ends.proxy(upstream)
        with Control(socket_of(ends.program), name="tester") as control:
            control.call("scope/subscribe")
            control.call("scope/breakpoints/add", filter="tool:whisper")
            asyncio.run(scenario(control, url))


def test_what_a_stdio_client_or_its_server_says_does_not_end_a_header_line_and_nobody_waits_for_ever(
    ends: HttpEnds,
) -> None:
    envelope = json.loads(modern(0, "t")[0])["params"]["_meta"]
    version = "io.modelcontextprotocol/protocolVersion"
    conversations = {
        "legacy": [
            {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}},
            {"id": 2, "method": "ping"},
        ],
        "modern": [
            {"id": 3, "method": "tools/list\r\nX-Injected: 1", "params": {"_meta": envelope}},
            {
                "id": 4,
                "method": "ping",
                "params": {"_meta": envelope | {version: "2026-07-28\r\nX-Injected: 1"}},
            },
            {"id": 5, "method": "ping", "params": {"_meta": envelope}},
        ],
    }
    with listening() as (upstream, heard):
        heard.result = {"protocolVersion": "2025-11-25\r\nX-Injected: 1", "capabilities": {}}
        answers = {}
        for said in conversations.values():
            lines = b"".join(json.dumps({"jsonrpc": "2.0", **one}).encode() + b"\n" for one in said)
            done = ends.program.run("proxy", "--stdio", upstream, input=lines)
            assert done.returncode == 0 and b"Traceback" not in done.stderr, done.stderr
            answers.update({one["id"]: one for one in map(json.loads, done.stdout.splitlines())})
    assert {id for id, one in answers.items() if "result" in one} == {1, 2, 5}
    assert all("header" in answers[id]["error"]["message"] for id in (3, 4)), answers
    assert not [key for headers, _ in heard.posts for key, _ in headers if "inject" in key.lower()]


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:1/elsewhere", "another origin"),
        ("http://[::1", "no URL"),
        ("", "closed its stream"),
    ],
)
def test_a_stdio_client_does_not_wait_for_a_server_that_names_no_place_to_post_to(
    program: Program, endpoint: str, words: str
) -> None:
    class Naming(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(f"event: endpoint\ndata: {endpoint}\n\n".encode())
            if endpoint:
                self.rfile.read(1)  # until the other side leaves

        def log_message(self, *words: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Naming) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/sse"
        bridge = program.popen("proxy", "--stdio", "--header", "X-Key: upstream-secret-1", url)
        assert bridge.stdin and bridge.stdout and bridge.stderr
        bridge.stdin.write(called(5, "json") + b"\n")
        bridge.stdin.flush()  # and left open: the answer does not wait for its end
        answer = json.loads(bridge.stdout.readline())
        assert answer["id"] == 5 and words in answer["error"]["message"]
        assert bridge.wait(20) == 4
        assert b"Traceback" not in bridge.stderr.read()
        server.shutdown()


def test_slow_heads_and_half_heads_are_ended_while_others_are_served(ends: HttpEnds) -> None:
    url = ends.proxy(ends.server(*PLAIN_HTTP))

    async def dribble(number: int) -> tuple[float, bytes]:
        begun = time.monotonic()
        async with Client(url) as slow:
            slow.writer.write(b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n")
            found = b""
            while not found:
                if number % 2:
                    slow.writer.write(b"X: 1\r\n")
                try:
                    found = await asyncio.wait_for(slow.reader.read(1000), 0.5)
                    break
                except TimeoutError:
                    pass
            return time.monotonic() - begun, found

    async def scenario() -> None:
        async with asyncio.timeout(90), Client(url) as other:
            slow = [asyncio.create_task(dribble(number)) for number in range(20)]
            served = 0
            while not all(one.done() for one in slow):
                assert (await other.ask(called(served, "json")))[0] == 200
                served += 1
                await asyncio.sleep(0.2)
            assert served > 5
            for seconds, found in [one.result() for one in slow]:
                assert HEAD_SECONDS - 1 < seconds < HEAD_SECONDS + 30
                assert found.startswith(b"HTTP/1.1 408 ")

    asyncio.run(scenario())


@pytest.mark.parametrize("shape", ["reverse", "process"])
def test_a_request_whose_length_could_be_read_in_two_ways_is_refused_and_reaches_nobody(
    ends: HttpEnds, program: Program, shape: str
) -> None:
    log = program.folder / "heard"
    url = (
        ends.proxy(ends.server(*PLAIN_HTTP))
        if shape == "reverse"
        else ends.proxy("--", sys.executable, "-c", LISTENER, str(log))
    )
    body = called(66, "json")
    smuggled = [
        b"Content-Length: %d\r\nTransfer-Encoding: chunked" % len(body),
        b"Content-Length: %d\r\nContent-Length: 0" % len(body),
        b"Content-Length: +%d" % len(body),
        b"Content-Length: %d\r\nTransfer-Encoding : chunked" % len(body),
        b"Transfer-Encoding: identity, chunked\r\nContent-Length: 3",
        b"Transfer-Encoding: xchunked",
        b"Content-Length: 0x10",
        b"X: a\nTransfer-Encoding: chunked",
        b"X: a\r\n folded: line\r\nContent-Length: %d" % len(body),
    ]

    async def refused(lines: bytes) -> None:
        async with Client(url) as client:
            head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            client.writer.write(head + lines + b"\r\n\r\n" + body)
            status, _ = await client.head()
            assert status in (400, 501), (lines, status)

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as other:
            await other.initialize()
            for lines in smuggled:
                await refused(lines)
            assert (await other.ask(called(2, "json")))[0] == 200

    asyncio.run(scenario())
    assert ends.rows("SELECT count(*) FROM messages WHERE rpc_id = '66'") == [(0,)]
    if shape == "process":
        assert b"66" not in log.read_bytes()


def test_line_ends_between_tokens_do_not_make_two_messages_of_one(ends: HttpEnds, program: Program) -> None:
    log = program.folder / "heard"
    url = ends.proxy("--", sys.executable, "-c", LISTENER, str(log))
    inner = b'{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"danger"}}'

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            await client.initialize()
            for id, end in enumerate((b"\r", b"\n", b"\r\n"), 1):
                body = b'{"jsonrpc":"2.0","id":%d,"method":"ping","params":%b%b%b}' % (id, end, inner, end)
                assert (await client.ask(body))[0] == 200

    asyncio.run(scenario())
    lines = [line for line in log.read_bytes().split(b"\n") if b"danger" in line]
    assert len(lines) == 3
    assert all(line.startswith(b"line ") and b"\r" not in line and b'"ping"' in line for line in lines)


def test_a_preflight_passes_and_only_that_goes_without_the_token(ends: HttpEnds) -> None:
    with preflighted() as (upstream, seen):
        url = ends.proxy("--client-token", "open-sesame-1", "--header", "X-Key: upstream-secret-1", upstream)

        async def options(*lines: str) -> tuple[int, dict[str, str]]:
            async with Client(url) as client:
                head = ["OPTIONS /mcp HTTP/1.1", "Host: localhost", *lines, "", ""]
                client.writer.write("\r\n".join(head).encode())
                return await client.head()

        async def scenario() -> None:
            async with asyncio.timeout(60):
                asked = ("Origin: http://localhost:6274", "Access-Control-Request-Method: POST")
                status, fields = await options(*asked)
                assert (status, fields["access-control-allow-origin"]) == (204, "http://localhost:6274")
                assert (await options("Origin: https://evil.example", asked[1]))[0] == 403
                assert (await options(asked[0]))[0] == 401
                assert (await options(*asked, "Content-Length: 3"))[0] == 401
                async with Client(url) as client:
                    assert (await client.ask(called(1, "json"), asked[0]))[0] == 401

        asyncio.run(scenario())
        assert len(seen) == 1 and "upstream-secret-1" not in seen[0]


@contextmanager
def preflighted() -> Iterator[tuple[str, list[str]]]:
    """A server that allows one page to ask it, and the heads of what it was asked."""
    seen: list[str] = []

    class Allowing(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            seen.append(str(self.headers))
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "http://localhost:6274")
            self.send_header("Access-Control-Allow-Headers", "authorization, content-type")
            self.end_headers()

        def log_message(self, *words: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Allowing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp", seen
        server.shutdown()


@pytest.mark.parametrize("shape", ["process", "gate"])
def test_a_body_beyond_the_bound_is_refused_and_others_go_on(ends: HttpEnds, shape: str) -> None:
    upstream = ends.server(*PLAIN_HTTP)
    url = ends.proxy("--", *PLAIN_STDIO) if shape == "process" else ends.proxy("--deny", "tool:no", upstream)

    async def scenario() -> None:
        async with asyncio.timeout(90), Client(url) as other, Client(url) as client:
            await other.initialize()
            status, _, said = await client.ask(called(1, "json", text="x" * 5_000_000))
            assert status == 413 or (status == 200 and b"4194304" in said), (status, said[:200])
            assert (await other.ask(called(2, "json", text="y")))[0] == 200

    asyncio.run(scenario())


def test_an_upstream_that_goes_down_is_said_so_and_used_again_when_it_is_back(
    ends: HttpEnds, program: Program
) -> None:
    upstream = ends.server(*PLAIN_HTTP)
    port = upstream.rpartition(":")[2].partition("/")[0]
    url = ends.proxy(upstream)

    async def once() -> int:
        async with Client(url) as client:
            return (await client.ask(called(1, "json", text="x")))[0]

    async def scenario() -> None:
        async with asyncio.timeout(60):
            assert await once() == 200
            ends._servers[0].kill()
            ends._servers[0].wait(10)
            assert await once() == 502
            again = await asyncio.create_subprocess_exec(*PLAIN_HTTP, "http", port)
            try:
                while await once() != 200:
                    await asyncio.sleep(0.1)
            finally:
                again.kill()
                await again.wait()

    asyncio.run(scenario())
    statuses = dict(
        ends.rows("SELECT status, count(*) FROM exchanges WHERE kind = 'request' GROUP BY status")
    )
    assert statuses["ok"] == 2
