"""Reading what orjson refuses but peers accept, with the reasons named."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import orjson

from mcpscope.protocol.problems import Problem

UNREADABLE: Final = object()

_WHITE_SPACE = " \t\r\n"
_BOM = b"\xef\xbb\xbf"


def read(raw: bytes) -> tuple[Any, tuple[str, ...]]:
    """The value a lenient reader finds and why a strict one does not; ``UNREADABLE`` if nobody finds one.

    Invalid UTF-8 is replaced, as JavaScript peers do; NaN, infinities, overflowing numbers and lone
    surrogates are kept, as Python peers do; one byte order mark is skipped.
    """
    problems: list[str] = []
    if raw.startswith(_BOM):
        problems.append(Problem.BOM)
        raw = raw[len(_BOM) :]
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        problems.append(Problem.NOT_UTF8)
        text = raw.decode(errors="replace")
    numbers = _Numbers()
    try:
        value = numbers.decoder.decode(text)
    except RecursionError:
        return UNREADABLE, (*problems, Problem.TOO_DEEP)
    except ValueError:
        return UNREADABLE, (*problems, Problem.NOT_JSON)
    if numbers.non_finite:
        problems.append(Problem.NON_FINITE)
    if _has_lone_surrogate(value):
        problems.append(Problem.LONE_SURROGATE)
    return value, tuple(problems)


def exact_integers(raw: bytes, value: Any) -> Any:
    """``raw`` read again with integers beyond 64 bits exact; ``value`` where Python's limits forbid it."""
    try:
        return _Numbers().decoder.decode(raw.decode())
    except (RecursionError, ValueError):
        return value


def has_duplicate_keys(raw: bytes, value: Any) -> bool:
    """Whether any object in ``raw`` names a member twice (exactly; ``protocol.strict`` finds look-alikes).

    ``value`` is what was read from ``raw``.
    """
    if _names_as_many(raw, value):
        return False
    found = False

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        made = dict(members)
        found = found or len(made) != len(members)
        return made

    decoder = json.JSONDecoder(object_pairs_hook=pairs, parse_int=str, parse_float=str)
    try:
        decoder.decode(raw.removeprefix(_BOM).decode(errors="replace"))
    except (RecursionError, ValueError):
        return False
    return found


def _names_as_many(raw: bytes, value: Any) -> bool:
    """Whether ``value``, written anew, has as many names as ``raw``, and nothing that could hide one there.

    A sixth of the price of the second reading. A quote stands before a colon behind a name, or escaped inside
    a text; blanks between the two, or a quote written as ``\\u0022``, would upset the count.
    """
    if b" :" in raw or b"\\u0022" in raw or b"\t:" in raw or b"\n:" in raw or b"\r:" in raw:
        return False
    try:
        written = orjson.dumps(value)
    except (TypeError, RecursionError):
        return False
    return raw.count(b'":') == written.count(b'":')


def element_bytes(raw: bytes, elements: list[Any]) -> list[bytes]:
    """The bytes of each element of the array in ``raw``; where they cannot be cut out, written anew."""
    text = raw.removeprefix(_BOM).decode(errors="surrogateescape")
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    parts: list[bytes] = []
    at = text.index("[") + 1
    try:
        for _ in elements:
            at = _skip_white_space(text, at)
            _, end = decoder.raw_decode(text, at)
            parts.append(text[at:end].encode(errors="surrogateescape"))
            at = _skip_white_space(text, end) + 1
    except (RecursionError, ValueError, IndexError):
        return [json.dumps(element).encode() for element in elements]
    return parts


def _skip_white_space(text: str, at: int) -> int:
    while text[at] in _WHITE_SPACE:
        at += 1
    return at


class _Numbers:
    """A decoder that notices numbers JSON does not have or a double cannot hold."""

    def __init__(self) -> None:
        self.non_finite = False
        self.decoder = json.JSONDecoder(
            parse_float=self._float, parse_int=self._int, parse_constant=self._constant
        )

    def _float(self, text: str) -> float:
        number = float(text)
        if math.isinf(number):
            self.non_finite = True
        return number

    def _int(self, text: str) -> int | float:
        try:
            return int(text)
        except ValueError:  # beyond sys.get_int_max_str_digits, against quadratic time
            self.non_finite = True
            return float(text)

    def _constant(self, text: str) -> float:
        self.non_finite = True
        return float(text)


def _has_lone_surrogate(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except RecursionError:
        return False
    return False
