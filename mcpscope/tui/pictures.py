"""Pictures drawn by the terminal itself, where it can and the person wants it: Kitty's and iTerm2's way."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from typing import Any

from textual.app import App, SuspendNotSupported

from mcpscope.text import safe

CHUNK_CHARS = 4096
MAX_BYTES = 16 << 20
KEYS, SCREEN = 0, 2
"""The descriptors that Textual reads and draws on."""
PNG = b"\x89PNG\r\n\x1a\n"
KITTY, ITERM = "kitty", "iterm2"
_ITERM_PROGRAMS = ("iTerm.app", "WezTerm")


def support(environment: Mapping[str, str]) -> str:
    """``kitty``, ``iterm2``, or empty: over ssh and inside tmux or screen pictures do not come through."""
    if any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY")):
        return ""
    program = environment.get("TERM_PROGRAM", "")
    if program in _ITERM_PROGRAMS:
        return ITERM
    term = environment.get("TERM", "")
    known = any(environment.get(name) for name in ("KITTY_WINDOW_ID", "KONSOLE_VERSION"))
    return KITTY if known or "kitty" in term or "ghostty" in (program, *term.split("-")) else ""


def why_not(kind: str, data: bytes) -> str:
    """Why the terminal cannot draw these bytes; empty where it can."""
    if not kind:
        return "this terminal draws no pictures (or not over ssh and tmux)"
    if len(data) > MAX_BYTES:
        return "the picture is too large to be drawn here"
    if kind == KITTY and not data.startswith(PNG):
        return "this terminal draws PNG only"
    return ""


def drawn(kind: str, data: bytes) -> bytes:
    """What makes a terminal of this kind draw the picture at the cursor; base64 is all that it has of it."""
    text = base64.b64encode(data)
    if kind == ITERM:
        return b"\x1b]1337;File=inline=1;size=%d;preserveAspectRatio=1:%b\x07" % (len(data), text)
    parts = [text[at : at + CHUNK_CHARS] for at in range(0, len(text), CHUNK_CHARS)]
    out = b""
    for number, part in enumerate(parts):
        first = b"f=100,a=T," if number == 0 else b""
        out += b"\x1b_G%bm=%d;%b\x1b\\" % (first, number < len(parts) - 1, part)
    return out


def show(app: App[Any], kind: str, data: bytes, caption: str) -> str:
    """Lend the terminal to the picture until Enter; returns what to say, empty where it was shown."""
    try:
        with app.suspend():
            _write(SCREEN, b"\x1b[2J\x1b[H" + drawn(kind, data))
            _write(SCREEN, f"\n\n{safe(caption)}   Enter goes back\n".encode())
            os.read(KEYS, 1024)
    except (SuspendNotSupported, OSError):
        return "there is no terminal to draw on"
    finally:
        app.refresh(layout=True)
    return ""


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
