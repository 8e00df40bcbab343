"""A redirect of an upstream leads no one with its credential to another place, whatever it answers so."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.e2e.bare_client import Client, called, messages
from tests.e2e.gateways import Gateway, written
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.e2e.test_gateway_safety import bearer, begun
from tests.program import Program

pytestmark = pytest.mark.timeout(120)
HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
CODES = (301, 302, 303, 307, 308)
SECRETS = {
    "ONE": "one-secret-12345",
    "TLS": "tls-secret-12345",
    "LOST": "lost-secret-1234",
    "EAR": "ear-secret-12345",
}
CALLER = "ann-token-12345"


@pytest.fixture
def trap() -> Iterator[socket.socket]:
    """A port where nobody is to come."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def nobody_came(trap: socket.socket) -> bool:
    trap.setblocking(False)
    try:
        trap.accept()
    except BlockingIOError:
        return True
    return False


def moved(ends: HttpEnds, variable: str, to: str) -> str:
    """A server that answers with redirects."""
    return ends.server("/usr/bin/env", f"{variable}=307,{to}", *HTTP)


def test_no_redirect_of_an_upstream_takes_its_credential_elsewhere(
    ends: HttpEnds, program: Program, tmp_path: Path, trap: socket.socket
) -> None:
    other = f"http://127.0.0.1:{trap.getsockname()[1]}/mcp"
    two = ends.server(*HTTP)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ca.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    tls = ends.server(*HTTP, str(tmp_path / "server.pem")).replace("http://127.0.0.1", "https://localhost")
    secret = {
        name: {"headers": {"authorization": f"Bearer ${{env:{name.upper()}}}"}}
        for name in ("one", "lost", "ear")
    }
    upstreams: dict[str, Any] = {
        "one": {"url": ends.server(*HTTP), **secret["one"]},
        "two": {"url": two},
        "tls": {"url": tls, "ca_file": "ca.pem", "headers": {"x-key": "${env:TLS}"}},
        "lost": {"url": moved(ends, "MOVED", two), **secret["lost"]},
        "ear": {"url": moved(ends, "MOVED_GET", two), **secret["ear"]},
    }
    program.env |= SECRETS
    gateway = Gateway(program, written(tmp_path, upstreams, callers={"ann": {"bearer": CALLER}}))
    ann = bearer(CALLER)
    plain = tls.replace("https:", "http:")
    places = (
        two,
        other,
        "//127.0.0.1:" + other.partition(":1:")[2],
        plain,
        "/elsewhere",
        other.replace("//", "//a:b@"),
    )

    async def asked() -> str:
        async with Client(gateway.url) as client:
            await begun(client, ann)
            ids = iter(range(1, 1000))
            for name in ("one", "tls"):
                for code in CODES:
                    for to in places:
                        body = called(next(ids), f"{name}__moved", code=code, to=to)
                        _, fields, answer = await client.ask(body, ann)
                        assert "location" not in fields
                        assert f"HTTP {code}" in messages(answer)[-1]["error"]["message"]
            _, _, answer = await client.ask(called(next(ids), "lost__json"), ann)
            assert "lost" in messages(answer)[-1]["error"]["message"]
            for name in ("one", "ear", "tls", "lost"):
                done = await asyncio.to_thread(program.run, "restart", name)
                assert done.returncode == 0, done.stderr
            _, _, answer = await client.ask(called(next(ids), "ear__json", text="still there"), ann)
            assert messages(answer)[-1]["result"]["content"][0]["text"] == "still there"
            _, _, answer = await client.ask(called(next(ids), "ear__seen"), ann)
            assert "GET /mcp" in messages(answer)[-1]["result"]["content"][0]["text"]
            _, _, answer = await client.ask(called(next(ids), "two__seen"), ann)
            return str(messages(answer)[-1]["result"]["content"][0]["text"])

    async def alone() -> None:
        async with Client(gateway.at("one")) as client:
            for id, to in enumerate(places):
                await client.ask(called(id, "moved", code=307, to=to), ann)

    asyncio.run(alone())
    seen = asyncio.run(asked())
    assert "POST /mcp" in seen and "/elsewhere" not in seen
    assert [word for word in (*SECRETS.values(), CALLER) if word in seen] == []
    assert nobody_came(trap)
