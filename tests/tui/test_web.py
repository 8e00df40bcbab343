"""The UI in a browser: nobody comes in without the token, from another host name or from another page."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest

pytest.importorskip("textual_serve")
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError, web

from mcpscope.cli.settings import Settings
from mcpscope.cli.ui import page_command
from mcpscope.tui.web import COOKIE, GuardedServer, free_port, new_token
from tests.tui.tape import Tape

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_only_who_brings_the_token_from_this_page_sees_anything(db: Path, tape: Tape) -> None:
    tape.call("search_docs", query="x")
    tape.store()
    port, token = free_port(), new_token()
    asked = {"filter_text": "tool:search*", "screen": "traffic", "images": "", "read_only": "yes"}
    server = GuardedServer(page_command(Settings(db), "", **asked), port, token)
    runner = web.AppRunner(await server._make_app())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    base = f"http://127.0.0.1:{port}"
    own = {"Cookie": f"{COOKIE}={token}"}
    try:
        async with ClientSession() as client:
            for path, headers in (
                ("/", {}),
                ("/ws", {}),
                ("/static/js/textual.js", {}),
                ("/", {"Cookie": f"{COOKIE}=wrong"}),
                ("/", {**own, "Host": "evil.example"}),
                ("/", {**own, "Origin": "https://evil.example"}),
                ("/", {**own, "Origin": "null"}),
            ):
                async with client.get(base + path, headers=headers) as answer:
                    assert answer.status == 403, (path, headers)
            async with client.get(server.address, allow_redirects=False) as answer:
                assert answer.status == 302 and answer.headers["Location"] == "/"
                cookie = answer.headers["Set-Cookie"]
                assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
                assert answer.headers["Referrer-Policy"] == "no-referrer"
            async with client.get(base, headers={**own, "Origin": base}) as answer:
                assert answer.status == 200 and "textual" in await answer.text()
            with pytest.raises(WSServerHandshakeError):
                await client.ws_connect(f"{base}/ws", headers={**own, "Origin": "http://evil.example"})
            drawn, shown = b"", (b"search_docs", b"READ-ONLY", b"tool:search*")
            async with client.ws_connect(
                f"{base}/ws?width=80&height=24", headers={**own, "Origin": base}
            ) as socket:
                async for message in socket:
                    drawn += message.data if message.type == WSMsgType.BINARY else b""
                    if all(text in drawn for text in shown):
                        break
            assert all(text in drawn for text in shown)
    finally:
        await runner.cleanup()
        gc.collect()  # textual-serve leaves its pipes to whoever finds them: while the loop runs
        await asyncio.sleep(0)
