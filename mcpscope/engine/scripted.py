"""What a reader written in JavaScript sees: all numbers are doubles, and objects have prototypes."""

from __future__ import annotations

import math
import re
from typing import Any, Final

MOST_EXACT: Final = 1 << 53
PROTO: Final = "__proto__"

_WIDE: Final = re.compile(rb"(?<![.0-9])[0-9]{16}")
_FIFTH_DIGITS: Final = b"000"
_DIGITS_AS_ZERO: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))


def double(number: int) -> float:
    """The double that is nearest to ``number``."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def may_differ(raw: bytes) -> bool:
    """Whether ``raw``, which has no escapes, may say something else in JavaScript; a quick look.

    Of sixteen digits in a row every fifth is looked at three times.
    """
    # ``find``, for ``in`` raises and catches an error before it looks for bytes.
    wide = raw[::5].translate(_DIGITS_AS_ZERO).find(_FIFTH_DIGITS) >= 0 and _WIDE.search(raw) is not None
    return wide or raw.find(b"__proto__") >= 0


def in_script(value: Any) -> Any:
    """``value`` with integers as doubles hold them and inherited members beside own; itself if none differ.

    What is copied member by member takes a member ``__proto__`` for its prototype.
    """
    kind = type(value)
    if kind is int:
        return value if -MOST_EXACT <= value <= MOST_EXACT else double(value)
    if kind is list:
        items = [in_script(item) for item in value]
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if kind is not dict:
        return value
    changed = {name: in_script(item) for name, item in value.items()}
    inherited = changed.get(PROTO)
    if type(inherited) is dict:
        del changed[PROTO]
        return {**inherited, **changed}
    return value if all(changed[name] is item for name, item in value.items()) else changed
