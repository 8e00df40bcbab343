"""What a rule or a person may want of a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Release:
    """Let it go as it stands. ``confirmed``: also where its sender no longer waits (GAVE UP).

    ``digest`` is sha256 in hex of the bytes the person saw; a hold whose bytes are others refuses (empty:
    any). ``stop_at`` is "" or where to stop next: ``answer`` of this exchange, or ``any`` message of this
    session.
    """

    confirmed: bool = False
    digest: str = ""
    stop_at: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    """Allow exactly the bytes whose sha256 in hex begins with ``digest``; the only way past an ``ask``.

    ``why`` is for the record. ``again``: the same arguments need no other approval in this session.
    """

    digest: str
    why: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """Change what is held: ``patch`` (RFC 6902), or the whole message or one part of it as JSON ``text``.

    ``part`` is the JSON Pointer that ``text`` replaces ("" for the whole message). ``release`` lets it go
    at once; else the draft stays held. ``unlock_state`` allows ``requestState`` to change. ``anyway`` sends
    what the tool's schema refuses; ``confirmed`` as in Release.
    """

    patch: tuple[dict[str, Any], ...] = ()
    text: str | None = None
    part: str = ""
    release: bool = True
    unlock_state: bool = False
    anyway: bool = True
    confirmed: bool = False
    stop_at: str = ""


@dataclass(frozen=True, slots=True)
class Revert:
    """Throw the draft away: what is held is again what was received."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer in the receiver's place: ``body`` is ``{"result": ...}`` or ``{"error": ...}``.

    ``text`` is the same as JSON text, spelled as it shall leave; ``last_good`` takes the last good answer
    that the same tool (or method and name) gave in this proxy.
    """

    body: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    last_good: bool = False


@dataclass(frozen=True, slots=True)
class Drop:
    """Do not let it pass; a request is answered with this error. Code 0 is our own ``dropped``."""

    code: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    """Refuse it in the words of a policy (mcp-wire.md 10.4); ``text`` is told and recorded."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class Extend:
    """Decide later: a new deadline, ``seconds`` from now, and what happens then ("" leaves the fallback)."""

    seconds: float
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Send the waiting client progress of our own while it is held, every 10 s, or stop doing so."""

    on: bool


Decision = Release | Approve | Edit | Revert | Answer | Drop | Deny | Extend | KeepAlive
