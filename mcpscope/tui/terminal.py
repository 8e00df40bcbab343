"""The UI on a terminal: which one it draws on, what a crash leaves behind, and what it returns."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver

from mcpscope.errors import Exit, ScopeError
from mcpscope.tui.app import ScopeApp

NEEDS_TERMINAL = 'mcpscope ui needs a terminal; use "mcpscope log --follow"'


class TerminalDriver(LinuxDriver):
    """Draws on the terminal of standard output: Textual would draw on standard error, which may be a file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._file = drawn_on()  # type: ignore[assignment]  # any text stream does


_opened: list[IO[str]] = []


def drawn_on() -> IO[str]:
    """The stream of the terminal that the UI draws on, opened once."""
    if not _opened:
        _opened.append(open(os.ttyname(1), "w", encoding="utf-8", errors="replace"))  # noqa: PTH123, SIM115
    return _opened[0]


def served() -> bool:
    """Whether textual-serve runs us for a browser; then there is no terminal."""
    return "TEXTUAL_DRIVER" in os.environ


def has_terminal() -> bool:
    """Whether standard input and output are a terminal."""
    try:
        return os.isatty(0) and os.isatty(1)
    except OSError:
        return False


def take_tty(path: str) -> None:
    """Use another terminal for input and output (``--tty PATH``); raises ScopeError."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        if not os.isatty(fd):
            raise OSError(0, "it is no terminal")
    except OSError as error:
        raise ScopeError(
            f"{path} cannot be drawn on: {error.strerror}",
            code="no_tty",
            exit=Exit.USAGE,
            hint="name a terminal",
        ) from None
    os.dup2(fd, 0)
    os.dup2(fd, 1)


def demand_terminal() -> None:
    """Raise ScopeError (exit 2) where there is no terminal to draw on."""
    if not has_terminal():
        raise ScopeError(NEEDS_TERMINAL, code="no_terminal", exit=Exit.USAGE)


def run_app(make: Callable[[], ScopeApp]) -> int:
    """Run the UI until it ends; returns the exit code. After a crash the terminal is as it was."""
    app = make()
    if not served():
        app.driver_class = TerminalDriver
    found = app.run()
    if app.crash is not None:
        sys.stderr.write(app.crash.sentence + "\n")
        return Exit.INTERNAL
    return found or 0


def memory_path(state: Path) -> Path:
    """Where filters and histories are kept."""
    return state / "ui.json"
