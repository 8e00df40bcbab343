"""Filters on the command line: told from names of sessions and from options."""

from __future__ import annotations

import re
import time

import click

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.errors import ScopeError
from mcpscope.store.directory import Directory, SessionInfo

_NEGATED_TERM = re.compile(r"-(?:[a-zA-Z][\w-]+(?:\.|\[|!=|[:=~<>])|\()")
_LOOKS_LIKE_A_FILTER = re.compile(r"[\s:=~<>()\"|&]|^[-!]")


class FilterCommand(click.Command):
    """A command with a FILTER argument: ``-method:ping`` is a filter and not an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        taken = ["!" + arg[1:] if _NEGATED_TERM.match(arg) else arg for arg in args]
        return super().parse_args(ctx, taken)


def session_and_filter(
    directory: Directory, session: str | None, filter: str | None
) -> tuple[SessionInfo | None, Filter]:
    """What ``[SESSION] [FILTER]`` mean; a single word that is no session but reads like a filter is one."""
    now = time.time_ns()
    if session is None or filter is not None:
        return (directory.find(session) if session else None), parse(filter or "", now)
    try:
        return directory.find(session), parse("", now)
    except ScopeError as error:
        if _LOOKS_LIKE_A_FILTER.search(session):
            return None, parse(session, now)
        error.hint += f'; to search for the word: text:"{session}"' if error.hint else ""
        raise
