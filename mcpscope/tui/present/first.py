"""The text of the first screen."""

from __future__ import annotations

from pathlib import Path

from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line

KNOWN = (
    ("Claude Code", ".mcp.json", False),
    ("Claude Code", ".claude.json", True),
    ("Claude Desktop", ".config/Claude/claude_desktop_config.json", True),
    ("Claude Desktop", "Library/Application Support/Claude/claude_desktop_config.json", True),
    ("Cursor", ".cursor/mcp.json", True),
    ("VS Code", ".vscode/mcp.json", False),
    ("Codex", ".codex/config.toml", True),
    ("Gemini CLI", ".gemini/settings.json", True),
)


def found_clients(home: Path, here: Path) -> list[tuple[str, str]]:
    """The client configurations that exist: name and path as it is shown."""
    found = []
    for name, relative, at_home in KNOWN:
        if ((home if at_home else here) / relative).is_file():
            found.append((name, ("~/" if at_home else "./") + relative))
    return found


def first_lines(db: str, home: Path, glyphs: Glyphs) -> list[Line]:
    """Three ways to start."""
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
    clients = found_clients(home, Path.cwd())[:4]
    for number, (name, path) in enumerate(clients):
        lines.append(
            [("      found:  " if number == 0 else "              ", "muted"), (f"{name:<16}{path}", "")]
        )
    return [
        *lines,
        [],
        [("   3  Run a server yourself               ", ""), ("mcpscope -- npx -y some-server", "key")],
        [],
        [("   Recordings stay on this machine:  ", "muted"), (shown, "muted")],
    ]
