"""The table of fields: what each is called, what it may be compared with, and which words it knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mcpscope.engine.filter.ast import Op


class Type(Enum):
    """What a field holds; the value says so in an error."""

    NAME = "a name"
    WORD = "a word of a fixed list"
    CONTAINS = "text"
    DURATION = "a duration"
    SIZE = "a size"
    INTEGER = "a whole number"
    STATE = "a state"
    TIME = "a time"
    JSON = "a place in a message"


@dataclass(frozen=True, slots=True)
class Field:
    """One field; ``words`` is the closed list of a WORD or STATE field."""

    name: str
    type: Type
    help: str
    words: tuple[str, ...] = ()


KINDS = ("request", "response", "notification", "answer", "malformed", "stderr", "note")
DIRECTIONS = ("c2s", "s2c")
STATUSES = (
    *("ok", "rpc-error", "tool-error", "waiting", "held", "denied", "mock", "dropped", "cancelled", "late"),
    *("input", "task", "malformed", "lost", "noted"),
)


@dataclass(frozen=True, slots=True)
class State:
    """What ``is:WORD`` means: one of ``statuses``, ``flags`` or ``kinds``, or any of the bounds.

    ``dir`` narrows ``kinds``; ``slow_ns`` and ``big_bytes`` are lower bounds of duration and size.
    """

    help: str
    statuses: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    dir: str = ""
    slow_ns: int = 0
    big_bytes: int = 0


SLOW_NS = 1_000_000_000
BIG_BYTES = 1 << 20

STATES = {
    "error": State("an error of the protocol or the tool, or no answer", ("rpc-error", "tool-error", "lost")),
    "ok": State("answered without an error", ("ok", "mock")),
    "held": State("stopped for a person, now or before", ("held",), ("bp",)),
    "edited": State("changed on its way", flags=("edited",)),
    "mocked": State("answered by mcpscope", ("mock",), ("mock",)),
    "denied": State("refused by a rule or a person", ("denied",)),
    "dropped": State("dropped by a person or a rule", ("dropped",)),
    "pending": State("not settled yet", ("waiting", "held", "input", "task")),
    "slow": State("took 1 s or longer", flags=("slow",), slow_ns=SLOW_NS),
    "late": State("answered after it was given up", ("late",)),
    "cancelled": State("cancelled by who asked", ("cancelled",), ("cancel",)),
    "malformed": State("not a JSON-RPC message", ("malformed",)),
    "notification": State("wants no answer", kinds=("notification",)),
    "server-initiated": State("asked by the server", kinds=("request", "notification"), dir="s2c"),
    "binary": State("has an image, sound or other bytes", flags=("img", "audio", "blob")),
    "big": State("1 MB or more", flags=("big",), big_bytes=BIG_BYTES),
    "marked": State("marked by a person", flags=("*",)),
    "replayed": State("sent by a replay", flags=("replay",)),
    "noted": State("has a note", ("noted",), ("note",)),
    "proxy": State("said by mcpscope itself", kinds=("note",)),
}

_ALL = (
    Field("method", Type.NAME, "the JSON-RPC method"),
    Field("tool", Type.NAME, "the tool that is called"),
    Field("name", Type.NAME, "the tool, prompt or other name"),
    Field("uri", Type.NAME, "the resource"),
    Field("session", Type.NAME, "the session's number, name or label"),
    Field("client", Type.NAME, "the client's name"),
    Field("server", Type.NAME, "the server's name or label"),
    Field("id", Type.NAME, "the JSON-RPC id"),
    Field("rule", Type.NAME, "the rule that acted"),
    Field("dir", Type.WORD, "c2s or s2c", DIRECTIONS),
    Field("kind", Type.WORD, "what kind of exchange or message", KINDS),
    Field("status", Type.WORD, "the status word", STATUSES),
    Field("is", Type.STATE, "a state", tuple(STATES)),
    Field("text", Type.CONTAINS, "the text of the messages"),
    Field("note", Type.CONTAINS, "the text of notes"),
    Field("mime", Type.CONTAINS, "a MIME type in the messages"),
    Field("dur", Type.DURATION, "from request to answer"),
    Field("wait", Type.DURATION, "how long it was held"),
    Field("size", Type.SIZE, "request and answer together"),
    Field("req", Type.SIZE, "the request's size"),
    Field("res", Type.SIZE, "the answer's size"),
    Field("code", Type.INTEGER, "the JSON-RPC error code"),
    Field("seq", Type.INTEGER, "the number of the exchange"),
    Field("since", Type.TIME, "at or after"),
    Field("before", Type.TIME, "before"),
    Field("after", Type.TIME, "after"),
    Field("args", Type.JSON, "the arguments of the call"),
    Field("params", Type.JSON, "the request's params"),
    Field("result", Type.JSON, "the answer's result"),
    Field("error", Type.JSON, "the answer's error"),
    Field("meta", Type.JSON, "_meta of params or result"),
    Field("raw", Type.JSON, "the whole message"),
)
FIELDS = {field.name: field for field in _ALL}

# Accepted spellings of other tools.
ALIASES = {"duration": "dur", "larger-than": "size"}

# Not accepted, but what is meant is known.
SYNONYMS = {
    "type": "kind",
    "direction": "dir",
    "time": "since",
    "elapsed": "dur",
    "took": "dur",
    "latency": "dur",
    "resource": "uri",
    "url": "uri",
    "prompt": "name",
    "arg": "args",
    "arguments": "args",
    "argument": "args",
    "param": "params",
    "response": "result",
    "request": "params",
    "body": "raw",
    "message": "text",
    "content": "text",
    "contains": "text",
    "state": "is",
    "until": "before",
    "host": "server",
    "err": "error",
    "mimetype": "mime",
}

# mitmproxy's operators; here ~ begins a regular expression.
TILDE_OPERATORS = {
    "a": "mime:", "b": "text:", "c": "code:", "d": "server:", "e": "is:error", "h": "meta.", "m": "method:",
    "q": "is:pending", "s": "kind:response", "t": "mime:", "u": "uri:",
}  # fmt: skip

_ORDER = frozenset({Op.GREATER, Op.GREATER_EQUAL, Op.LESS, Op.LESS_EQUAL})
_EXACT = frozenset({Op.MATCH, Op.EQUAL, Op.NOT_EQUAL})

OPERATORS = {
    Type.NAME: _EXACT | {Op.REGEX},
    Type.WORD: _EXACT,
    Type.CONTAINS: frozenset({Op.MATCH, Op.REGEX}),
    Type.DURATION: _EXACT | _ORDER,
    Type.SIZE: _EXACT | _ORDER,
    Type.INTEGER: _EXACT | _ORDER,
    Type.STATE: _EXACT,
    Type.TIME: frozenset({Op.MATCH}),
    Type.JSON: _EXACT | _ORDER | {Op.REGEX},
}

EXAMPLES = {
    Type.NAME: "search*",
    Type.CONTAINS: '"some words"',
    Type.DURATION: "500ms, 2s or 1m",
    Type.SIZE: "500, 10k or 2mb",
    Type.INTEGER: "42",
    Type.TIME: "10m, 12:04 or 2026-11-22",
    Type.JSON: "value",
}
