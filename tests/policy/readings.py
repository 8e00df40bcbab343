"""The same bytes as many readers of JSON see them: the lenient, the careless and the clever ones."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

Call = tuple[str, dict[str, Any]]
"""A method, and its parameters."""

LONGEST = 200_000
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1")
_TAILS = re.compile(r"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029\0]")


def calls(body: bytes, headers: Iterable[tuple[str, str]] = ()) -> Iterator[Call]:
    """Every call that some reader finds in ``body``, named by its canonical names."""
    told = {name.lower(): value for name, value in headers}
    charset = re.search(r"charset=\"?([\w-]+)", told.get("content-type", ""))
    encodings = (*_ENCODINGS, charset[1]) if charset else _ENCODINGS
    texts = {text for data in _unpacked(body, told) for text in _texts(data, encodings)}
    seen: list[Any] = []
    for part in {part for text in texts for part in (text, *_TAILS.split(text))}:
        for document in _documents(part):
            if document not in seen:
                seen.append(document)
                yield from _of(document)
    if "mcp-method" in told or "mcp-name" in told:
        yield told.get("mcp-method", "tools/call").lower(), {"name": told.get("mcp-name", "")}


def documents(data: bytes) -> Iterator[Any]:
    """What readers of many kinds make of ``data``, as values whose texts are normalised."""
    for text in set(_texts(data, _ENCODINGS)):
        for part in {text, *_TAILS.split(text)}:
            for document in _documents(part):
                for value in _VALUES:
                    yield _valued(document, value)


def _unpacked(body: bytes, told: dict[str, str]) -> Iterator[bytes]:
    yield body
    for unpack in (gzip.decompress, zlib.decompress, lambda data: zlib.decompress(data, -15)):
        try:
            yield unpack(body)
        except (OSError, EOFError, zlib.error):
            pass
    if "multipart" in told.get("content-type", "") or "form" in told.get("content-type", ""):
        yield from re.findall(rb"\{.*\}", body, re.S)


def _texts(data: bytes, encodings: tuple[str, ...]) -> Iterator[str]:
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeError, ValueError):
            text = data.decode(encoding, "ignore") if encoding == "utf-8" else ""
        if ("{" in text and ('"' in text or "'" in text)) or "\uff5b" in text:
            yield text
            yield text.replace("\0", "")
            yield text.replace("\ufeff", "")
            yield unicodedata.normalize("NFKC", text)


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def _copied(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """As JavaScript copies an object: ``__proto__`` is no member, it gives members."""
    found = dict(pairs)
    inherited = found.pop("__proto__", None)
    return {**inherited, **found} if isinstance(inherited, dict) else found


def _as_double(digits: str) -> int | float:
    found = float(digits)
    return int(found) if abs(found) < 1e300 else found


def _documents(text: str) -> Iterator[Any]:
    """What is in ``text`` for each kind of reader; nothing for one that refuses it."""
    if len(text) > LONGEST or "{" not in text:
        return
    readers: list[Callable[[str], Any]] = [
        json.loads,
        lambda text: json.loads(text, strict=False),
        orjson.loads,
    ]
    readers.append(lambda text: json.loads(text, object_pairs_hook=_first))
    readers.append(lambda text: json.loads(text, object_pairs_hook=_copied, parse_int=_as_double))
    for read in readers:
        try:
            yield read(text)
        except (ValueError, RecursionError):
            pass
    for pairs in (dict, _first):
        try:
            yield from Lenient(text, pairs).documents()
        except (ValueError, IndexError, RecursionError):
            pass


class Lenient:
    """Comments, trailing commas, single quotes, bare words, odd numbers, several documents in a row."""

    def __init__(self, text: str, pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> None:
        self._text = (
            re.sub(r"/\*.*?\*/|//[^\n]*|#[^\n]*(?=\n)", " ", text, flags=re.S) if "/" in text else text
        )
        self._at = 0
        self._pairs = pairs

    def documents(self) -> Iterator[Any]:
        while (at := self._text.find("{", self._at)) >= 0:
            bracket = self._text.find("[", self._at)
            self._at = at if bracket < 0 else min(at, bracket)
            yield self._value()

    def _value(self) -> Any:
        self._skip()
        char = self._text[self._at]
        if char == "{":
            return self._object()
        if char == "[":
            return self._array()
        if char in "\"'":
            return self._string(char)
        return self._bare()

    def _object(self) -> dict[str, Any]:
        self._at += 1
        found: list[tuple[str, Any]] = []
        while True:
            self._skip(",")
            if self._text[self._at] == "}":
                self._at += 1
                return self._pairs(found)
            char = self._text[self._at]
            key = self._string(char) if char in "\"'" else str(self._bare())
            self._skip(":=>")
            found.append((key, self._value()))

    def _array(self) -> list[Any]:
        self._at += 1
        found: list[Any] = []
        while True:
            self._skip(",")
            if self._text[self._at] == "]":
                self._at += 1
                return found
            found.append(self._value())

    def _string(self, quote: str) -> str:
        begin = self._at + 1
        at = begin
        while self._text[at] != quote:
            at += 2 if self._text[at] == "\\" else 1
        self._at = at + 1
        raw = self._text[begin:at]
        try:
            return str(json.loads(f'"{raw}"', strict=False))
        except ValueError:
            return re.sub(r"\\(.)", r"\1", raw)

    def _bare(self) -> Any:
        found = re.compile(r"[^\s,:\]}{\[]+").match(self._text, self._at)
        if found is None:
            raise ValueError(self._at)
        self._at = found.end()
        word = found[0]
        try:
            return int(word, 0)
        except ValueError:
            pass
        try:
            return float(word)
        except ValueError:
            return {"true": True, "false": False, "null": None}.get(word, word)

    def _skip(self, also: str = "") -> None:
        while self._text[self._at].isspace() or self._text[self._at] in also or self._text[self._at] < " ":
            self._at += 1


_FOLDS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    str.casefold,
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: unicodedata.normalize("NFKC", name),
    lambda name: unicodedata.normalize("NFKC", name).casefold(),
    lambda name: name.partition("\0")[0],
    lambda name: "".join(
        c for c in name if unicodedata.category(c) not in ("Cf", "Cc", "Zs", "Mn")
    ).casefold(),
)
_VALUES: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    lambda text: unicodedata.normalize("NFC", text),
    lambda text: unicodedata.normalize("NFKC", text),
    lambda text: text.partition("\0")[0],
    lambda text: text.strip(),
    lambda text: "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc")),
)


def _of(document: Any, depth: int = 0) -> Iterator[Call]:
    if isinstance(document, list) and depth < 8:
        for item in document:
            yield from _of(item, depth + 1)
    if not isinstance(document, dict):
        return
    for fold in _FOLDS:
        for keep_first in (False, True):
            envelope = _folded(document, fold, keep_first=keep_first)
            for value in _VALUES:
                yield from _call(_valued(envelope, value))


def _call(envelope: dict[str, Any]) -> Iterator[Call]:
    method = envelope.get("method")
    if isinstance(method, list) and len(method) == 1:
        method = method[0]
    if not isinstance(method, str):
        return
    for params in _objects(envelope.get("params"), ("name", "arguments")):
        for arguments in _objects(params.get("arguments"), ("path", "amount")):
            yield method.lower(), {**params, "arguments": arguments}


def _objects(value: Any, places: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """``value`` as an object: itself, JSON in a string, by position, or the first of a list."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            pass
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield dict(zip(places, value, strict=False))
        yield from (item for item in value if isinstance(item, dict))
        if all(isinstance(item, list) and len(item) == 2 for item in value):
            yield {str(key): item for key, item in value}
    else:
        yield {}


def _folded(value: Any, fold: Callable[[str], str], *, keep_first: bool) -> Any:
    if isinstance(value, list):
        return [_folded(item, fold, keep_first=keep_first) for item in value[:64]]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = _CANONICAL.get(fold(key).casefold(), fold(key)) if fold is not _FOLDS[0] else key
        if not keep_first or name not in found:
            found[name] = _folded(item, fold, keep_first=keep_first)
    return found


_CANONICAL = {"jsonrpc": "jsonrpc", "method": "method", "params": "params"}


def _valued(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_valued(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _valued(item, change) for key, item in value.items()}
    return value
