"""The tree of an expression, read from the bytes of ``cel.expr.CheckedExpr`` (cel-spec, checked.proto)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


class Unknown(ValueError):
    """Something that is not read here, or not compiled: the library evaluates the expression."""


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: null, bool, int64, double or string."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Ident:
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.field``; with ``test`` what ``has`` makes of it."""

    operand: Tree
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator (``_&&_``); what it is called on is its first argument."""

    function: str
    args: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """What a macro (``all``, ``exists``, ``map`` …) was expanded to."""

    variable: str
    over: Tree
    accumulator: str
    begin: Tree
    condition: Tree
    step: Tree
    result: Tree


Tree: TypeAlias = Const | Ident | Select | Call | ListOf | Fold

Fields: TypeAlias = dict[int, list[int | bytes]]
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_CHECKED = "type.googleapis.com/cel.expr.CheckedExpr"
_EXPR_OF_CHECKED = 4


def read(checked: bytes) -> Tree:
    """The tree in a CheckedExpr that is wrapped in an ``Any``; raises Unknown."""
    wrapped = _fields(checked)
    if _text(wrapped, 1) != _CHECKED:
        raise Unknown("another serialisation")
    return _expr(_last_bytes(_fields(_last_bytes(wrapped, 2)), _EXPR_OF_CHECKED))


def _expr(data: bytes) -> Tree:
    found = _fields(data)
    found.pop(2, None)  # its id
    if len(found) != 1:
        raise Unknown("an empty expression")
    kind = next(iter(found))
    inner = _last_bytes(found, kind)
    if kind not in _READERS:
        raise Unknown(f"an expression of kind {kind}")
    return _READERS[kind](inner)


def _const(data: bytes) -> Tree:
    found = _fields(data)
    if len(found) != 1:
        raise Unknown("a literal of nothing")
    ((kind, values),) = found.items()
    value = values[-1]
    if kind == 1:
        return Const(None)
    if kind == 2:
        return Const(bool(value))
    if kind == 3 and isinstance(value, int):
        return Const(value - (1 << 64) if value >> 63 else value)
    if kind == 5 and isinstance(value, bytes):
        return Const(float(struct.unpack("<d", value)[0]))
    if kind == 6 and isinstance(value, bytes):
        return Const(value.decode())
    raise Unknown("a literal of another type")


def _ident(data: bytes) -> Tree:
    return Ident(_text(_fields(data), 1))


def _select(data: bytes) -> Tree:
    found = _fields(data)
    return Select(_expr(_last_bytes(found, 1)), _text(found, 2), bool(found.get(3, [0])[-1]))


def _call(data: bytes) -> Tree:
    found = _fields(data)
    args = [*found.get(1, []), *found.get(3, [])]
    return Call(_text(found, 2), tuple(_expr(arg) for arg in args if isinstance(arg, bytes)))


def _list(data: bytes) -> Tree:
    found = _fields(data)
    if 2 in found:
        raise Unknown("optional elements")
    return ListOf(tuple(_expr(item) for item in found.get(1, []) if isinstance(item, bytes)))


def _fold(data: bytes) -> Tree:
    found = _fields(data)
    if 8 in found:
        raise Unknown("a macro of two variables")
    over, begin, condition, step, result = (_expr(_last_bytes(found, number)) for number in (2, 4, 5, 6, 7))
    return Fold(_text(found, 1), over, _text(found, 3), begin, condition, step, result)


_READERS = {3: _const, 4: _ident, 5: _select, 6: _call, 7: _list, 9: _fold}


def _last_bytes(found: Fields, number: int) -> bytes:
    value = found.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise Unknown("a field of another type")
    return value


def _text(found: Fields, number: int) -> str:
    return _last_bytes(found, number).decode()


def _fields(data: bytes) -> Fields:
    """The fields of a message of protocol buffers, by number."""
    found: Fields = {}
    for number, value in _walk(data):
        found.setdefault(number, []).append(value)
    return found


def _walk(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise Unknown("a field of an unknown kind")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise Unknown("a message that ends too soon")
