"""Configurations as real clients have them: comments, trailing commas, tabs, CRLF, a BOM, other servers."""
# ruff: noqa: E501

from __future__ import annotations

from typing import NamedTuple


class Sample(NamedTuple):
    """A client's file under the home (or, with ``./``, the project), what is in it, and the servers to wrap."""

    client: str
    file: str
    text: str
    servers: tuple[str, ...]


_STDIO = """{
  "mcpServers": {
    "fs": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me/my files"],
      "env": {"API_KEY": "s3cret"}
    },
    "bare": { "command": "/opt/bin/server" }
  },
  "theme": "dark"
}
"""
_TABS = _STDIO.replace("  ", "\t")
_CRLF = _STDIO.replace("\n", "\r\n")

SAMPLES = [
    Sample("claude-desktop", ".config/Claude/claude_desktop_config.json", _STDIO, ("fs", "bare")),
    Sample(
        "claude-code",
        ".claude.json",
        '{"numStartups":7,"mcpServers":{"u":{"type":"stdio","command":"uvx","args":["mcp-server-git"],"env":{}}},'
        '"projects":{"/home/me/p":{"mcpServers":{"local":{"command":"node","args":["s.js","--token","t0ken"]}},'
        '"history":["{\\"mcpServers\\": 1}"]}}}',
        ("u", "local"),
    ),
    Sample(
        "claude-code",
        "./.mcp.json",
        '{\n  "mcpServers": {\n    "api": {"type": "http", "url": "https://api.example/mcp",\n'
        '      "headers": {"Authorization": "Bearer ${API_TOKEN:-none}", "X-Team": "a"}}\n  }\n}\n',
        ("api",),
    ),
    Sample("cursor", ".cursor/mcp.json", _TABS, ("fs", "bare")),
    Sample(
        "vscode",
        ".config/Code/User/mcp.json",
        """\ufeff// servers of mine
{
  /* asked for at start */
  "inputs": [{"id": "key", "type": "promptString", "password": true},],
  "servers": {
    "git": {
      "type": "stdio",
      "command": "uvx", // from PyPI
      "args": [
        "mcp-server-git",
        "--repository", "${workspaceFolder}", // here
      ],
      "envFile": ".env",
    },
    "docs": { "type": "sse", "url": "https://docs.example/sse", "headers": {"X-Key": "${input:key}"}, },
  },
}
""",
        ("git", "docs"),
    ),
    Sample(
        "copilot-cli",
        ".copilot/mcp-config.json",
        _STDIO.replace('"command": "npx"', '"type": "local", "command": "npx", "tools": ["*"]'),
        ("fs",),
    ),
    Sample(
        "windsurf",
        ".codeium/windsurf/mcp_config.json",
        '{"mcpServers": {"w": {"serverUrl": "https://w.example/mcp", "headers": {"Authorization": "Bearer ${env:W}"}}}}',
        ("w",),
    ),
    Sample(
        "gemini",
        ".gemini/settings.json",
        '{\n "mcpServers": {\n  "h": {"httpUrl": "https://h.example/mcp", "headers": {"A": "b"}, "trust": true},\n'
        '  "s": {"url": "https://s.example/events", "headers": {"A": "b"}},\n  "c": {"command": "c", "cwd": "/tmp", "timeout": 5}\n }\n}',
        ("h", "s", "c"),
    ),
    Sample("antigravity", ".gemini/antigravity/mcp_config.json", _CRLF, ("fs", "bare")),
    Sample(
        "codex",
        ".codex/config.toml",
        """# my settings
model = "o5"

[mcp_servers.fs]   # files
command = "npx"
args = [
  "-y",   # do not ask
  "@modelcontextprotocol/server-filesystem",
]
startup_timeout_sec = 20

[mcp_servers.fs.env]
API_KEY = 's3cret'

[mcp_servers."dotted.name"]
command = '/opt/it'

[mcp_servers]
inline = { command = "x", args = ["a b"] }

[mcp_servers.remote]
url = "https://r.example/mcp"
http_headers = { "X-Key" = "k" }

[tui]
theme = "dark"
""",
        ("fs", "dotted.name", "inline", "remote"),
    ),
    Sample(
        "zed",
        ".config/zed/settings.json",
        """// Zed settings
{
  "vim_mode": true,
  "context_servers": {
    "new": { "source": "custom", "enabled": true, "command": "uvx", "args": ["a"], "env": {}, },
    "old": { "command": { "path": "/opt/old", "args": ["--x"], "env": null } },
  },
}
""",
        ("new", "old"),
    ),
    Sample(
        "cline",
        ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
        _STDIO.replace('"env"', '"disabled": false, "autoApprove": [], "env"'),
        ("fs",),
    ),
    Sample(
        "roo-code",
        "./.roo/mcp.json",
        '{"mcpServers":{"r":{"type":"streamable-http","url":"https://r/mcp","headers":{"A":"b"}}}}',
        ("r",),
    ),
    Sample(
        "continue",
        ".continue/config.yaml",
        """name: mine   # of this machine
mcpServers:
  - name: fs
    command: npx
    args:
      - -y
      - "@modelcontextprotocol/server-filesystem"   # files
    env:
      API_KEY: s3cret
  - name: low
    command: 'it''s'
    args:
    - a
  - name: bare
    command: /opt/bin/server
  - command: node
    name: last
    args: [x.js, --port, "80"]
models: []
""",
        ("fs", "low", "bare", "last"),
    ),
    Sample(
        "goose",
        ".config/goose/config.yaml",
        """extensions:
  git:
    type: stdio
    cmd: uvx
    args: [mcp-server-git]
    envs: {A: b}
    enabled: true
    timeout: 300
  web:
    type: streamable_http
    uri: https://w.example/mcp
    enabled: true
    headers: {X-Key: k}
GOOSE_MODE: auto
""",
        ("git", "web"),
    ),
    Sample(
        "opencode",
        ".config/opencode/opencode.jsonc",
        """{
  // OpenCode
  "mcp": {
    "a": {"type": "local", "command": ["npx", "-y", "srv"], "environment": {"A": "b"}, "enabled": true},
    "b": {"type": "remote", "url": "https://b.example/mcp", "headers": {"X": "y"},},
  }
}
""",
        ("a", "b"),
    ),
    Sample("crush", "./.crush.json", '{"mcp":{"c":{"type":"stdio","command":"c","args":[]}}}', ("c",)),
    Sample("lm-studio", ".lmstudio/mcp.json", _STDIO, ("fs",)),
    Sample("kiro", ".kiro/settings/mcp.json", _STDIO, ("fs",)),
    Sample(
        "amp",
        ".config/amp/settings.json",
        '{"amp.mcpServers": {"a": {"command": "a", "args": ["\\u00e9"]}}}',
        ("a",),
    ),
    Sample("trae", ".config/Trae/User/mcp.json", _STDIO, ("fs",)),
    Sample("qoder", ".qoder/mcp.json", _STDIO, ("fs",)),
    Sample("kimi", ".kimi/mcp.json", _STDIO, ("fs",)),
    Sample("factory", ".factory/mcp.json", _STDIO, ("fs",)),
    Sample(
        "vibe",
        ".vibe/config.toml",
        '[[mcp_servers]]\r\nname = "one"\r\ncommand = "npx"\r\nargs = ["-y", "srv"]\r\n\r\n[[mcp_servers]]\r\nname = "two"\r\ncommand = "two"\r\n',
        ("one", "two"),
    ),
    Sample("amazon-q", ".aws/amazonq/mcp.json", _STDIO, ("fs",)),
    Sample("sema4ai", ".sema4ai/sema4ai-studio/mcp_servers.json", _STDIO, ("fs",)),
]
