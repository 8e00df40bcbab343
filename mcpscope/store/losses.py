"""What a journal that cannot write owes its readers: records to be said later, and gaps counted so far."""

from __future__ import annotations

from mcpscope.store.layout import CHUNK, EOF, GAP, MESSAGE, NO_DIR, SESSION_CLOSE, STDERR, STREAM_CLOSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Owed = tuple[int, int, int, int, int, bytes]
    """Kind, direction, session, stream, flags, payload."""

MAX_OWED_RECORDS = 1024
_GAP_BYTES = 512
_HEADER_BYTES = 256
_ENDS = (EOF, STREAM_CLOSE, SESSION_CLOSE)


class Losses:
    """Traffic is counted by session and direction, everything else is kept to be written later."""

    def __init__(self) -> None:
        self._lost: dict[tuple[int, int], _Lost] = {}
        self._owed: list[Owed] = []

    def __repr__(self) -> str:
        return f"<Losses owed={len(self._owed)} gaps={len(self._lost)}>"

    @property
    def size(self) -> int:
        """The bytes that ``records`` may take in a segment, at most."""
        return sum(len(owed[-1]) + _HEADER_BYTES for owed in self._owed) + _GAP_BYTES * len(self._lost)

    def miss(
        self, kind: int, dir: int, session: int, stream: int, flags: int, payload: bytes, at: int
    ) -> None:
        """One record that could not be written, at ``at`` (unix ns)."""
        if kind not in (CHUNK, MESSAGE, STDERR) and len(self._owed) < MAX_OWED_RECORDS:
            self._owed.append((kind, dir, session, stream, flags, payload))
            return
        key = (session, dir if kind != STDERR else NO_DIR)
        lost = self._lost.get(key)
        if lost is None:
            lost = self._lost[key] = _Lost(at)
        lost.add(kind, payload)

    def records(self, reason: str, until: int) -> Iterator[Owed]:
        """What is to be written now, in the order a reader needs: a session's gaps come before its ends."""
        for owed in self._owed:
            if owed[0] in _ENDS:
                yield from self._gaps(reason, until, owed[2])
            yield owed
        yield from self._gaps(reason, until, None)

    def _gaps(self, reason: str, until: int, session: int | None) -> Iterator[Owed]:
        for key in [key for key in self._lost if session in (None, key[0])]:
            yield (GAP, key[1], key[0], 0, 0, self._lost.pop(key).as_json(reason, until))


class _Lost:
    """What one direction of a session has lost since recording stopped."""

    __slots__ = ("at_boundary", "bytes", "messages", "since")

    def __init__(self, since: int) -> None:
        self.since = since
        self.messages = 0
        self.bytes = 0
        self.at_boundary = True

    def add(self, kind: int, payload: bytes) -> None:
        self.bytes += len(payload)
        if kind == CHUNK:
            self.messages += payload.count(b"\n")
            self.at_boundary = payload.endswith(b"\n")
        elif kind == MESSAGE:
            self.messages += 1

    def as_json(self, reason: str, until: int) -> bytes:
        word = reason.replace("\\", "/").replace('"', "'")
        boundary = "true" if self.at_boundary else "false"
        return (
            f'{{"messages":{self.messages},"bytes":{self.bytes},"reason":"{word}",'
            f'"from":{self.since},"to":{until},"boundary":{boundary}}}'
        ).encode()
