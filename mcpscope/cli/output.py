"""What commands print: one JSON document or text, and every failure in one form."""

from __future__ import annotations

from typing import Any

import click

from mcpscope.errors import ScopeError
from mcpscope.text import json_text, safe


def emit_json(data: Any, warnings: tuple[str, ...] = ()) -> None:
    """The one document of ``--json`` on stdout."""
    click.echo(json_text({"ok": True, "data": data, "warnings": list(warnings)}))


def report(error: ScopeError, *, as_json: bool) -> int:
    """Show ``error`` on stderr, one line each for what happened and what to do; returns its exit code."""
    if as_json:
        body = {"code": error.code, "message": error.message, "hint": error.hint, "exit": int(error.exit)}
        if error.where:
            body["where"] = error.where
        click.echo(json_text({"ok": False, "error": body}), err=True)
        return int(error.exit)
    click.echo(f"error: {safe(error.message, keep=chr(10))}", err=True)
    if error.where:
        click.echo("   at: " + safe(error.where, keep=chr(10)).replace("\n", "\n       "), err=True)
    if error.hint:
        head = "       " if error.hint.startswith("did you mean") else "  try: "
        click.echo(head + safe(error.hint.removeprefix("try "), keep=chr(10)), err=True)
    return int(error.exit)


def warn(text: str) -> None:
    """Say on stderr what does not stop the command."""
    click.echo(f"warning: {safe(text)}", err=True)
