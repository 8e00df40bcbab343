"""Pictures of the screen: SVG for people, text beside it; what is masked on the screen is masked in them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.app import App

from mcpscope.tui.widgets.viewer import Viewer


def text_of(app: App[Any]) -> str:
    """The screen as lines of text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text[:width].rstrip() for strip in strips[:height]) + "\n"


def write_picture(app: App[Any], path: str) -> str:
    """Write both forms into new files; returns what to say of it."""
    target = Path(path or f"mcpscope-{time.strftime('%Y%m%d-%H%M%S')}.svg").expanduser()
    try:
        with _masked(app):
            _write(target, app.export_screenshot(title="mcpscope"))
            _write(target.with_suffix(".txt"), text_of(app))
    except FileExistsError:
        return f"{target} exists already, nothing was written"
    except OSError as error:
        return f"{target} could not be written: {error.strerror}"
    return f"written: {target.resolve()}"


@contextmanager
def _masked(app: App[Any]) -> Iterator[None]:
    """While a picture is taken nothing is revealed, whatever the person at the screen looks at."""
    revealed = [viewer for screen in app.screen_stack for viewer in screen.query(Viewer) if viewer.revealed]
    for viewer in revealed:
        viewer.reveal(on=False)
    try:
        yield
    finally:
        for viewer in revealed:
            viewer.reveal(on=True)


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
