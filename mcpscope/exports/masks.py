"""Taking secrets out of what leaves the database: by the name of the place, and by the look of the value.

Bytes are spliced: what is not a secret stays as it was. A secret has the same number wherever it stands in
one export, so that it can be recognised without being known.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

_NAME = (
    r"(?:[\w.-]*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|authorization|cookie"
    r"|credentials?|access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|bearer[_-]?token)|token|pwd"
    r"|mcpscope-token|x-auth-token)"
)
_LOOKS = (
    r"(?<![\w-])(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})"
    r"|(?<=Bearer )[\w.~+/=-]{8,}|(?<=Basic )[\w+/=-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----"
)
_STRING = r'"((?:[^"\\]|\\.)+)"'
_INNER = r'\\"((?:[^"\\]|\\\\(?!")|\\[^"\\])+)\\"'
_NUMBER = r"-?\d[\d.eE+-]*"
_VALUE = re.compile(rf'"(?P<text>(?:[^"\\]|\\.)+)(?:"|\Z)|(?P<number>{_NUMBER})'.encode(), re.DOTALL)
_TOLD = r'("[^"]+"?|(?!(?:null|true|false)\b)[^\s"{\[][^\s,;]*)'
_OPTION = re.compile(rf"--?{_NAME}(=|$)", re.IGNORECASE)
_ASSIGNED = re.compile(rf"({_NAME})=(.+)", re.IGNORECASE | re.DOTALL)


_PIECE_BYTES, _OVERLAP_BYTES = 32 << 10, 8 << 10
"""A secret that is told by its look alone, and not by its name, is found up to this length."""


def configured_keys() -> list[str]:
    """Names of secrets that this user has configured: ``$MCPSCOPE_REDACT_KEYS``, commas between them."""
    keys = os.environ.get("MCPSCOPE_REDACT_KEYS", "").split(",")
    return [key.strip() for key in keys if key.strip()]


class Masks:
    """One export's masks; ``count`` is how many values were masked.

    ``keys`` are names of secrets beside those that everybody knows; ``*`` in them stands for anything.
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        more = "".join("|" + re.escape(key).replace(r"\*", r"[\w.-]*") for key in keys)
        name = rf"(?:{_NAME}{more})"
        self.count = 0
        self._numbers: dict[str, int] = {}
        self._is_name = re.compile(name, re.IGNORECASE)
        self._member = re.compile(
            rf'("{name}"\s*:\s*)(?:{_STRING}|({_NUMBER}))'.encode(), re.IGNORECASE | re.DOTALL
        )
        self._inner = re.compile(rf'(\\"{name}\\"\s*:\s*){_INNER}'.encode(), re.IGNORECASE | re.DOTALL)
        self._looks = re.compile(_LOOKS.encode(), re.DOTALL)
        self._named = re.compile(rf'"{name}"\s*:\s*(?=["\d-])'.encode(), re.IGNORECASE)
        self._told = re.compile(rf"(?<![\w.-]){name}={_TOLD}".encode(), re.IGNORECASE)

    def is_secret(self, name: str) -> bool:
        """Whether what has this name is a secret."""
        return self._is_name.fullmatch(name) is not None

    def ranges(self, raw: bytes, *, told: bool = False) -> list[tuple[int, int]]:
        """What ``message`` would mask, as byte ranges in order; ``told``: also ``name=value``, as we say it.

        A piece at a time, so that no other thread waits for a long message.
        """
        found: list[tuple[int, int]] = []
        for start in range(0, len(raw), _PIECE_BYTES):
            stop = start + _PIECE_BYTES
            for named in self._named.finditer(raw, start, stop + _OVERLAP_BYTES):
                value = _VALUE.match(raw, named.end())
                if value is not None:
                    found.append(value.span(value.lastgroup or 0))
            found += [hit.span(2) for hit in self._inner.finditer(raw, start, stop + _OVERLAP_BYTES)]
            found += [hit.span() for hit in self._looks.finditer(raw, start, stop + _OVERLAP_BYTES)]
            if told:
                found += [_unquoted(raw, *hit.span(1)) for hit in self._told.finditer(raw, start, stop)]
        return _merged(found)

    def message(self, raw: bytes) -> bytes:
        """The bytes of a message or a line of text."""
        masked = self._member.sub(self._splice, raw)
        masked = self._inner.sub(self._splice_inner, masked)
        return self._looks.sub(lambda found: self._mark(found[0].decode("utf-8", "replace")).encode(), masked)

    def text(self, text: str) -> str:
        """A text that is no message: a URL, a name, a remark."""
        if "://" in text:
            return self._url(text)
        return self.message(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def value(self, value: Any, *, name: str = "") -> Any:
        """JSON of our own: headers as an object or as pairs, a command with its options, an environment."""
        if isinstance(value, dict):
            return {key: self._member_of(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return self._items(value)
        return self.text(value) if isinstance(value, str) else value

    def _member_of(self, key: str, value: Any) -> Any:
        if key.lower() in ("env", "environment") and isinstance(value, dict):
            return {name: self._mark(str(item)) for name, item in value.items()}
        if (
            self._is_name.fullmatch(key)
            and isinstance(value, str | int | float)
            and value not in ("", True, False)
        ):
            return self._mark(str(value))
        return self.value(value)

    def _items(self, items: list[Any]) -> list[Any]:
        if len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], str):
            return [items[0], self._member_of(items[0], items[1])]
        found: list[Any] = []
        secret_follows = False
        for item in items:
            if secret_follows and isinstance(item, str):
                item, secret_follows = self._mark(item), False
            elif isinstance(item, str) and (option := _OPTION.match(item)):
                if option[1]:
                    item = item[: option.end()] + self._mark(item[option.end() :])
                secret_follows = not option[1]
            elif isinstance(item, str) and (assigned := _ASSIGNED.fullmatch(item)):
                item = f"{assigned[1]}={self._mark(assigned[2])}"
            else:
                item = self.value(item)
            found.append(item)
        return found

    def _url(self, text: str) -> str:
        try:
            parts = urlsplit(text)
        except ValueError:
            return self._mark(text)
        place = parts.netloc
        if "@" in place:
            user, _, host = place.rpartition("@")
            place = f"{self._mark(user)}@{host}"
        query = "&".join(self._parameter(one) for one in parts.query.split("&")) if parts.query else ""
        return urlunsplit((parts.scheme, place, self._plain(parts.path), query, parts.fragment))

    def _parameter(self, text: str) -> str:
        key, equals, value = text.partition("=")
        return (
            f"{key}={self._mark(value)}"
            if equals and value and self._is_name.fullmatch(key)
            else self._plain(text)
        )

    def _plain(self, text: str) -> str:
        return self.message(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def _splice(self, found: re.Match[bytes]) -> bytes:
        secret = found[2] if found[2] is not None else found[3]
        return found[1] + b'"' + self._mark(secret.decode("utf-8", "replace")).encode() + b'"'

    def _splice_inner(self, found: re.Match[bytes]) -> bytes:
        return found[1] + b'\\"' + self._mark(found[2].decode("utf-8", "replace")).encode() + b'\\"'

    def _mark(self, secret: str) -> str:
        if re.fullmatch(r"\[masked \d+\]", secret):
            return secret
        self.count += 1
        return f"[masked {self._numbers.setdefault(secret, len(self._numbers) + 1)}]"


def _unquoted(raw: bytes, start: int, stop: int) -> tuple[int, int]:
    """The range without the quotation marks around it; the last may be cut off."""
    if raw[start : start + 1] != b'"':
        return start, stop
    return start + 1, stop - (stop - start > 1 and raw[stop - 1 : stop] == b'"')


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        elif stop > start:
            merged.append((start, stop))
    return merged
