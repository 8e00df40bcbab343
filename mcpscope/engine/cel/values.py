"""What CEL's operators and functions make of values; values are those of JSON, integers within 64 bits.

Raises Failed where CEL has an error, and Elsewhere where the library is asked instead.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any, Final

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1
_EXACT_FLOAT: Final = 1 << 53
_SHORT_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_ABSENT: Final = object()
_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_SIZED: Final = (str, list, dict)


class Failed(Exception):
    """An error of CEL's: a missing member, a type that does not fit, an overflow."""


class Elsewhere(Exception):
    """A case that only the library decides."""


class Type:
    """What ``type(x)`` gives; each is there once."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Type {self.name}>"


TYPES: Final = {name: Type(name) for name in ("bool", "double", "int", "list", "map", "null_type", "string")}
_TYPE_OF: Final[dict[type, Type]] = {
    bool: TYPES["bool"],
    float: TYPES["double"],
    int: TYPES["int"],
    list: TYPES["list"],
    dict: TYPES["map"],
    type(None): TYPES["null_type"],
    str: TYPES["string"],
}


def equal(one: Any, other: Any) -> bool:
    """Numbers by their value, all else by type and value."""
    kind, others = type(one), type(other)
    if kind is others:
        if kind is list:
            return len(one) == len(other) and all(map(equal, one, other))
        if kind is dict:
            return len(one) == len(other) and all(
                key in other and equal(value, other[key]) for key, value in one.items()
            )
        return bool(one == other)
    if (kind is int and others is float) or (kind is float and others is int):
        return float(one) == float(other)
    return False


def unequal(one: Any, other: Any) -> bool:
    return not equal(one, other)


def _ordering(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def ordered(one: Any, other: Any) -> bool:
        kind, others = type(one), type(other)
        if kind is others:
            if kind is int or kind is str or kind is float or kind is bool:
                return bool(compare(one, other))
        elif (kind is int and others is float) or (kind is float and others is int):
            return bool(compare(float(one), float(other)))
        raise Failed

    return ordered


def _fitting(number: int) -> int:
    if INT_MIN <= number <= INT_MAX:
        return number
    raise Failed


def add(one: Any, other: Any) -> Any:
    kind = type(one)
    if kind is type(other):
        if kind is int:
            return _fitting(one + other)
        if kind is float or kind is str or kind is list:
            return one + other
    raise Failed


def _arithmetic(
    integers: Callable[[int, int], int], floats: Callable[[float, float], float] | None
) -> Callable[[Any, Any], Any]:
    def combined(one: Any, other: Any) -> Any:
        kind = type(one)
        if kind is type(other):
            if kind is int:
                return _fitting(integers(one, other))
            if kind is float and floats is not None:
                return floats(one, other)
        raise Failed

    return combined


def _quotient(one: int, other: int) -> int:
    if other == 0:
        raise Failed
    found = abs(one) // abs(other)
    return found if (one < 0) == (other < 0) else -found


def _remainder(one: int, other: int) -> int:
    if other == 0 or (one == INT_MIN and other == -1):
        raise Failed
    found = abs(one) % abs(other)
    return -found if one < 0 else found


def _float_quotient(one: float, other: float) -> float:
    if other:
        return one / other
    if one == 0 or math.isnan(one) or math.isnan(other):
        return math.nan
    return math.copysign(math.inf, one) * math.copysign(1.0, other)


def negative(value: Any) -> Any:
    if type(value) is int:
        return _fitting(-value)
    if type(value) is float:
        return -value
    raise Failed


def opposite(value: Any) -> bool:
    if value is True:
        return False
    if value is False:
        return True
    raise Failed


def member(holder: Any, name: str) -> Any:
    """``holder.name``."""
    if type(holder) is dict:
        found = holder.get(name, _ABSENT)
        if found is not _ABSENT:
            return found
    raise Failed


def has(holder: Any, name: str) -> bool:
    if type(holder) is dict:
        return name in holder
    raise Failed


def item(holder: Any, key: Any) -> Any:
    """``holder[key]``."""
    kind = type(key)
    if type(holder) is dict and kind is str:
        return member(holder, key)
    if type(holder) is list:
        if kind is float and key.is_integer():
            key, kind = int(key), int
        if kind is int and 0 <= key < len(holder):
            return holder[key]
    raise Failed


def contained(value: Any, holder: Any) -> bool:
    """``value in holder``."""
    if type(holder) is list:
        return any(equal(value, one) for one in holder)
    if type(holder) is dict:
        if type(value) is str:
            return value in holder
        if type(value) in (bool, int, float):
            return False
    raise Failed


def size(value: Any) -> int:
    if type(value) in _SIZED:
        return len(value)
    raise Failed


def _on_texts(found: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def asked(one: Any, other: Any) -> bool:
        if type(one) is str and type(other) is str:
            return found(one, other)
        raise Failed

    return asked


def _spelled_by(letters: dict[int, int]) -> Callable[[Any], str]:
    def changed(value: Any) -> str:
        if type(value) is str:
            return value.translate(letters)
        raise Failed

    return changed


def kind_of(value: Any) -> Type:
    found = _TYPE_OF.get(type(value))
    if found is None:
        raise Elsewhere
    return found


def to_int(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and -_EXACT_FLOAT < value < _EXACT_FLOAT:
        return int(value)
    if type(value) is str and _SHORT_INTEGER.fullmatch(value):
        return int(value)
    raise Elsewhere


def to_double(value: Any) -> float:
    if type(value) is int or type(value) is float:
        return float(value)
    raise Elsewhere


def to_string(value: Any) -> str:
    if type(value) is str or type(value) is int:
        return str(value)
    raise Elsewhere


UNARY: Final[dict[str, Callable[[Any], Any]]] = {
    "-_": negative,
    "!_": opposite,
    "size": size,
    "lowerAscii": _spelled_by(_LOWER),
    "upperAscii": _spelled_by(_UPPER),
    "type": kind_of,
    "int": to_int,
    "double": to_double,
    "string": to_string,
    "dyn": lambda value: value,
}
BINARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "_==_": equal,
    "_!=_": unequal,
    "_<_": _ordering(operator.lt),
    "_<=_": _ordering(operator.le),
    "_>_": _ordering(operator.gt),
    "_>=_": _ordering(operator.ge),
    "_+_": add,
    "_-_": _arithmetic(operator.sub, operator.sub),
    "_*_": _arithmetic(operator.mul, operator.mul),
    "_/_": _arithmetic(_quotient, _float_quotient),
    "_%_": _arithmetic(_remainder, None),
    "_[_]": item,
    "@in": contained,
    "contains": _on_texts(lambda text, part: part in text),
    "startsWith": _on_texts(str.startswith),
    "endsWith": _on_texts(str.endswith),
}
