"""The UI in a real browser, clicked and typed through, where there is one; ``make soak`` runs it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("textual_serve")
from aiohttp import ClientSession, ClientWebSocketResponse

from mcpscope.tui.web import free_port
from tests.tui.tape import Tape

CHROME = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.soak,
    pytest.mark.timeout(180),
    pytest.mark.skipif(CHROME is None, reason="no Chromium here"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Page:
    """One page of a headless browser, by its debugging protocol."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            said = await self._socket.receive_json(timeout=30)
            if said.get("id") == number:
                return dict(said.get("result") or {})

    async def type(self, text: str) -> None:
        for char in text:
            await self.ask("Input.dispatchKeyEvent", type="keyDown", key=char, text=char)
            await self.ask("Input.dispatchKeyEvent", type="keyUp", key=char)
            await asyncio.sleep(0.05)

    async def press(self, key: str, code: int) -> None:
        text = {"Enter": "\r"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **more
            )

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def picture(self) -> bytes:
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])


async def test_the_ui_is_clicked_through_in_a_browser(db: Path, tape: Tape, tmp_path: Path) -> None:
    for number in range(12):
        tape.call(f"tool_{number}", query="x")
    tape.store()
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    served = subprocess.Popen(
        [sys.executable, "-m", "mcpscope", "--db", str(db), "ui", "--web"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    assert served.stdout and CHROME
    address = served.stdout.readline().decode().split()[1]
    port = free_port()
    browser = subprocess.Popen(
        [CHROME, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'chrome'}",
         f"--remote-debugging-port={port}", "--window-size=1200,800", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    pictures: list[bytes] = []
    try:
        async with ClientSession() as client:
            socket = await client.ws_connect(await target(client, port), max_msg_size=0)
            page = Page(socket)
            await page.ask("Page.navigate", url=address)
            pictures.append(await changed(page, pictures, seconds=60, rest=6.0))  # Traffic
            for act in (
                lambda: page.click(300, 120),
                lambda: page.press("Enter", 13),
                lambda: page.press("Escape", 27),
                lambda: page.type("4"),
                lambda: page.type("?"),
            ):
                await act()
                pictures.append(await changed(page, pictures))
            where = await page.ask("Runtime.evaluate", expression="location.href")
            assert where["result"]["value"] == address.split("/?")[0].rstrip("/") + "/"
    finally:
        browser.terminate()
        browser.wait(20)
        served.terminate()
        served.wait(20)
    if folder := os.environ.get("MCPSCOPE_PICTURES"):
        for number, picture in enumerate(pictures):
            (Path(folder) / f"web-{number}.png").write_bytes(picture)
    assert len(set(pictures)) == len(pictures)


async def target(client: ClientSession, port: int) -> str:
    """The address of the first page's debugging socket."""
    for _ in range(300):
        try:
            async with client.get(f"http://127.0.0.1:{port}/json") as answer:
                found = [one for one in await answer.json() if one["type"] == "page"]
                if found:
                    return str(found[0]["webSocketDebuggerUrl"])
        except OSError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("the browser did not start")


async def changed(page: Page, before: list[bytes], seconds: float = 30, rest: float = 1.0) -> bytes:
    """A picture that none of those before was, after a rest."""
    await asyncio.sleep(rest)
    for _ in range(int(seconds / 0.3)):
        found = await page.picture()
        if found not in before:
            return found
        await asyncio.sleep(0.3)
    raise AssertionError("the page did not change")
