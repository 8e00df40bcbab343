"""Known secrets taken out of bytes that are about to be written down, in every form protocols spell them."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable

from mcpscope.transports.secret_forms import (
    SHORTEST,
    UNUSUAL,
    forms_of,
    in_base64,
    plain_forms,
    spelled,
    without_backslashes,
)
from mcpscope.transports.secret_search import Forms

PLACEHOLDER = "[redacted:{}]"
MAX_LEARNED = 256
"""Values found at redacted places that are looked for elsewhere, too; of more the oldest are forgotten."""

HELD_BYTES = 64 << 10
PIECE_CHARS = 1024
MAX_VALUE_CHARS = 16 << 10
LONG_LINE = 16
_BARE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|(?:[\d.eE+-]*)(\[redacted:[0-9a-f]{8}\])(?:[\d.eE+-]*)', re.S)


class Mask:
    """Replaces secrets by ``[redacted:XXXXXXXX]``: eight digits of a digest keyed with ``key``.

    The same secret shows the same digits wherever the same key is used; without a key this is one process.
    """

    def __init__(self, secrets: Iterable[str] = (), *, key: bytes = b"") -> None:
        self._key = key or os.urandom(16)
        self._forms = Forms()
        self._secrets: dict[str, None] = {}
        self._learned: dict[str, tuple[bytes, ...]] = {}
        self._plain: dict[str, tuple[bytes, ...]] = {}
        self._spelled: dict[str, re.Pattern[bytes]] = {}
        self.version = 0
        """Another number where it knows more than before."""
        self.add(secrets)

    def __repr__(self) -> str:
        return f"<Mask secrets={len(self._secrets)} learned={len(self._learned)}>"

    def __bool__(self) -> bool:
        return bool(self._secrets or self._learned)

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets; the old ones stay known (an upstream may still echo them)."""
        for secret in secrets:
            for part in _parts(secret):
                if part not in self._secrets:
                    self._secrets[part] = None
                    self._know(part)

    def learn(self, values: Iterable[str]) -> None:
        """Look for these, too: values of redacted places, which peers repeat elsewhere."""
        for value in values:
            for piece in _pieces(value):
                if piece in self._secrets:
                    continue
                known = self._learned.pop(piece, None)
                self._learned[piece] = known or self._know(piece)
        while len(self._learned) > MAX_LEARNED:
            oldest = next(iter(self._learned))
            self._forms.drop(self._learned.pop(oldest))
            self._spelled.pop(oldest, None)
            self._plain.pop(oldest, None)

    def placeholder(self, value: str) -> str:
        """What stands in the place of ``value``."""
        data = value.encode("utf-8", "surrogatepass")
        return PLACEHOLDER.format(hmac.new(self._key, data, hashlib.sha256).hexdigest()[:8])

    def mask(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        if not self:
            return data
        data = self._forms.replaced(data)
        return self._unusual(data) if UNUSUAL.search(data) else data

    def messages(self, data: bytes) -> bytes:
        """``mask`` for JSON: a number that was a secret becomes a string, so that it can still be read."""
        masked = self.mask(data)
        if masked == data:
            return data
        return _BARE.sub(lambda found: b'"%b"' % found[1] if found[1] else found[0], masked)

    def text(self, text: str) -> str:
        """``mask`` for text that is about to be shown or stored."""
        if not self:
            return text
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def flow(self, *, messages: bool = True) -> MaskedFlow:
        """One direction of one stream; ``messages`` says that it carries them, one a line."""
        return MaskedFlow(self, messages=messages)

    def tail(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` may be the beginning of a secret."""
        return self._forms.tail(data)

    def _know(self, secret: str) -> tuple[bytes, ...]:
        self.version += 1
        forms = tuple(forms_of(secret))
        whole = secret.encode("utf-8", "surrogateescape")
        bare = without_backslashes(whole)
        self._plain[secret] = (whole, *((bare,) if len(bare) >= SHORTEST else ()), *in_base64(whole))
        self._forms.add(forms, self.placeholder(secret).encode())
        return forms

    def _unusual(self, data: bytes) -> bytes:
        """What is spelled with escapes that nobody needs, or with several kinds of them at once."""
        read = plain_forms(data)
        for secret in (*self._secrets, *self._learned):
            if any(form in text for text in read for form in self._plain[secret]):
                pattern = self._spelled.get(secret)
                if pattern is None:
                    pattern = self._spelled[secret] = re.compile(spelled(secret))
                data = pattern.sub(self.placeholder(secret).encode(), data)
        return data


class MaskedFlow:
    """One direction of one stream: what may begin a secret waits for the next chunk, on both roads.

    Where it carries messages that is the line that has begun: nobody can use it before its end.
    """

    __slots__ = ("_mask", "_messages", "_rest")

    def __init__(self, mask: Mask, *, messages: bool = True) -> None:
        self._mask = mask
        self._messages = messages
        self._rest = b""

    @property
    def waits(self) -> bool:
        """Whether bytes wait for the next chunk."""
        return bool(self._rest)

    def feed(self, data: bytes, *, last: bool) -> tuple[bytes, bytes]:
        """(bytes to forward now, the same bytes as they may be written down)."""
        data = self._rest + data
        cut = len(data) if last else self._cut(data)
        data, self._rest = data[:cut], data[cut:]
        return data, (self._mask.messages if self._messages else self._mask.mask)(data)

    def _cut(self, data: bytes) -> int:
        if self._messages:
            cut = data.rfind(b"\n") + 1
            if len(data) - cut <= HELD_BYTES:
                return cut
        return len(data) - self._mask.tail(data)


def _parts(secret: str) -> list[str]:
    """The secret, and the longer lines of one that has several (a key file): they are printed singly."""
    lines = [line.strip() for line in secret.splitlines()]
    found = [secret, *(line for line in lines if len(line) >= LONG_LINE and not line.startswith("-----"))]
    return [part for part in dict.fromkeys(found) if len(part) >= SHORTEST]


def _pieces(value: str) -> list[str]:
    """A long value in pieces: each is found wherever it is repeated."""
    found = [value[at : at + PIECE_CHARS] for at in range(0, min(len(value), MAX_VALUE_CHARS), PIECE_CHARS)]
    return [piece for piece in found if len(piece) >= SHORTEST]
