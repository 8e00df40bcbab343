"""One HTTP exchange in the journal: each record is written before what it says goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mcpscope.session.http_facts import EVENTS, NONE, WHOLE, Facts, closed_whole
from mcpscope.session.http_known import of_response
from mcpscope.store.layout import HTTP, NO_DIR, STREAM_CLOSE, TO_CLIENT
from mcpscope.store.records import Dir, RecordType
from mcpscope.transports.http_head import RequestHead, ResponseHead
from mcpscope.transports.secret_mask import Mask, MaskedFlow

LAST_FLAG = 1  # of a CHUNK: this direction's body is complete


SAID_BYTES = 1000  # of an answer that is no message
_EMPTY = frozenset({202, 204, 304})
_MESSAGES = frozenset({b"application/json", b"text/event-stream"})


JournalRecord = tuple[int, int, int, int, bytes | memoryview, int]
"""Kind, direction, session, stream, payload, flags of one record."""


class Journal(Protocol):
    """Where records go; False: it is not recorded, and with ``required`` nothing may go on."""

    required: bool
    fault: str

    def append(
        self,
        kind: int,
        dir: int,
        session: int,
        stream: int,
        payload: bytes | memoryview,
        flags: int = 0,
        at: int = 0,
    ) -> bool: ...

    def append_all(self, records: Sequence[JournalRecord], at: int = 0) -> bool:
        """Several records of one moment, at once."""


class NotRecorded(Exception):
    """Recording is required and failed; says why."""


class StreamLog:
    """Writes one stream down. Bytes given to ``chunk`` come back as those that may be forwarded now."""

    # How each begins.
    _kept = True
    _messages = True
    _untyped = False
    _open = False
    _said = b""
    _status = 0
    _first_at = 0
    _last_at = 0
    _at = 0
    _up: MaskedFlow | None = None
    _down: MaskedFlow | None = None

    def __init__(
        self,
        journal: Journal,
        facts: Facts,
        mask: Mask,
        *,
        session: int,
        stream: int,
        clock: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._facts = facts
        self._session = session
        self.stream = stream
        self._clock = clock
        if mask:
            self._up = MaskedFlow(mask)
            self._down = MaskedFlow(mask)
        self._waiting: list[JournalRecord] = []

    def __repr__(self) -> str:
        return f"<StreamLog session={self._session} stream={self.stream} status={self._status}>"

    def opened(
        self, head: RequestHead, *, era: str, peer: str, caller: str, kept: bool, more: bool = False
    ) -> None:
        """``kept`` is False for what is no message of the protocol (metadata, tokens): heads only.

        With ``more``, here and below, the record may wait for what this stream is told next, before anything
        leaves; they are written together.
        """
        payload = self._facts.opened(head, era=era, body=WHOLE if kept else NONE, peer=peer, caller=caller)
        self.began(payload, kept=kept, more=more)

    def began(self, payload: bytes, *, kept: bool, more: bool = False) -> None:
        """``opened``, where what is to be written of it is known."""
        self._kept = kept
        self._open = True
        self._tell(RecordType.STREAM_OPEN, Dir.TO_SERVER, payload)
        if not more:
            self.commit()

    def went_on(self) -> StreamLog:
        """Its beginning, of which heads alone are kept, has been written down without it."""
        self._kept = False
        self._open = True
        return self

    def sent(self, data: bytes, *, last: bool) -> bytes:
        """Bytes of the request's body, on their way up."""
        if self._up is not None:
            data, written = self._up.feed(data, last=last)
        else:
            written = data
        self._chunk(Dir.TO_SERVER, written, last=last)
        self.commit()
        return data

    def answered(self, head: ResponseHead, *, more: bool = False) -> None:
        """The head of the answer."""
        self._first_at = self._last_at = self._clock()
        self._status = head.status
        media = of_response(head).media
        self._messages = (media in _MESSAGES or media.endswith(b"+json")) and head.status not in _EMPTY
        self._untyped = not media
        body = NONE
        if self._kept and self._messages:
            body = EVENTS if media == b"text/event-stream" else WHOLE
        self._tell(RecordType.HTTP, Dir.TO_CLIENT, self._facts.answered(head, body=body))
        if not more:
            self.commit()

    def received(self, data: bytes, *, last: bool, more: bool = False) -> bytes:
        """Bytes of the answer's body, on their way down."""
        if self._down is not None:
            data, written = self._down.feed(data, last=last)
        else:
            written = data
        if data:
            self._last_at = self._clock()
        if self._untyped and written:
            self._untyped = False
            self._messages = written.lstrip()[:1] in (b"{", b"[")
        if self._messages:
            self._chunk(Dir.TO_CLIENT, written, last=last)
        elif self._kept and len(self._said) < SAID_BYTES:
            self._said += written[: SAID_BYTES - len(self._said)]
        if not more:
            self.commit()
        return data

    def closed(self, by: str, *, status: int = 0, error: str = "", more: bool = False) -> None:
        """The exchange is over; said once."""
        if not self._open:
            return
        self._open = False
        payload = self._facts.closed(
            status=status or self._status,
            by=by,
            first_at=self._first_at,
            last_at=self._last_at,
            error=error,
            text=self._said.decode("utf-8", "replace"),
        )
        self._tell(RecordType.STREAM_CLOSE, Dir.NONE, payload)
        if not more:
            self.commit()

    def whole(self, head: ResponseHead, *message: JournalRecord) -> None:
        """The answer was one whole message, whose record stands behind its head or waits here already."""
        if not self._open:
            return
        self._open = False
        self._status = head.status
        answered, closed = self._facts.answered(head, body=NONE), closed_whole(head.status, self._clock())
        session, stream = self._session, self.stream
        self._waiting += (
            (HTTP, TO_CLIENT, session, stream, answered, 0),
            *message,
            (STREAM_CLOSE, NO_DIR, session, stream, closed, 0),
        )

    def along(self, record: JournalRecord, at: int, *, more: bool) -> None:
        """A whole message of this stream that came at ``at``, written down with what waits here."""
        self._waiting.append(record)
        self._at = at
        if not more:
            self.commit()

    def taken(self) -> list[JournalRecord]:
        """What waits here, for another log to write down with its own."""
        waiting, self._waiting, self._at = self._waiting, [], 0
        return waiting

    def beside(self, records: Sequence[JournalRecord], at: int = 0) -> None:
        """Records of another stream, or a message that came at ``at``, written down with what waits here."""
        self._waiting += records
        self._at = at or self._at

    def abandon(self) -> None:
        """The journal does not take this stream any more."""
        self._open = False
        self._waiting = []
        self._at = 0

    def _chunk(self, dir: Dir, written: bytes, *, last: bool) -> None:
        if not self._kept:
            return
        if written:
            self._tell(RecordType.CHUNK, dir, written, LAST_FLAG if last else 0)
        elif last:
            self._tell(RecordType.EOF, dir, b"{}")

    def _tell(self, kind: RecordType, dir: Dir, payload: bytes, flags: int = 0) -> None:
        self._waiting.append((kind, dir, self._session, self.stream, payload, flags))

    def commit(self) -> None:
        """Write what waits; raises NotRecorded where nothing may pass without it."""
        waiting, journal = self._waiting, self._journal
        if not waiting:
            return
        at, self._waiting, self._at = self._at, [], 0
        if len(waiting) == 1:
            written = journal.append(*waiting[0], at)
        else:
            written = journal.append_all(waiting, at)
        if not written and journal.required:
            raise NotRecorded(journal.fault or "it cannot be redacted")
