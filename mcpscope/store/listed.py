"""The rows that readers of the database get: sessions, exchanges, messages, outcomes and notes as values."""

from __future__ import annotations

import json
from dataclasses import dataclass


def is_inferred(era: str, client_transport: str) -> bool:
    """Nothing on the wire says where it begins and ends: stateless requests of one client on HTTP."""
    return era == "modern" and client_transport not in ("", "stdio")


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One recorded session; times are unix ns."""

    id: int
    uid: str
    label: str
    name: str
    note: str
    command: str
    url: str
    client_transport: str
    server_transport: str
    client_name: str
    client_version: str
    server_name: str
    server_version: str
    revision: str
    era: str
    pid: int
    started_at: int
    last_at: int
    ended_at: int | None
    end_reason: str
    exit_code: int | None
    record_mode: str
    replay_of: int | None
    lost_messages: int
    gaps: int
    messages: int
    exchanges: int
    bytes: int

    @property
    def inferred(self) -> bool:
        """See ``is_inferred``."""
        return is_inferred(self.era, self.client_transport)

    @property
    def title(self) -> str:
        """What the session is called: its name, its label, else the number."""
        return self.name or self.label or f"#{self.id}"

    @property
    def proxy(self) -> str:
        """The run of a proxy that it is part of, as the registry calls it."""
        return self.uid.rpartition(".")[0] or self.uid


@dataclass(frozen=True, slots=True)
class ExchangeRow:
    """One exchange as the list shows it; ``flags`` are words."""

    id: int
    session_id: int
    kind: str
    dir: str
    method: str
    tool: str
    name: str
    rpc_id: str
    status: str
    code: int | None
    opened_at: int
    ended_at: int | None
    dur_ns: int | None
    request_id: int | None
    answer_id: int | None
    req_bytes: int | None
    res_bytes: int | None
    flags: tuple[str, ...]
    parent_id: int | None
    legs: int
    summary: str
    stream: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message without its bytes. ``label`` is the exchange's tool or method."""

    id: int
    session_id: int
    exchange_id: int | None
    at: int
    dir: str
    stream: int
    kind: str
    method: str
    rpc_id: str
    size: int
    marks: str
    fate: str
    origin: str
    label: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What became of a message that was not forwarded as it came."""

    message_id: int
    outcome: str
    actor: str
    rule: str
    at: int
    waited_ns: int | None
    detail: str
    sent: bytes | None

    @property
    def why(self) -> str:
        """What the person said who decided."""
        if '"why"' not in self.detail:
            return ""
        return str(json.loads(self.detail).get("why", ""))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was wrong with the message that went on."""
        if '"warnings"' not in self.detail:
            return ()
        return tuple(map(str, json.loads(self.detail).get("warnings") or ()))


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A line that is no message: stderr, a gap, a switch, what a person wrote."""

    id: int
    session_id: int
    at: int
    kind: str
    text: str
    detail: str
