"""``mcpscope [OPTIONS] -- COMMAND``: options checked, server started, wire run, failures said in one line."""

from __future__ import annotations

from mcpscope.cli.options import Values


def run_wrapped(values: Values, command: list[str]) -> int:
    """Run ``command`` behind the wire; returns the server's exit code."""
    raise NotImplementedError
