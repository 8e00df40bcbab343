"""What is derived from a head once, and found again as often as a connection gives that head again."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcpscope.transports.http_head import Headers, RequestHead, ResponseHead


@dataclass(slots=True)
class RequestNotes:
    """``openings``: STREAM_OPEN without the peer, by era, body and caller, as masked by ``version``.

    ``upward`` is the method, the head as it goes up, the pool's key, and whether the body is chunked; it was
    made with ``injected``. ``accepts``: whether the body is JSON, and the answer may be events, or JSON.
    ``mirrored``: revision, method and name as they stand there, once and plainly; else empty.
    """

    version: int = 0
    accepts: tuple[bool, bool, bool] | None = None
    mirrored: tuple[str, ...] | None = None
    openings: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    upward: tuple[bytes, bytes, bytes, bool] | None = None
    injected: Headers | None = None


@dataclass(slots=True)
class ResponseNotes:
    """``answers``: HTTP by body, as masked by ``version``; ``shown``: the head as the client gets it."""

    media: bytes
    version: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    shown: ResponseHead | None = None


def of_request(head: RequestHead) -> RequestNotes:
    """The notes of ``head``, made now if it has none."""
    notes = head.notes
    if not isinstance(notes, RequestNotes):
        notes = head.notes = RequestNotes()
    return notes


def of_response(head: ResponseHead) -> ResponseNotes:
    """The notes of ``head``, made now if it has none."""
    notes = head.notes
    if not isinstance(notes, ResponseNotes):
        notes = head.notes = ResponseNotes(head.media_type)
    return notes
