"""Places in a JSON document: how they are written, and the masks that name many of them at once."""

from __future__ import annotations

import re

from mcpscope.errors import Exit, ScopeError

Path = tuple[str | int, ...]

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
    """A JSONPath of names, indexes, ``*`` and ``..name``; matches a place and everything below it."""

    def __init__(self, text: str) -> None:
        """Raises ScopeError (``bad_mask``) that names the place where the text stops making sense."""
        self.text = text
        self._steps = _parse(text)

    def __repr__(self) -> str:
        return f"Mask({self.text!r})"

    def matches(self, path: Path) -> bool:
        return _match(self._steps, path)


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
