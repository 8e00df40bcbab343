"""Content codings undone: an upstream that compresses although it was asked for ``identity``."""

from __future__ import annotations

import zlib

STEP_BYTES = 64 * 1024


class Decoder:
    """gzip, zlib or raw deflate, at most STEP_BYTES at a time so that a bomb meets back-pressure."""

    def __init__(self, coding: bytes) -> None:
        self._deflate = coding == b"deflate"
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._rest = b""
        self._begun = False

    @property
    def pending(self) -> bool:
        """``step`` has more to give."""
        return bool(self._rest)

    @property
    def finished(self) -> bool:
        return self._inner.eof or not self._begun

    def put(self, data: bytes) -> None:
        """Take coded bytes; ``step`` gives them back decoded."""
        self._rest += data

    def step(self) -> bytes:
        """The next decoded bytes. Raises zlib.error for what is not in the coding."""
        data, self._rest = self._rest, b""
        try:
            out = self._inner.decompress(data, STEP_BYTES)
        except zlib.error:
            if self._begun or not self._deflate:
                raise
            self._inner = zlib.decompressobj(
                -zlib.MAX_WBITS
            )  # "deflate" without zlib's frame, as some send it
            out = self._inner.decompress(data, STEP_BYTES)
        self._begun = self._begun or bool(data)
        self._rest = self._inner.unconsumed_tail
        if self._inner.eof and self._inner.unused_data and not self._deflate:
            self._rest = self._inner.unused_data  # gzip members may follow each other
            self._inner = zlib.decompressobj(zlib.MAX_WBITS | 32)
        return out


def decoder(coding: bytes) -> Decoder | None:
    """A decoder for a ``Content-Encoding`` that can be undone here, else None."""
    coding = coding.strip().lower()
    return Decoder(coding) if coding in (b"gzip", b"x-gzip", b"deflate") else None
