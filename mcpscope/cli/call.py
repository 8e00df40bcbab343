"""``mcpscope call``: one tool call, through the built-in client or through a session that is running."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from mcpscope.cli.completing import complete_tool
from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import dialled
from mcpscope.errors import Exit, ScopeError
from mcpscope.replay.caller import Caller, inject
from mcpscope.text import safe


@click.command("call")
@click.argument("tool", shell_complete=complete_tool)
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
@click.option("--args", "given", metavar="JSON|@FILE|-", help="The arguments as one JSON object.")
@click.option("--session", metavar="NAME", help="Send it through this running proxy's session.")
@click.option("--timeout", type=float, default=30.0, metavar="SECONDS", help="Give up after this long.")
@with_settings
def command(
    tool: str,
    rest: tuple[str, ...],
    given: str | None,
    session: str | None,
    timeout: float,
    *,
    settings: Settings,
) -> int:
    """Call TOOL: mcpscope call TOOL key=value… [-- COMMAND… | URL].

    Without a command or URL it goes through the session of the running proxy, marked as ours. A value is
    taken as the tool's schema wants it, else as JSON, else as text.
    """
    pairs, target = _split(rest)
    arguments = _arguments(given)
    if target and session is None:
        with Caller(target, settings.db, timeout) as caller:
            schema = caller.schema(tool)
            arguments |= {key: _value(text, schema.get(key)) for key, text in pairs}
            answer = caller.call(tool, arguments)
    elif target:
        raise ScopeError("--session and a target exclude each other", code="usage", exit=Exit.USAGE)
    else:
        arguments |= {key: _value(text, None) for key, text in pairs}
        with dialled(session or "") as (_, control):
            answer = inject(control, "tools/call", {"name": tool, "arguments": arguments}, timeout)
    return _show(answer, settings)


def _split(rest: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[str]]:
    """``key=value`` pairs, and the target as Upstream takes it ([] where none was named)."""
    pairs: list[tuple[str, str]] = []
    for place, word in enumerate(rest):
        key, equals, value = word.partition("=")
        if equals and "://" not in key and not key.startswith("-"):
            pairs.append((key, value))
        elif "://" in word and place == len(rest) - 1:
            return pairs, [word]
        else:
            # click has taken the first -- away: what is no pair begins the command.
            return pairs, ["--", *rest[place:]]
    return pairs, []


def _arguments(given: str | None) -> dict[str, Any]:
    if given is None:
        return {}
    if given == "-":
        given = sys.stdin.read()
    elif given.startswith("@"):
        try:
            given = Path(given[1:]).read_text("utf-8")
        except OSError as error:
            raise ScopeError(
                f"cannot read {given[1:]}: {error.strerror}", code="bad_file", exit=Exit.USAGE
            ) from None
    try:
        found = json.loads(given)
    except ValueError as error:
        raise ScopeError(f"--args is not JSON: {error}", code="bad_json", exit=Exit.USAGE) from None
    if not isinstance(found, dict):
        raise ScopeError("--args is a JSON object", code="bad_json", exit=Exit.USAGE)
    return found


def _value(text: str, schema: Any) -> Any:
    """``text`` as the schema of that argument wants it; JSON where it says nothing."""
    wanted = schema.get("type") if isinstance(schema, dict) else None
    if wanted == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _show(answer: dict[str, Any], settings: Settings) -> int:
    result = answer.get("result")
    failed = "error" in answer or (isinstance(result, dict) and result.get("isError") is True)
    if settings.json:
        emit_json(answer)
    elif "error" in answer:
        error = answer["error"]
        click.echo(safe(f"error {error.get('code')}: {error.get('message')}"), err=True)
    else:
        for line in _lines(result):
            click.echo(safe(line, keep="\n\t"))
    return int(Exit.DIFFERENT if failed else Exit.OK)


def _lines(result: Any) -> list[str]:
    content = result.get("content") if isinstance(result, dict) else None
    if not isinstance(content, list):
        return [json.dumps(result, indent=2, ensure_ascii=False)]
    lines = []
    for block in content:
        if isinstance(block, dict) and block.get("type") == "text":
            lines.append(str(block.get("text")))
        else:
            lines.append(json.dumps(block, ensure_ascii=False))
    if "structuredContent" in result:
        lines.append(json.dumps(result["structuredContent"], indent=2, ensure_ascii=False))
    return lines
