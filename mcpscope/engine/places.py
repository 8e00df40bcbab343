"""Where secrets stand in messages: the places that a policy names, found in a message's bytes.

``$.params.arguments.password`` names a place in the whole message, ``login:$.result.token`` one in the calls
and answers of tools called ``login`` (a glob), ``args.password`` and ``result.token`` are short for the
first, ``header:x-api-key`` a field of an HTTP head, and a bare word a member of that name anywhere, in
whatever case it is spelled. Names may be globs; ``..name`` looks at every depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from fnmatch import translate

from mcpscope.engine.place_walk import Found, Place, Step, Walk

_HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]+)", re.IGNORECASE)
_SHORT = re.compile(r"(args|params|result|error)((?:\.|\[).+)")
_SHORTS = {"args": "$.params.arguments", "params": "$.params", "result": "$.result", "error": "$.error"}
_KEY = re.compile(r"[\w.*-]+")
_STEP = re.compile(
    r'(?P<deep>\.\.)?(?:(?<!\.)\.)?(?P<name>[\w*?-]+)|\[(?:(?P<index>\d+)|(?P<star>\*)|"(?P<quoted>[^"]*)")\]'
)
_LITERAL = re.compile(r"[^*?]+")


class BadPlace(ValueError):
    """The text names no place."""


class Places:
    """All places of a policy. ``shown`` gives what stands in the place of a value."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        """Raises BadPlace."""
        read = [read_place(text) for text in texts]
        self.headers = frozenset(item for item in read if isinstance(item, str))
        self._places = tuple(item for item in read if isinstance(item, Place))
        self.scoped = any(place.tool is not None for place in self._places)
        hints = [place.hint for place in self._places]
        self._hint = (
            re.compile("|".join(map(re.escape, hints)).encode() + rb"|\\u", re.IGNORECASE)
            if hints and all(hints)
            else None
        )

    def __repr__(self) -> str:
        return f"<Places {len(self._places)} headers={sorted(self.headers)}>"

    def __bool__(self) -> bool:
        return bool(self._places)

    def is_hidden_header(self, name: str) -> bool:
        """Whether a field of an HTTP head is named, or may repeat what stands at a place of the body."""
        lower = name.lower()
        if lower in self.headers:
            return True
        if not self._places:
            return False
        if lower == "mcp-name":
            return any(place.steps[-1].fits("name") or place.steps[-1].fits("uri") for place in self._places)
        return lower.startswith("mcp-param-")

    def find(self, raw: bytes, tools: Collection[str] | None, shown: Callable[[str], str]) -> Found:
        """Everything at the places in ``raw``, valid JSON. ``tools`` are those it may concern (None: all)."""
        found = Found()
        if self._hint is not None and not self._hint.search(raw):
            return found
        states = tuple(
            (place, 0)
            for place in self._places
            if place.tool is None or tools is None or any(place.tool.fullmatch(tool) for tool in tools)
        )
        if states:
            Walk(raw, states, shown, found).run()
        return found


def read_place(text: str) -> Place | str:
    """A place, or the lower-case name of a header; raises BadPlace."""
    header = _HEADER.fullmatch(text)
    if header:
        return header[1].lower()
    short = _SHORT.fullmatch(text)
    if short:
        return _path(_SHORTS[short[1]] + short[2], None)
    tool, dollar, path = text.partition("$")
    if dollar:
        if tool and not tool.endswith(":"):
            raise BadPlace("a tool's name ends in a colon before the $")
        return _path("$" + path, re.compile(translate(tool[:-1])) if tool else None)
    if not _KEY.fullmatch(text):
        raise BadPlace("it is header:NAME, a path such as $.params.arguments.password, or a key")
    literal = max(_LITERAL.findall(text), key=len, default="")
    name = re.compile(translate(text), re.IGNORECASE)
    return Place((Step(name, deep=True),), None, literal)


def _path(text: str, tool: re.Pattern[str] | None) -> Place:
    steps: list[Step] = []
    at, hint = 1, ""
    while at < len(text):
        found = _STEP.match(text, at)
        if not found or (text[at] not in ".["):
            raise BadPlace(f"{text[at:]!r} is no step of a path")
        at = found.end()
        deep = found["deep"] is not None
        if found["index"] is not None:
            steps.append(Step(index=int(found["index"])))
            continue
        if found["star"] is not None:
            steps.append(Step())
            continue
        name = found["name"] if found["quoted"] is None else found["quoted"]
        if found["quoted"] is None and name == "*":
            steps.append(Step(deep=deep))
            continue
        is_glob = found["quoted"] is None and ("*" in name or "?" in name)
        steps.append(Step(re.compile(translate(name)) if is_glob else name, deep=deep))
        hint = max(_LITERAL.findall(name), key=len, default="") if is_glob else name
        hint = "" if json.dumps(hint)[1:-1] != hint else hint
    if not steps:
        raise BadPlace("$ alone is the whole message")
    return Place(tuple(steps), tool, hint)
