"""Places in a JSON document: how they are written, and the masks that name many of them at once."""

from __future__ import annotations

import re
from typing import Any

from mcpscope.errors import Exit, ScopeError

Path = tuple[str | int, ...]
ASKED = "← "
"""What stands before the method in the label of a server's own request."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_STEP = re.compile(
    r"""(?P<deep>\.\.)(?P<deepname>\*|[A-Za-z_][A-Za-z0-9_/-]*)
      | \.(?P<name>\*|[A-Za-z_][A-Za-z0-9_/-]*)
      | \[(?:(?P<index>\d+)|(?P<star>\*)|"(?P<quoted>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)')\]""",
    re.VERBOSE,
)
_INDEX = re.compile(r"\[\d+\]")
_ESCAPED = re.compile(r"\\(.)")


def show(path: Path) -> str:
    """``("result", "content", 0, "a b")`` as ``$.result.content[0]["a b"]``."""
    out = ["$"]
    for step in path:
        if isinstance(step, int):
            out.append(f"[{step}]")
        elif _PLAIN.fullmatch(step):
            out.append(f".{step}")
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'["{quoted}"]')
    return "".join(out)


class Mask:
    """A JSONPath of names, indexes, ``*`` and ``..name``; matches a place and everything below it.

    ``TOOL:PATH`` holds for one tool (or method) only. ``PATH~REGEX`` hides no more than what the expression
    matches in the texts there, ``PATH~`` what varies in most texts: numbers, hashes, dates.
    """

    def __init__(self, text: str) -> None:
        """Raises ScopeError (``bad_mask``) that names the place where the text stops making sense."""
        self.text = text
        label, colon, rest = text.partition(":$")
        self.label = label if colon else ""
        path, tilde, pattern = ("$" + rest if colon else text).partition("~")
        self._steps = _parse(path)
        self._pattern = _compiled(pattern) if tilde else None

    def __repr__(self) -> str:
        return f"Mask({self.text!r})"

    def is_for(self, label: str) -> bool:
        """Whether it holds for the tool or method called ``label``; a server's own begins with an arrow."""
        return not self.label or self.label == label.removeprefix(ASKED)

    def matches(self, path: Path) -> bool:
        return _match(self._steps, path)

    def hides(self, path: Path, was: Any, now: Any) -> bool:
        """Whether a difference at ``path`` between two values is one that shall not count."""
        if not self.matches(path):
            return False
        if self._pattern is None:
            return True
        if not isinstance(was, str) or not isinstance(now, str):
            return self._pattern is _VARYING and type(was) is type(now) and isinstance(was, int | float)
        return self._pattern.sub("\0", was) == self._pattern.sub("\0", now)


# Hashes and UUIDs, numbers with their signs and separators, names of days and months.
_VARYING = re.compile(
    r"\b[0-9a-fA-F]{7,}(?:-[0-9a-fA-F]{4,})*\b|[+-]?\d[\d:.,_/-]*"
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
)


def _compiled(pattern: str) -> re.Pattern[str]:
    if not pattern:
        return _VARYING
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ScopeError(
            f"the mask's expression {pattern!r} is not a regular expression: {error}",
            code="bad_mask",
            exit=Exit.USAGE,
            hint="PATH~ alone hides numbers, hashes and dates",
        ) from None


Step = tuple[str, str | int]  # ("name", x) | ("index", n) | ("any", "") | ("deep", x)


def _parse(text: str) -> tuple[Step, ...]:
    body = text.strip()
    start = 1 if body.startswith("$") else 0
    if not start and not body.startswith((".", "[")):
        body = "." + body
    steps: list[Step] = []
    at = start
    while at < len(body):
        found = _STEP.match(body, at)
        if found is None:
            raise ScopeError(
                f"the mask {text!r} makes no sense at {body[at:]!r}",
                code="bad_mask",
                exit=Exit.USAGE,
                hint='write it like $.result.structuredContent.entries[*].mtime or $..id or $.a["b c"]',
            )
        steps.append(_step(found))
        at = found.end()
    if not steps:
        raise ScopeError(
            "a mask of the whole answer would hide every difference",
            code="bad_mask",
            exit=Exit.USAGE,
            hint="name a place below it, such as $.result.content",
        )
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    if found["deep"]:
        return ("deep", found["deepname"])
    if found["index"] is not None:
        return ("index", int(found["index"]))
    name = found["name"]
    if found["star"] or name == "*":
        return ("any", "")
    if name is not None:
        return ("name", name)
    quoted = found["quoted"] if found["quoted"] is not None else found["single"]
    return ("name", _ESCAPED.sub(r"\1", quoted))


def _match(steps: tuple[Step, ...], path: Path) -> bool:
    if not steps:
        return True
    kind, want = steps[0]
    if kind == "deep":
        return any(
            (want == "*" or path[i] == want) and _match(steps[1:], path[i + 1 :]) for i in range(len(path))
        )
    if not path:
        return False
    return (kind == "any" or path[0] == want) and _match(steps[1:], path[1:])


def generalise(path: Path) -> str:
    """The mask that hides ``path`` and the same field of its siblings: indexes become ``[*]``."""
    return _INDEX.sub("[*]", show(path))
