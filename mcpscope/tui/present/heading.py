"""What the header says of the sessions that are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import orjson

from mcpscope.store.listed import SessionRow
from mcpscope.tui.present.chrome import Heading

Troubles = Mapping[str, tuple[str, bool]]
"""By the uid of a proxy: what stands in place of REC, and whether something is lost."""


def heading(
    title: str,
    shown: Sequence[SessionRow],
    *,
    read_only: bool = False,
    troubles: Troubles = MappingProxyType({}),
) -> Heading:
    """The header for a screen called ``title`` over these sessions."""
    found = _heading(title, shown, read_only=read_only)
    live = {session.proxy for session in shown if session.ended_at is None}
    # A proxy that stores nothing has no session to be shown by.
    told = [said for uid, said in troubles.items() if uid in live or said[1]]
    if not told:
        return found
    rec, loss = max(told, key=lambda said: said[1])
    return replace(found, rec=rec, recording=not loss)


def _heading(title: str, shown: Sequence[SessionRow], *, read_only: bool) -> Heading:
    if not shown:
        return Heading(title, read_only=read_only)
    one = shown[0]
    if len(shown) > 1:
        live = sum(1 for session in shown if session.ended_at is None)
        where = f"{len(shown)} sessions"
        state = "live" if live else "recorded"
        names = where + ": " + ", ".join(s.title for s in shown)
        return Heading(title, where, names, state=state, rec=_rec(one) if live else "")
    words = {"clean": ("ended", ""), "": ("live", "")}
    state, detail = words.get(one.end_reason if one.ended_at is not None else "", ("ended", ""))
    if one.ended_at is None and not one.client_name and not one.messages:
        state = "waiting"
    elif one.ended_at is not None and one.exit_code not in (None, 0):
        state, detail = "exited", str(one.exit_code)
    transport = one.server_transport or "stdio"
    return Heading(
        title,
        f"{one.title} ({transport})",
        f"{one.title} ({transport}: {target(one)})",
        " ".join(part for part in (one.client_name, one.client_version) if part),
        one.revision + (" inferred" if one.inferred else ""),
        one.pid,
        state,
        detail,
        _rec(one) if one.ended_at is None else "",
        one.record_mode not in ("off", "none"),
        read_only,
    )


def target(session: SessionRow) -> str:
    """The command line or URL of the server."""
    if session.url:
        return session.url
    try:
        found = orjson.loads(session.command) if session.command else []
    except ValueError:
        return session.command
    return " ".join(str(part) for part in found) if isinstance(found, list) else str(found)


def _rec(session: SessionRow) -> str:
    if session.record_mode in ("off", "none"):
        return "NOT REC"
    return f"REC, {session.lost_messages} lost" if session.lost_messages else "REC"
