"""How one secret may be spelled: as it is, escaped for JSON or a URL, in base64, in hexadecimal digits."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import quote, quote_plus

SHORTEST = 6  # what is shorter occurs by chance
ROUNDS = 3  # how deep texts in texts are read

_UNICODE = re.compile(rb"\\+u([0-9A-Fa-f]{4})(?:\\+u([0-9A-Fa-f]{4}))?")
_ESCAPE = re.compile(rb"\\+([\"/bfnrt])")
_PERCENT = re.compile(rb"%(?:25)*([0-9A-Fa-f]{2})")
_NESTED = b"\\" * 4
_LINE_ENDS = re.compile(rb"[\r\n]+")
UNUSUAL = re.compile(
    rb"[\\%\r\n](?:(?<=\\)(?:\\*(?:u[0-9A-Fa-f]{4}|/)|\\{6})|(?<=%)[0-9A-Fa-f]{2}|(?<=[\w+/]{16}[\\\r\n]))"
)
"""What a text has where a secret may be spelled otherwise than programs usually do."""

_NAMED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_LETTERS = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", '"': '"', "/": "/"}


def forms_of(secret: str) -> set[bytes]:
    """The spellings that programs write, each of SHORTEST bytes or more."""
    raw = secret.encode("utf-8", "surrogateescape")
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode()}
    for safe in ("", "/"):
        percent = quote(secret, safe=safe, errors="surrogateescape")
        forms |= {percent.encode(), re.sub("%..", lambda found: found[0].lower(), percent).encode()}
    forms.add(quote_plus(secret, errors="surrogateescape").encode())
    forms |= _in_json(secret)
    for text in in_base64(raw):
        forms |= {text, text.replace(b"+", b"-").replace(b"/", b"_"), text.replace(b"/", b"\\/")}
        forms.add(text.replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D"))
    return {form for form in forms if len(form) >= SHORTEST}


def spelled(secret: str) -> bytes:
    """A pattern of the secret with each of its characters spelled in any way, and of its base64 in lines."""
    whole = b"".join(map(_character, secret))
    coded = [_lines(text) for text in in_base64(secret.encode("utf-8", "surrogateescape"))]
    return b"|".join([whole, *coded])


def plain_forms(data: bytes) -> tuple[bytes, ...]:
    """``data`` with its escapes read, round by round, each with and without its line ends.

    How many backslashes are meant, and whether a letter behind them is one, cannot be told of a text in
    texts: it is there without backslashes, too.
    """
    found = [_LINE_ENDS.sub(b"", data)]
    if _NESTED in data:
        found += [without_backslashes(data), without_backslashes(_UNICODE.sub(_point, data))]
    for _ in range(ROUNDS):
        read = _PERCENT.sub(_byte, _ESCAPE.sub(_letter, _UNICODE.sub(_point, data)))
        if read == data:
            break
        found += [read, _LINE_ENDS.sub(b"", read)]
        found += [without_backslashes(read)] if _NESTED in data else []
        data = read
    return tuple(found)


def without_backslashes(data: bytes) -> bytes:
    return data.replace(b"\\", b"")


def _in_json(secret: str) -> set[bytes]:
    found = set()
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        for text in (once, twice, once.replace("/", "\\/")):
            found.add(text.encode("utf-8", "surrogateescape"))
    return found


def in_base64(raw: bytes) -> list[bytes]:
    """Inside a longer base64 text there are three spellings, whose ends depend on what is beside it."""
    found = []
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + raw)
        inner = coded[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6]
        if len(inner) >= SHORTEST:
            found.append(inner)
    return found


def _character(char: str) -> bytes:
    data = char.encode("utf-8", "surrogateescape")
    ways = [re.escape(data), b"".join(rb"%%(?:25)*(?i:%02x)" % byte for byte in data)]
    units = char.encode("utf-16-be", "surrogatepass")
    pairs = [units[at : at + 2].hex().encode() for at in range(0, len(units), 2)]
    ways.append(b"".join(rb"\\+u(?i:%b)" % pair for pair in pairs))
    if char in _LETTERS:
        ways.append(rb"\\+" + re.escape(_LETTERS[char].encode()))
    if char == "\\":
        ways.append(rb"\\+")
    if char == " ":
        ways.append(rb"\+")
    return b"(?:" + b"|".join(ways) + b")"


def _lines(text: bytes) -> bytes:
    return rb"(?:\\+[rn]|[\r\n])*".join(_sign(bytes((byte,))) for byte in text)


def _sign(sign: bytes) -> bytes:
    if sign == b"+":
        return rb"(?:[+-]|%(?:25)*(?i:2b)|\\+u002[bB])"
    if sign == b"/":
        return rb"(?:\\*/|_|%(?:25)*(?i:2f)|\\+u002[fF])"
    return re.escape(sign)


def _point(found: re.Match[bytes]) -> bytes:
    units = bytes.fromhex(found[1].decode()) + bytes.fromhex((found[2] or b"").decode())
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _letter(found: re.Match[bytes]) -> bytes:
    return _NAMED.get(found[1], found[1])


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))
