"""``mcpscope holds approve``: a person's answer to what a policy asks, and what it is answered on."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from mcpscope.cli.settings import Settings, with_settings
from mcpscope.cli.steering import decide, text_of
from mcpscope.errors import Exit, ScopeError

SHOWN_DIGEST = 16


@click.command("approve")
@click.argument("id", type=int)
@click.argument("digest")
@click.option("--why", default="", help="For the record.")
@click.option("--again", is_flag=True, help="The same arguments need no other approval in this session.")
@click.option("--proxy", metavar="NAME", default="", help="The proxy's label, pid or uid.")
@with_settings
def approve(settings: Settings, id: int, digest: str, why: str, proxy: str, *, again: bool) -> None:
    """Allow exactly these bytes, once; needs a terminal.

    DIGEST is the beginning of what "holds show" says, at least 8 characters of it.
    """
    if not sys.stdin.isatty():
        raise ScopeError(
            "approving needs a terminal",
            code="no_tty",
            exit=Exit.USAGE,
            hint="it is a person's decision; use the UI or a shell of your own",
        )
    decide(settings, id, proxy, "approve", digest=digest, why=why, again=again)


def asked(hold: dict[str, Any]) -> Iterator[str]:
    """What helps to decide on what a policy asks: look-alikes, and what differs from the last approved."""
    for one in hold["lookalikes"]:
        yield f"{'careful':<9} {one}"
    if hold["kind"] != "ask":
        return
    last = hold.get("last_approved")
    if last is not None:
        before, now = _lines(text_of(last)), _lines(text_of(hold["message"]))
        yield f"{'before':<9} {last['by']} approved {'the same' if before == now else 'one that differs:'}"
        yield from list(difflib.unified_diff(before, now, n=1, lineterm=""))[3:]
    yield f"{'approve':<9} mcpscope holds approve {hold['id']} {hold['digest'][:SHOWN_DIGEST]}"


def _lines(text: str) -> list[str]:
    """A call as a person compares it: its parameters, laid out, without what every call has of its own."""
    try:
        params = dict(json.loads(text)["params"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return text.splitlines()
    params.pop("_meta", None)
    return json.dumps(params, indent=2, ensure_ascii=False).splitlines()
