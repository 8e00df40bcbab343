"""The text of the first screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line

MAX_FILES = 4
MAX_NAMES = 5

File = tuple[str, str, tuple[str, ...]]
"""A client's configuration: the client, the file as it is written by people, the servers in it."""


def first_lines(db: str, home: Path, glyphs: Glyphs, files: Sequence[File] = ()) -> list[Line]:
    """Three ways to start; ``files`` are the configurations of clients found here."""
    shown = db.replace(str(home), "~", 1)
    lines: list[Line] = [
        [],
        [("   Nothing is connected yet. Three ways to start:", "strong")],
        [],
        [
            ("   1  See it work now                     ", ""),
            ("mcpscope demo", "key"),
            (glyphs.keyed("   (press {demo})"), "muted"),
        ],
        [],
        [
            ("   2  Watch a server your client uses     ", ""),
            ("mcpscope wrap NAME", "key"),
            (glyphs.keyed("   ({wrap-server})"), "muted"),
        ],
    ]
    for number, (client, path, names) in enumerate(files[:MAX_FILES]):
        more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
        shown_names = ", ".join(names[:MAX_NAMES]) + more or "(none)"
        head = "      found:  " if number == 0 else "              "
        lines.append([(head, "muted"), (f"{client:<16}{path:<26}  ", ""), (shown_names, "strong")])
    if len(files) > MAX_FILES:
        lines.append([(f"              and {len(files) - MAX_FILES} more files", "muted")])
    return [
        *lines,
        [],
        [("   3  Run a server yourself               ", ""), ("mcpscope -- npx -y some-server", "key")],
        [],
        [("   Recordings stay on this machine:  ", "muted"), (shown, "muted")],
    ]
