"""Known secrets taken out of bytes that are about to be written down, in every form protocols spell them."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Iterable

from mcpscope.transports.secret_forms import SHORTEST, UNUSUAL, forms_of, in_base64, plain_forms, spelled

PLACEHOLDER = "[redacted:{}]"
MAX_LEARNED = 256
"""Values found at redacted places that are looked for elsewhere, too; of more the oldest are forgotten."""

HELD_BYTES = 64 << 10
FEW_FORMS = 64
LONG_LINE = 16
_BARE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|(?:[\d.eE+-]*)(\[redacted:[0-9a-f]{8}\])(?:[\d.eE+-]*)', re.S)


class Mask:
    """Replaces secrets by ``[redacted:XXXXXXXX]``: eight digits of a digest keyed with ``key``.

    The same secret shows the same digits wherever the same key is used; without a key this is one process.
    """

    def __init__(self, secrets: Iterable[str] = (), *, key: bytes = b"") -> None:
        self._key = key or os.urandom(16)
        self._shown: dict[bytes, bytes] = {}
        self._longest_first: list[bytes] = []
        self._begins: dict[bytes, list[bytes]] = {}
        self._secrets: dict[str, None] = {}
        self._learned: dict[str, tuple[bytes, ...]] = {}
        self._longest = 0
        self.version = 0
        """Another number where it knows more than before."""
        self._any: re.Pattern[bytes] | None = None
        self._spelled: dict[str, re.Pattern[bytes]] = {}
        self.add(secrets)

    def __repr__(self) -> str:
        return f"<Mask secrets={len(self._secrets)} learned={len(self._learned)}>"

    def __bool__(self) -> bool:
        return bool(self._shown)

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets; the old ones stay known (an upstream may still echo them)."""
        for secret in secrets:
            for part in _parts(secret):
                self._secrets[part] = None
                self._know(part)
        self._index()

    def learn(self, values: Iterable[str]) -> None:
        """Look for these, too: values of redacted places, which peers repeat elsewhere."""
        found = False
        for value in values:
            if len(value) < SHORTEST or value in self._secrets:
                continue
            if value in self._learned:
                self._learned[value] = self._learned.pop(value)
                continue
            self._learned[value] = self._know(value)
            found = True
            if len(self._learned) > MAX_LEARNED:
                self._forget(next(iter(self._learned)))
        if found:
            self._index()

    def placeholder(self, value: str) -> str:
        """What stands in the place of ``value``."""
        data = value.encode("utf-8", "surrogatepass")
        return PLACEHOLDER.format(hmac.new(self._key, data, hashlib.sha256).hexdigest()[:8])

    def mask(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        if not self._shown:
            return data
        if self._any is None or self._any.search(data):
            for form in self._longest_first:
                if form in data:
                    data = data.replace(form, self._shown[form])
        return self._unusual(data) if UNUSUAL.search(data) else data

    def messages(self, data: bytes) -> bytes:
        """``mask`` for JSON: a number that was a secret becomes a string, so that it can still be read."""
        masked = self.mask(data)
        if masked == data:
            return data
        return _BARE.sub(lambda found: b'"%b"' % found[1] if found[1] else found[0], masked)

    def text(self, text: str) -> str:
        """``mask`` for text that is about to be shown or stored."""
        if not self._shown:
            return text
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def flow(self, *, messages: bool = True) -> MaskedFlow:
        """One direction of one stream; ``messages`` says that it carries them, one a line."""
        return MaskedFlow(self, messages=messages)

    def tail(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` may be the beginning of a secret."""
        first = max(0, len(data) - self._longest + 1)
        for at in range(first, len(data)):
            end = data[at:]
            if any(form.startswith(end) for form in self._begins.get(end[:1], ())):
                return len(data) - at
        return 0

    def _know(self, secret: str) -> tuple[bytes, ...]:
        shown = self.placeholder(secret).encode()
        forms = tuple(forms_of(secret))
        for form in forms:
            self._shown.setdefault(form, shown)
        return forms

    def _forget(self, value: str) -> None:
        for form in self._learned.pop(value):
            self._shown.pop(form, None)
        self._spelled.pop(value, None)
        for other in (*self._secrets, *self._learned):
            self._know(other)  # two secrets may share a form

    def _index(self) -> None:
        self.version += 1
        self._longest_first = sorted(self._shown, key=len, reverse=True)
        self._longest = len(self._longest_first[0]) if self._longest_first else 0
        self._begins.clear()
        for form in self._longest_first:
            self._begins.setdefault(form[:1], []).append(form)
        self._any = _one_pattern(self._longest_first) if len(self._shown) > FEW_FORMS else None

    def _unusual(self, data: bytes) -> bytes:
        """What is spelled with escapes that nobody needs, or with several kinds of them at once."""
        read = plain_forms(data)
        for secret in (*self._secrets, *self._learned):
            whole = secret.encode("utf-8", "surrogateescape")
            if any(form in text for text in read for form in (whole, *in_base64(whole))):
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


def _one_pattern(forms: list[bytes]) -> re.Pattern[bytes] | None:
    """One automaton for many forms; None where it would be too large."""
    import re2  # deferred: only a proxy that learns many values needs it

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = 128 << 20
    options.log_errors = False
    try:
        pattern: re.Pattern[bytes] = re2.compile(b"|".join(map(re2.escape, forms)), options=options)
    except re2.error:
        return None
    return pattern
