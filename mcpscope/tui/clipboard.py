"""Text to the clipboard: a native tool, else the terminal, else a file; and the truth about which it was."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from typing import Any

from textual.app import App

from mcpscope.paths import private_dir, state_dir

SECONDS = 2.0
OSC52_BYTES = 70_000


def _tools() -> list[list[str]]:
    found = [["pbcopy"]] if sys.platform == "darwin" else []
    if os.environ.get("WAYLAND_DISPLAY"):
        found.append(["wl-copy"])
    if os.environ.get("DISPLAY"):
        found += [["xclip", "-selection", "clipboard"], ["xsel", "-ib"]]
    return [*found, ["clip.exe"]]


async def to_clipboard(text: str, app: App[Any]) -> str:
    """Put ``text`` where it can be pasted from; returns ``copied``, or where else it went."""
    data = text.encode("utf-8", "replace")
    for tool in _tools():
        if shutil.which(tool[0]) and await _fed(tool, data):
            return f"copied ({tool[0]})"
    if (
        len(data) <= OSC52_BYTES
        and not app.is_headless
        and os.environ.get("TERM_PROGRAM") != "Apple_Terminal"
    ):
        app.copy_to_clipboard(text)
        return "sent to the terminal"
    return f"written to {_to_file(data)}"


async def _fed(tool: list[str], data: bytes) -> bool:
    nowhere = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *tool, stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=nowhere
        )
        await asyncio.wait_for(process.communicate(data), SECONDS)
    except (OSError, TimeoutError):
        return False
    return process.returncode == 0


def _to_file(data: bytes) -> str:
    path = private_dir(state_dir()) / "clipboard.txt"
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    return str(path)
