"""What is found on this machine: every client's files, the servers in them, and whether they are wrapped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mcpscope.clients.entries import Entry
from mcpscope.clients.files import ConfigFile
from mcpscope.clients.ledger import Ledger
from mcpscope.clients.places import CLIENTS, Client, files_of, managed_of
from mcpscope.clients.wrapping import Plan, own_program
from mcpscope.errors import ScopeError

WRAPPED = "wrapped"
CHANGEABLE = (WRAPPED, "not wrapped", "disabled")


@dataclass(frozen=True, slots=True)
class Found:
    """One server of one file, or a file without any (``name`` is "" then); ``target`` has no arguments.

    ``state``: wrapped, not wrapped, disabled, managed (by an administrator), no servers, unreadable.
    """

    client: Client
    path: Path
    name: str
    state: str
    target: str

    @property
    def changeable(self) -> bool:
        return self.state in CHANGEABLE


def found_servers() -> list[Found]:
    """Every server of every client's files here."""
    return [found for client in CLIENTS for found in _of_client(client)]


def plan_for(client: Client, path: Path, names: set[str] | None, *, wrap: bool) -> Plan:
    """What wrapping or unwrapping these servers (None: all that can be) changes; raises ScopeError."""
    plan = Plan(ConfigFile(path, client.roots, url_is_sse=client.url_is_sse), Ledger())
    if wrap:
        plan.wrap(names, own_program())
    else:
        plan.unwrap(names)
    return plan


def _of_client(client: Client) -> list[Found]:
    found: list[Found] = []
    managed = managed_of(client)
    for path in [*files_of(client), *managed]:
        try:
            entries = ConfigFile(path, client.roots).entries()
        except ScopeError as error:
            found.append(Found(client, path, "", "unreadable", error.message))
            continue
        if not entries:
            found.append(Found(client, path, "", "no servers", ""))
        for entry in entries:
            state = "managed" if path in managed else _state(entry)
            found.append(Found(client, path, entry.name, state, _target(entry)))
    return found


def _state(entry: Entry) -> str:
    if entry.launch is not None and entry.launch.is_ours:
        return WRAPPED
    return "disabled" if entry.disabled else "not wrapped"


def _target(entry: Entry) -> str:
    """The program or the address: arguments may hold secrets."""
    if entry.launch is not None:
        return entry.launch.command
    return entry.remote.url.partition("?")[0] if entry.remote is not None else ""
