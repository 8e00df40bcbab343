"""The servers behind running proxies, how each does, and another in the place of one."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

from mcpscope.errors import ScopeError
from mcpscope.text import safe
from mcpscope.tui.links import Link
from mcpscope.tui.screens.base import ScopeScreen
from mcpscope.tui.screens.menu import Entry, Menu
from mcpscope.tui.steer import Steer, reason

if TYPE_CHECKING:
    from mcpscope.tui.app import ScopeApp

KEYS = "123456789" + "".join(letter for letter in ascii_lowercase if letter != "q")
"""What chooses a server in the menu; those beyond it are restarted by ``mcpscope restart``."""


async def show(app: ScopeApp, screen: ScopeScreen) -> None:
    """The menu of all servers; the one that is chosen is restarted behind its clients."""
    steer = app.steer
    found = await _found(steer)
    if not found:
        screen.say("no proxy runs")
        return
    why_not = "this UI is read-only" if steer.read_only else ""
    entries = [
        Entry(key, key, _line(link, one), why_not) for key, (link, one) in zip(KEYS, found, strict=False)
    ]
    chosen = await app.push_screen_wait(Menu("Servers: a key restarts one behind its clients", entries))
    if not chosen:
        return
    link, one = found[KEYS.index(chosen)]
    name = str(one.get("name", ""))
    try:
        done = await steer.ask(link, "scope/restart", server=name)
    except ScopeError as error:
        screen.say(reason(error), severity="error")
        return
    count = done["restarted"]
    sessions = "1 session" if count == 1 else f"{count} sessions"
    screen.say(f"{safe(name or link.entry.label)}: restarted for {sessions}")


async def _found(steer: Steer) -> list[tuple[Link, dict[str, Any]]]:
    """Every proxy with its upstreams, ``{}`` for the one server of a proxy that is no gateway."""
    found: list[tuple[Link, dict[str, Any]]] = []
    for link in steer.links:
        try:
            status = await steer.ask(link, "scope/status")
        except ScopeError:
            continue  # it has just ended
        upstreams: list[dict[str, Any]] = status.get("upstreams") or [{}]
        found += [(link, one) for one in upstreams]
    return found


def _line(link: Link, one: dict[str, Any]) -> str:
    if not one:
        return safe(f"{link.entry.label}  (pid {link.entry.pid})")
    state = f"{one['state']}: {one['why']}" if one["why"] else one["state"]
    return safe(f"{link.entry.label} / {one['name']:<12} {state:<10} {len(one['sessions'])} sessions")
