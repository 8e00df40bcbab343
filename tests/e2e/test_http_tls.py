"""Upstreams behind TLS: who is believed, what is said of who is not, and what passes as without it."""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.e2e.bare_client import Client, called
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.program import Program

pytestmark = pytest.mark.timeout(120)
SERVER = str(SERVERS / "plain_http_server.py")


@dataclass(frozen=True)
class Authority:
    """A certificate authority of this test alone; ``file`` is what --ca-file gets."""

    folder: Path
    ca: trustme.CA

    @property
    def file(self) -> str:
        path = self.folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(path))
        return str(path)

    def pem(self, name: str, *, until: datetime.datetime | None = None) -> str:
        """A certificate for ``name`` with its key."""
        path = self.folder / f"{name}.pem"
        self.ca.issue_cert(name, not_after=until).private_key_and_cert_chain_pem.write_to_path(str(path))
        return str(path)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, trustme.CA())


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def served(ends: HttpEnds, pem: str, host: str = "localhost") -> str:
    """A server with that certificate, reached as ``host``."""
    return ends.server(sys.executable, SERVER, pem).replace("http://127.0.0.1", f"https://{host}")


def asked(url: str, *bodies: bytes) -> list[tuple[int, bytes]]:
    """The answers to requests on one connection."""

    async def scenario() -> list[tuple[int, bytes]]:
        async with asyncio.timeout(60), Client(url) as client:
            answers = [await client.ask(body) for body in bodies]
            return [(status, said) for status, _, said in answers]

    return asyncio.run(scenario())


def test_a_server_of_a_known_authority_answers_through_the_reverse_proxy_and_on_stdio(
    ends: HttpEnds, authority: Authority
) -> None:
    upstream = served(ends, authority.pem("localhost"))
    trusting = ("--ca-file", authority.file, upstream)
    calls = [called(1, "json", text="a"), called(2, "stream", text="b"), called(3, "gzip"), called(4, "json")]
    found = asked(ends.proxy(*trusting), *calls)
    assert [status for status, _ in found] == [200] * 4
    assert found[1][1].count(b"data: ") == 4 and b"packed" in found[2][1]
    bridged = ends.program.run("proxy", "--stdio", *trusting, input=called(1, "json", text="a") + b"\n")
    assert json.loads(bridged.stdout) == json.loads(found[0][1])
    transports = ends.rows("SELECT url, count(*) FROM sessions GROUP BY url")
    assert transports == [(upstream, 2)]


def test_a_server_that_is_not_believed_is_named_with_the_reason(ends: HttpEnds, authority: Authority) -> None:
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    unknown = served(ends, authority.pem("localhost"))
    other = served(ends, authority.pem("127.0.0.1"))
    expired = served(ends, authority.pem("localhost", until=yesterday))
    cases = {
        "certificate": ends.proxy(unknown),
        "localhost": ends.proxy("--ca-file", authority.file, other),
        "expired": ends.proxy("--ca-file", authority.file, expired),
    }
    for words, url in cases.items():
        (answer,) = asked(url, called(7, "json"))
        error = json.loads(answer[1])
        assert answer[0] == 502 and error["id"] == 7
        assert "https://" in answer[1].decode() and words in answer[1].decode(), (words, answer)
    alone = ends.program.run("proxy", "--stdio", unknown, input=called(8, "json") + b"\n")
    assert json.loads(alone.stdout)["id"] == 8 and b"certificate" in alone.stdout


def test_a_server_that_does_not_speak_tls_is_said_to_fail_at_that(ends: HttpEnds) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        url = ends.proxy(f"https://localhost:{plain.getsockname()[1]}/mcp")

        def talk() -> None:
            connection, _ = plain.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                connection.recv(1)

        talking = threading.Thread(target=talk)
        talking.start()
        (answer,) = asked(url, called(7, "json"))
        talking.join(20)
    assert answer[0] == 502 and "TLS failed" in json.loads(answer[1])["error"]["message"]


def test_verification_is_left_out_only_where_that_is_asked_for_and_said(
    ends: HttpEnds, authority: Authority
) -> None:
    upstream = served(ends, authority.pem("other.example"))
    (answer,) = asked(ends.proxy("--insecure", upstream), called(1, "json", text="a"))
    assert answer[0] == 200
    assert "not verified" in ends.logs[0].read_text()


def test_a_stream_that_breaks_off_in_tls_breaks_off_here_and_others_go_on(
    ends: HttpEnds, authority: Authority
) -> None:
    url = ends.proxy("--ca-file", authority.file, served(ends, authority.pem("localhost")))

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as other, Client(url) as client:
            assert (await other.ask(called(1, "json")))[0] == 200
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
                await client.ask(called(2, "reset"))
            assert (await other.ask(called(3, "json")))[0] == 200

    asyncio.run(scenario())
