"""What the command line says, read: texts, lists, pairs, times and sizes, and the refusal of what is none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mcpscope.cli.options import Values

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Refused(Exception):
    """Why nothing is run: message, hint, the stable word for --json and the exit code."""

    def __init__(self, message: str, hint: str = "", code: str = "usage", exit: int = 2) -> None:
        super().__init__(message, hint, code, exit)


def text_of(values: Values, name: str) -> str | None:
    found = values.get(name)
    return found if isinstance(found, str) and found else None


def list_of(values: Values, name: str) -> list[str]:
    found = values.get(name)
    return list(found) if isinstance(found, list | tuple) else []


def pairs_of(values: Values, name: str) -> dict[str, str]:
    """The values of an option that takes ``NAME=TEXT``."""
    found: dict[str, str] = {}
    for pair in list_of(values, name):
        left, equals, right = pair.partition("=")
        if not left or not equals or not right:
            raise Refused(f"--{name} takes NAME=TEXT, not {pair!r}")
        if left in found:
            raise Refused(f"--{name} names {left} twice: {found[left]!r} and {right!r}")
        found[left] = right
    return found


def seconds_of(text: str | None) -> float:
    """Seconds of a time such as ``60s``, ``500ms`` or ``2m``; 0 for none."""
    if text is None:
        return 0.0
    number = text.rstrip("hms")
    unit = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}.get(text[len(number) :])
    if unit is None or not number.replace(".", "", 1).isdecimal() or float(number) == 0:
        raise Refused(f"--client-timeout takes a time such as 60s, 500ms or 2m, not {text!r}")
    return float(number) * unit


def size_of(values: Values, name: str) -> int:
    """Bytes of a size such as ``64K`` or ``1MiB``; 0 for none."""
    text = text_of(values, name)
    if text is None:
        return 0
    number = text.upper().removesuffix("B").removesuffix("I")
    unit = number[-1:] if number[-1:] in _UNITS else ""
    digits = number.removesuffix(unit) if unit else number
    if not digits.isdecimal() or int(digits) == 0:
        raise Refused(f"--{name.replace('_', '-')} takes a size such as 64K or 1M, not {text!r}")
    return int(digits) * _UNITS[unit]
