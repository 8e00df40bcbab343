"""Known secrets taken out of bytes that are about to be written down, in every form protocols spell them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterable
from urllib.parse import quote

import orjson

SHORTEST = 8  # what is shorter occurs by chance
_KEY = os.urandom(16)


class Mask:
    """Replaces secrets by ``[secret XXXXXXXX]``; the same secret shows the same digits within one process."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: dict[bytes, bytes] = {}
        self._pattern: re.Pattern[bytes] | None = None
        self._longest = 0
        self.version = 0
        """Another number where it knows more than before."""
        self.add(secrets)

    def __repr__(self) -> str:
        return f"<Mask forms={len(self._forms)}>"

    def __bool__(self) -> bool:
        return bool(self._forms)

    def add(self, secrets: Iterable[str]) -> None:
        """Know more secrets; the old ones stay known (an upstream may still echo them)."""
        for secret in secrets:
            if len(secret) < SHORTEST:
                continue
            digest = hmac.new(_KEY, secret.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:8]
            for form in _forms(secret):
                self._forms.setdefault(form, b"[secret %b]" % digest.encode())
        if self._forms:
            self.version += 1
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._longest = len(longest_first[0])
            self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))

    def mask(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        if self._pattern is None:
            return data
        return self._pattern.sub(lambda found: self._forms[found[0]], data)

    def text(self, text: str) -> str:
        """``mask`` for text that is about to be shown or stored."""
        if self._pattern is None:
            return text
        return self.mask(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def flow(self) -> MaskedFlow:
        """One direction of one stream."""
        return MaskedFlow(self)

    def tail(self, data: bytes) -> int:
        """How many bytes at the end of ``data`` may be the beginning of a secret."""
        for size in range(min(len(data), self._longest - 1), 0, -1):
            end = data[-size:]
            if any(len(form) > size and form.startswith(end) for form in self._forms):
                return size
        return 0


class MaskedFlow:
    """One direction of one stream: what may begin a secret waits for the next chunk, on both roads."""

    __slots__ = ("_mask", "_rest")

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._rest = b""

    @property
    def waits(self) -> bool:
        """Whether bytes wait for the next chunk."""
        return bool(self._rest)

    def feed(self, data: bytes, *, last: bool) -> tuple[bytes, bytes]:
        """(bytes to forward now, the same bytes as they may be written down)."""
        data = self._rest + data
        size = 0 if last else self._mask.tail(data)
        if size:
            data, self._rest = data[:-size], data[-size:]
        else:
            self._rest = b""
        return data, self._mask.mask(data)


def _forms(secret: str) -> set[bytes]:
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {raw, quote(secret, safe="", errors="surrogateescape").encode()}
    forms.add(quote(secret, errors="surrogateescape").encode())
    try:
        forms.add(orjson.dumps(secret)[1:-1])
    except orjson.JSONEncodeError:
        pass  # not UTF-8: JSON cannot spell it
    forms.add(secret.encode("ascii", "backslashreplace"))
    for before in range(3):
        # Inside a longer base64 text a secret has three spellings, and its ends depend on what is beside it.
        coded = base64.b64encode(b"\0" * before + raw)
        start = (before * 8 + 5) // 6
        end = (before + len(raw)) * 8 // 6
        inner = coded[start:end]
        if len(inner) >= SHORTEST:
            forms.add(inner)
            forms.add(inner.replace(b"+", b"-").replace(b"/", b"_"))
    return {form for form in forms if len(form) >= SHORTEST}
