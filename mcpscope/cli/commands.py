"""The table of subcommands: where each lives and the line it has in ``--help``.

A command ``name`` is the click command called ``command`` in its module.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "proxy": ("mcpscope.cli.proxy", "Wrap a stdio server or stand in front of an HTTP server."),
    "ui": ("mcpscope.cli.ui", "Open the terminal UI."),
    "log": ("mcpscope.cli.log", "Show what a session said."),
    "status": ("mcpscope.cli.status", "Running proxies, their sessions, holds and attached UIs."),
    "restart": ("mcpscope.cli.restart", "Let another server take the place of one behind its client."),
    "holds": ("mcpscope.cli.holds", "List and decide held messages."),
    "tools": ("mcpscope.cli.tools", "List, hide and break on tools."),
    "faults": ("mcpscope.cli.faults", "Make trouble on purpose."),
    "call": ("mcpscope.cli.call", "Call one tool."),
    "sessions": ("mcpscope.cli.sessions", "List, show, name and remove recorded sessions."),
    "export": ("mcpscope.cli.export", "Write a recording to a file."),
    "import": ("mcpscope.cli.import_", "Bring a recording into the database."),
    "sql": ("mcpscope.cli.sql", "Ask the database in SQL, read only."),
    "replay": ("mcpscope.cli.replay", "Say a recording again and compare."),
    "review": ("mcpscope.cli.review", "Accept or reject the differences of a run."),
    "diff": ("mcpscope.cli.diff", "Compare two recordings or runs."),
    "serve": ("mcpscope.cli.serve", "Answer from a recording."),
    "stats": ("mcpscope.cli.stats", "Calls, errors, times and bytes, by tool, client, session or hour."),
    "why": ("mcpscope.cli.why", "Why a session hangs: who owes whom an answer."),
    "check": ("mcpscope.cli.check", "Check a recording against expectations."),
    "rules": ("mcpscope.cli.rules", "List, check and change rules."),
    "policy": ("mcpscope.cli.policy", "Check and test policy files."),
    "audit": ("mcpscope.cli.audit", "Verify and show the audit trail."),
    "lint": ("mcpscope.cli.lint", "Findings about a server's tools."),
    "gateway": ("mcpscope.cli.gateway", "Several servers behind one endpoint."),
    "wrap": ("mcpscope.cli.wrap", "Put mcpscope in front of servers in client configurations."),
    "unwrap": ("mcpscope.cli.unwrap", "Take it out again."),
    "clients": ("mcpscope.cli.clients", "Which client configurations exist, which servers are wrapped."),
    "demo": ("mcpscope.cli.demo", "A scripted client and server behind a real proxy."),
    "doctor": ("mcpscope.cli.doctor", "Check terminal, database, clients and a server."),
    "config": ("mcpscope.cli.config", "Show and change the configuration."),
    "completion": ("mcpscope.cli.completion", "Shell completion."),
}
