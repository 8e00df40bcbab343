"""Where each client keeps its servers, and what it takes for a change to be seen."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

MAX_FOUND = 200  # files of one pattern

_SERVERS = (("mcpServers",),)
_CLAUDE_CODE = (("mcpServers",), ("projects", "*", "mcpServers"))
_VS_CODE = (("servers",), ("mcp", "servers"))
ALL_ROOTS: tuple[tuple[str, ...], ...] = (
    *_CLAUDE_CODE,
    *_VS_CODE,
    ("mcp_servers",),
    ("context_servers",),
    ("extensions",),
    ("amp.mcpServers",),
    ("mcp",),
)
"""Where servers stand in a file that nobody knows."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client by its ``name`` in options. ``files`` are patterns: ``~`` the home, ``@`` where the system
    keeps applications' settings, ``./`` the current project, ``$NAME`` a variable that may name a folder.

    ``managed`` files belong to an administrator and are only read.
    """

    name: str
    title: str
    files: tuple[str, ...]
    roots: tuple[tuple[str, ...], ...]
    reload: str
    managed: tuple[str, ...] = ()
    url_is_sse: bool = False


CLIENTS: tuple[Client, ...] = (
    Client(
        "claude-desktop",
        "Claude Desktop",
        ("@/Claude/claude_desktop_config.json", "@/claude/claude_desktop_config.json"),
        _SERVERS,
        "quit it fully and start it again",
    ),
    Client(
        "claude-code",
        "Claude Code",
        ("$CLAUDE_CONFIG_DIR/.claude.json", "~/.claude.json", "./.mcp.json"),
        _CLAUDE_CODE,
        "/mcp reconnects a server",
        managed=(
            "/etc/claude-code/managed-mcp.json",
            "/Library/Application Support/ClaudeCode/managed-mcp.json",
        ),
    ),
    Client(
        "cursor",
        "Cursor",
        ("~/.cursor/mcp.json", "./.cursor/mcp.json"),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client(
        "vscode",
        "VS Code",
        (
            "@/Code/User/mcp.json",
            "@/Code - Insiders/User/mcp.json",
            "@/Code/User/profiles/*/mcp.json",
            "~/.vscode-server/data/User/mcp.json",
            "./.vscode/mcp.json",
            "@/Code/User/settings.json",
        ),
        _VS_CODE,
        "MCP: List Servers, then Restart Server",
    ),
    Client(
        "copilot-cli",
        "GitHub Copilot CLI",
        ("$COPILOT_HOME/mcp-config.json", "~/.copilot/mcp-config.json"),
        _SERVERS,
        "start it again",
    ),
    Client(
        "windsurf",
        "Windsurf",
        ("~/.codeium/windsurf/mcp_config.json", "~/.codeium/mcp_config.json"),
        _SERVERS,
        "press Refresh in its MCP panel",
    ),
    Client(
        "gemini",
        "Gemini CLI",
        ("~/.gemini/settings.json", "./.gemini/settings.json"),
        _SERVERS,
        "start it again",
        managed=("/etc/gemini-cli/settings.json",),
        url_is_sse=True,
    ),
    Client(
        "antigravity",
        "Antigravity",
        ("~/.gemini/antigravity/mcp_config.json", "~/.gemini/config/mcp_config.json"),
        _SERVERS,
        "press Refresh in its MCP panel",
    ),
    Client(
        "codex",
        "Codex",
        ("$CODEX_HOME/config.toml", "~/.codex/config.toml", "~/.codex/*.config.toml", "./.codex/config.toml"),
        (("mcp_servers",),),
        "start it again",
        managed=("/etc/codex/config.toml",),
    ),
    Client(
        "zed",
        "Zed",
        ("~/.config/zed/settings.json", "./.zed/settings.json"),
        (("context_servers",),),
        "it reloads the file by itself",
    ),
    Client(
        "cline",
        "Cline",
        (
            "@/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            "@/Cursor/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        ),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client(
        "roo-code",
        "Roo Code",
        (
            "@/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",
            "./.roo/mcp.json",
        ),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client(
        "continue",
        "Continue",
        ("~/.continue/config.yaml", "./.continue/mcpServers/*.yaml"),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client("goose", "Goose", ("~/.config/goose/config.yaml",), (("extensions",),), "start a new session"),
    Client(
        "opencode",
        "OpenCode",
        (
            "~/.config/opencode/opencode.json",
            "~/.config/opencode/opencode.jsonc",
            "./opencode.json",
            "./opencode.jsonc",
        ),
        (("mcp",),),
        "start it again",
    ),
    Client(
        "crush",
        "Crush",
        ("~/.config/crush/crush.json", "./.crush.json", "./crush.json"),
        (("mcp",),),
        "start it again",
    ),
    Client(
        "lm-studio",
        "LM Studio",
        ("~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json"),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client(
        "kiro",
        "Kiro",
        ("~/.kiro/settings/mcp.json", "./.kiro/settings/mcp.json"),
        _SERVERS,
        "it reloads the file by itself",
    ),
    Client(
        "amp",
        "Amp",
        ("~/.config/amp/settings.json", "./.amp/settings.json"),
        (("amp.mcpServers",),),
        "start it again",
    ),
    Client("trae", "Trae", ("@/Trae/User/mcp.json",), _SERVERS, "start it again"),
    Client("qoder", "Qoder", ("~/.qoder/mcp.json",), _SERVERS, "start it again"),
    Client("kimi", "Kimi", ("~/.kimi/mcp.json",), _SERVERS, "start it again"),
    Client("factory", "Factory", ("~/.factory/mcp.json",), _SERVERS, "start it again"),
    Client("vibe", "Mistral Vibe", ("~/.vibe/config.toml",), (("mcp_servers",),), "start it again"),
    Client(
        "amazon-q",
        "Amazon Q",
        ("~/.aws/amazonq/mcp.json", "~/.aws/amazonq/agents/*.json"),
        _SERVERS,
        "start it again",
    ),
    Client(
        "sema4ai",
        "Sema4.ai Studio",
        ("~/.sema4ai/sema4ai-studio/mcp_servers.json",),
        _SERVERS,
        "start it again",
    ),
)


def files_of(client: Client) -> list[Path]:
    """The files of ``client`` that exist, each once; those of the current project included."""
    return _existing(client.files)


def managed_of(client: Client) -> list[Path]:
    return _existing(client.managed)


def _existing(patterns: tuple[str, ...]) -> list[Path]:
    found: dict[Path, Path] = {}
    for pattern in patterns:
        for path in _matching(pattern):
            if path.is_file():
                found.setdefault(path.resolve(), path)
    return list(found.values())


def _matching(pattern: str) -> Iterator[Path]:
    first, _, rest = pattern.partition("/")
    if first.startswith("$"):
        named = os.environ.get(first[1:])
        if not named:
            return
        base = Path(named)
    elif first == "@":
        base = _settings_folder()
    elif first == "~":
        base = Path.home()
    else:
        base = Path("/") if pattern.startswith("/") else Path.cwd()
    if "*" not in rest:
        yield base / rest
        return
    folder, _, last = rest.partition("*")
    found = (base / folder.rpartition("/")[0]).glob(f"{folder.rpartition('/')[2]}*{last}")
    yield from sorted(islice(found, MAX_FOUND))


def _settings_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
