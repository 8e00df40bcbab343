"""Proxies with HTTP under many clients, hostile ones, and upstreams that misbehave."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.bare_client import Client, called
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.program import Program, files_in, until

pytestmark = pytest.mark.timeout(240)
PLAIN_HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
PLAIN_STDIO = (sys.executable, str(SERVERS / "plain_stdio_server.py"))
SECRET = "s3cr3t/value+0123456789"


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


async def five_calls(url: str, number: int) -> None:
    """Five calls with the ids every client uses, half of them streaming; each must get its own answer."""
    async with Client(url) as client:
        await client.initialize()
        for id in range(1, 6):
            text = f"client {number} call {id}"
            status, _, body = await client.ask(called(id, "stream" if id % 2 else "json", text=text))
            assert status == 200
            *progress, last = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")] or [body]
            assert json.loads(last)["result"]["content"][0]["text"] == text
            assert len(progress) == (3 if id % 2 else 0)


def all_at_once(url: str, clients: int) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(150):
            await asyncio.gather(*(five_calls(url, number) for number in range(clients)))

    asyncio.run(scenario())


def check_record(ends: HttpEnds, clients: int) -> None:
    kinds = dict(ends.rows("SELECT kind, count(*) FROM messages GROUP BY kind"))
    assert kinds == {"request": 6 * clients, "result": 6 * clients, "notification": 9 * clients}
    (open_calls,) = ends.rows("SELECT count(*) FROM exchanges WHERE kind = 'request' AND status != 'ok'")
    assert open_calls == (0,)


def test_two_hundred_clients_at_once_lose_and_mix_up_nothing(ends: HttpEnds) -> None:
    all_at_once(ends.proxy(ends.server(*PLAIN_HTTP)), 200)
    check_record(ends, 200)


def test_twenty_clients_at_once_on_a_stdio_server(ends: HttpEnds) -> None:
    all_at_once(ends.proxy("--", *PLAIN_STDIO), 20)
    check_record(ends, 20)


def test_many_stdio_clients_at_once_of_a_remote_server(ends: HttpEnds, soak: bool) -> None:
    url = ends.server(*PLAIN_HTTP)
    many = 20 if soak else 6
    clients = [ends.program.popen("proxy", "--stdio", url) for _ in range(many)]
    for number, client in enumerate(clients):
        assert client.stdin is not None
        for id in range(1, 6):
            client.stdin.write(called(id, "stream" if id % 2 else "json", text=f"{number} {id}") + b"\n")
        client.stdin.flush()
    for number, client in enumerate(clients):
        assert client.stdout is not None and client.stdin is not None
        lines = [json.loads(client.stdout.readline()) for _ in range(5 + 9)]
        found = {line["id"]: line["result"]["content"][0]["text"] for line in lines if "id" in line}
        assert found == {id: f"{number} {id}" for id in range(1, 6)}
        client.stdin.close()
        assert client.wait(20) == 0
    kinds = dict(ends.rows("SELECT kind, count(*) FROM messages GROUP BY kind"))
    assert kinds == {"request": 5 * many, "result": 5 * many, "notification": 9 * many}


def test_a_hundred_events_are_each_there_before_the_next_is_sent(ends: HttpEnds) -> None:
    url = ends.proxy(ends.server(*PLAIN_HTTP))

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            body = called(1, "stream", events=100, every=0.05)
            head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            client.writer.write(head.encode() + body)
            await client.head()
            for step in range(100):
                found = await client.reader.readuntil(b"\n\n\r\n")
                assert found.count(b"data: ") == 1 and b'"progress": %d}' % step in found

    asyncio.run(scenario())


def test_a_secret_that_is_added_is_in_no_file_and_no_line(ends: HttpEnds) -> None:
    ends.program.env["SCOPE_SECRET"] = SECRET
    upstream = ends.server(*PLAIN_HTTP)
    header = "Authorization: Bearer ${env:SCOPE_SECRET}"
    url = ends.proxy("--header", header, upstream)
    bridge = ends.program.popen("proxy", "--stdio", "--header", header, upstream)

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            for name, more in (
                ("echo", {}),
                ("status", {"code": 401}),
                ("status", {"code": 500}),
                ("json", {"text": SECRET}),
            ):
                body = called(1, name, **more)
                _, fields, said = await client.ask(body, "Authorization: Bearer of-the-client")
                if name == "echo":
                    assert SECRET in said.decode() and "of-the-client" not in said.decode()
                    assert fields["x-echo"] == f"Bearer {SECRET}"

    asyncio.run(scenario())
    said, errors = bridge.communicate(
        called(1, "echo") + b"\n" + called(2, "status", code=403) + b"\n", timeout=30
    )
    assert SECRET.encode() in said and SECRET.encode() not in errors
    (count,) = ends.rows("SELECT count(*) FROM messages")
    assert count[0] >= 8
    exported = ends.program.run("export", "1", "--format", "jsonl")
    forms = (SECRET, SECRET.replace("/", "%2F").replace("+", "%2B"), SECRET.replace("/", "\\/"))
    for path, data in files_in(ends.program.folder).items():
        for form in forms:
            assert form.encode() not in data, path
    assert SECRET.encode() not in exported.stdout + exported.stderr


def test_who_may_not_come_in_is_told_so_and_the_others_go_on(ends: HttpEnds) -> None:
    url = ends.proxy("--client-token", "open-sesame-1", ends.server(*PLAIN_HTTP))
    own = "Mcpscope-Token: open-sesame-1"

    async def status(*lines: str, host: str = "localhost", body: bytes = b"") -> int:
        async with Client(url) as client:
            return (await client.ask(body or called(1, "json", text="x"), *lines, host=host))[0]

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as faithful:
            assert (await faithful.ask(called(1, "json", text="x"), own))[0] == 200
            assert await status(own, host="evil.example") == 421
            assert await status(own, "Origin: https://evil.example") == 403
            assert await status() == 401
            assert await status("Authorization: Bearer wrong") == 401
            assert await status(own, "Transfer-Encoding: chunked") == 400
            assert await status(own, "Content-Length: 5") == 400
            assert await status(own, "X: " + "y" * 20_000) == 431
            assert (await faithful.ask(called(2, "json", text="x"), own))[0] == 200

    asyncio.run(scenario())


def test_an_oversized_body_is_refused_where_it_would_have_to_be_kept(ends: HttpEnds) -> None:
    url = ends.proxy("--", *PLAIN_STDIO)

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            assert (await client.ask(called(1, "json", text="x" * 5_000_000)))[0] == 413

    asyncio.run(scenario())


def test_what_an_upstream_does_wrong_is_passed_on_or_said_to_be_ours(ends: HttpEnds) -> None:
    url = ends.proxy(ends.server(*PLAIN_HTTP))

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            for code in (401, 404, 429, 500):
                status, fields, said = await client.ask(called(1, "status", code=code))
                assert (status, fields["retry-after"], said) == (code, "7", b'{"error":"%d"}' % code)
            status, fields, said = await client.ask(called(2, "gzip"))
            assert b"packed" in said and "content-encoding" not in fields
            status, _, said = await client.ask(called(3, "close"))
            assert status == 502 and json.loads(said)["id"] == 3 and "mcpscope" in said.decode()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
                await client.ask(called(4, "reset"))
            async with Client(url) as other:
                assert (await other.ask(called(5, "json", text="x")))[0] == 200

    asyncio.run(scenario())


def test_an_upstream_that_is_not_there_is_named(ends: HttpEnds, program: Program) -> None:
    url = ends.proxy("http://127.0.0.1:9/mcp")

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            status, _, said = await client.ask(called(7, "json", text="x"))
            assert status == 502 and "http://127.0.0.1:9" in said.decode()

    asyncio.run(scenario())
    alone = program.run(
        "proxy", "--stdio", "http://127.0.0.1:9/mcp", input=called(8, "json", text="x") + b"\n"
    )
    assert json.loads(alone.stdout)["id"] == 8 and alone.returncode == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--host", "0.0.0.0", "http://127.0.0.1:9/mcp"), "--allow-remote"),
        (("--host", "0.0.0.0", "--allow-remote", "http://127.0.0.1:9/mcp"), "--client-token"),
        (("--header", "X: ${env:NOT_SET_ANYWHERE}", "http://127.0.0.1:9/mcp"), "NOT_SET_ANYWHERE"),
        (("--header", "no colon", "http://127.0.0.1:9/mcp"), "Name: value"),
        (("http://127.0.0.1:9/other",), "--transport"),
        (("--port", "x", "http://127.0.0.1:9/mcp"), "--port"),
        (("--ca-file", "/nowhere", "https://127.0.0.1:9/mcp"), "--ca-file"),
        (("--stdio", "--port", "1", "http://127.0.0.1:9/mcp"), "--stdio"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(program: Program, args: tuple[str, ...], words: str) -> None:
    done = program.run("proxy", *args)
    assert done.returncode == 2 and words in done.stderr.decode(), done.stderr


def test_a_second_proxy_on_the_same_port_names_the_first(ends: HttpEnds, program: Program) -> None:
    url = ends.proxy("http://127.0.0.1:9/mcp")
    second = program.run("proxy", "--port", str(urlsplit(url).port), "http://127.0.0.1:9/mcp")
    assert second.returncode == 2 and b"in use by process" in second.stderr


def test_a_server_that_does_not_start_is_an_answer_and_not_the_end(ends: HttpEnds) -> None:
    url = ends.proxy("--", "/nowhere/at/all")

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            params = {"protocolVersion": "2025-11-25", "capabilities": {}}
            body = json.dumps({"jsonrpc": "2.0", "id": 9, "method": "initialize", "params": params}).encode()
            status, _, said = await client.ask(body)
            assert status == 502 and "/nowhere/at/all" in said.decode()

    asyncio.run(scenario())


def test_nothing_outlives_the_proxy(ends: HttpEnds) -> None:
    mark = str(ends.program.folder).encode()
    url = ends.proxy("--", *PLAIN_STDIO, str(ends.program.folder))

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            await client.initialize()

    asyncio.run(scenario())
    assert mark in subprocess.run(["ps", "axww", "-o", "args"], capture_output=True).stdout
    ends.stop_proxies()
    until(lambda: mark not in subprocess.run(["ps", "axww", "-o", "args"], capture_output=True).stdout)
