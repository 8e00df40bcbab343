"""The short way of a client's calls that nothing can touch, and of their answers: one look each.

Whoever runs an engine may ask here first, with the bytes of a message as they came::

    if engine.plain_calls.asks(raw, at): ...      # of the client;  ``answers`` of the server

True says that the message passes as it is (a ``Forward`` that is ``plain``); it has been seen then. False
says nothing: the message goes to ``engine.handle``, as each may that could have come here. What passed here
comes into the engine's memory when that is needed, in the order in which it was said.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson

from mcpscope.engine.certainty import has_one_spelling, member_count
from mcpscope.engine.completion import COMPLETE
from mcpscope.engine.rule import Phase
from mcpscope.engine.steering import certain
from mcpscope.protocol.message import Direction, Kind
from mcpscope.protocol.methods import Method
from mcpscope.protocol.parsing import is_plain_asking, parse

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

MAX_BYTES: Final = 32 << 10
"""Longer messages take the usual way: those that passed are kept for a while."""
MAX_OPEN: Final = 256
MAX_DONE: Final = 32
"""As many calls with their answers are kept as the engine remembers of those that are over."""
MAX_PAST: Final = 256
MAX_WAYS: Final = 2048
MAX_LETTERS: Final = 256

_CALL: Final = Method.TOOLS_CALL.value
_METHODS: Final = frozenset({_CALL, Method.PROMPTS_GET.value})
_ENVELOPE: Final = ("jsonrpc", "id", "method", "params")
_PARAMS: Final = ("name", "arguments", "_meta")
_CR: Final = 0x0D
_FRAME: Final = len(_ENVELOPE)
_TO_SERVER: Final = Direction.TO_SERVER
_TO_CLIENT: Final = Direction.TO_CLIENT
_TELLING: Final = frozenset({"_meta", "inputRequests", "resultType", "task"})

# What becomes of a call and of its answer.
_LOOKED_AT: Final = 0
_ANSWER_LOOKED_AT: Final = 1
_ANSWER_READ: Final = 2
_PASSES: Final = 3

Id = int | str
Asked = tuple[int, bytes, str, str, int]
"""When a call passed, its bytes, method and name, and what becomes of its answer."""


class PlainCalls:
    """Those of the one session of ``engine``, on a pipe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._steering = engine.steering
        self._stale = True
        self._version = -1
        self._open = False
        self._strict = False
        self._readable = False
        self._limit = MAX_BYTES
        self._ways: dict[tuple[str, str], int] = {}
        self._asked: dict[Id, Asked] = {}
        self._done: deque[tuple[Id, Asked, int, bytes]] = deque()
        self._past: list[tuple[int, Id]] = []

    def __repr__(self) -> str:
        state = "stale" if self._stale else "open" if self._open else "closed"
        return f"<PlainCalls {state} asked={len(self._asked)} done={len(self._done)}>"

    def asks(self, raw: bytes, at: int) -> bool:
        """Whether ``raw``, which the client says, is a call that passes."""
        if self._stale or self._version != self._steering.version:
            self._look()
        if not self._open or len(raw) > self._limit or len(self._asked) >= MAX_OPEN:
            return False
        body = _body(raw, 4)
        if body is None:
            return False
        method, id, params = body.get("method"), body["id"], body.get("params")
        if type(method) is not str or type(params) is not dict or id in self._asked:
            return False
        name = params.get("name")
        if type(name) is not str:
            return False
        way = self._ways.get((method, name))
        if way is None:
            way = self._way(method, name)
        if way == _LOOKED_AT or not self._is_usual(raw, body, params):
            return False
        self._asked[id] = (at, raw, method, name, way)
        return True

    def answers(self, raw: bytes, at: int) -> bool:
        """Whether ``raw``, which the server says, answers such a call and passes."""
        if self._stale or self._version != self._steering.version:
            self._look()
        if not self._open or not self._asked or len(raw) > self._limit:
            return False
        body = _body(raw, 3)
        if body is None:
            return False
        asked, result = self._asked.get(body["id"]), body.get("result")
        if asked is None or asked[4] == _ANSWER_LOOKED_AT or type(result) is not dict:
            return False
        if not _TELLING.isdisjoint(result) and self._tells(result):
            return False
        if asked[4] == _ANSWER_READ and not self._is_read(raw, body):
            return False
        if result.get("isError") is not True:
            self._steering.remember_good(asked[2], asked[3], raw)
        self._answered(body["id"], at, raw)
        return True

    def join(self) -> None:
        """Let the engine's memory know of all that passed here, and look anew before more does."""
        self._stale = True
        if not self._asked and not self._done:
            return
        self._let_go()
        said = [(asked[0], asked[1], _TO_SERVER, True) for asked in self._asked.values()]
        for _, asked, at, raw in self._done:
            said += ((asked[0], asked[1], _TO_SERVER, False), (at, raw, _TO_CLIENT, False))
        self.forget()
        engine = self._engine
        for at, raw, direction, is_open in sorted(said):
            message = parse(raw)
            exchange = engine.memory.observe(message, at, direction)
            if is_open and exchange is not None:
                engine.asked.put(exchange.id, message)

    def _let_go(self) -> None:
        """Of older calls nothing is remembered but their ids, in the order in which they were used."""
        used = self._engine.memory.exchanges.used
        for _, id in sorted(self._past):
            used(id, _TO_SERVER)
        self._past.clear()

    def forget(self) -> None:
        """What passed here is known to the engine from elsewhere."""
        self._stale = True
        self._asked.clear()
        self._done.clear()
        self._past.clear()

    def _answered(self, id: Id, at: int, raw: bytes) -> None:
        """Keep the last calls with their answers, and what those before them were called."""
        done = self._done
        done.append((id, self._asked.pop(id), at, raw))
        if len(done) > MAX_DONE:
            id, asked, _, _ = done.popleft()
            self._past.append((asked[0], id))
            if len(self._past) >= MAX_PAST:
                self._let_go()

    def _look(self) -> None:
        """See how things stand with rules and engine: between two looks neither changes."""
        engine, steering = self._engine, self._steering
        if self._version != steering.version:
            self._ways.clear()
            self._version = steering.version
            self._limit = min(MAX_BYTES, steering.max_message)
            self._strict = steering.strict is not None
            ruled = steering.rules.ruled
            self._readable = not self._strict or (
                steering.strict is certain
                and ruled.has_plain_names(_ENVELOPE)
                and ruled.has_plain_names(_PARAMS)
            )
            self.join()  # the answer to what passed before is judged by the rules of now
        self._open = self._readable and engine.calm and not steering.freeze and not engine.view.touched
        self._stale = False

    def _way(self, method: str, name: str) -> int:
        """What becomes of a call of ``name`` and of its answer, for as long as the rules stay."""
        found = self._find_way(method, name)
        if len(self._ways) >= MAX_WAYS:
            self._ways.clear()
        if len(name) <= MAX_LETTERS:
            self._ways[method, name] = found
        return found

    def _find_way(self, method: str, name: str) -> int:
        rules = self._steering.rules
        tool = name if method == _CALL else ""
        if method not in _METHODS or rules.candidates((Phase.REQUEST, _TO_SERVER, method, tool)):
            return _LOOKED_AT
        if self._strict and (name != name.strip() or rules.ruled.alike(name) or rules.ruled.alike(method)):
            return _LOOKED_AT
        if rules.candidates((Phase.ANSWER, _TO_SERVER, method, tool)):
            return _ANSWER_LOOKED_AT
        return _ANSWER_READ if self._strict and self._steering.reads(_TO_CLIENT, method) else _PASSES

    def _is_usual(self, raw: bytes, body: dict[str, Any], params: dict[str, Any]) -> bool:
        """Whether ``params`` are a name and arguments, and of a client known by now; and in one reading."""
        more = len(params) - 1
        if type(params.get("arguments")) is dict:
            more -= 1
        if more:
            meta = params.get("_meta")
            if more != 1 or type(meta) is not dict or not self._engine.memory.identity.knows_client(meta):
                return False
        if self._strict:
            # What stands at the ends of a text matters only to rules that look at it, and there are none.
            count = _FRAME + len(params) + member_count(params.values(), self._steering.rules.ruled)
            return has_one_spelling(raw) and count == raw.count(b'":')
        clean = is_plain_asking(raw, body, Kind.REQUEST, body["id"]) and _CR not in raw
        return clean or not parse(raw).problems

    def _is_read(self, raw: bytes, body: dict[str, Any]) -> bool:
        return has_one_spelling(raw) and member_count(body, self._steering.rules.ruled) == raw.count(b'":')

    def _tells(self, result: dict[str, Any]) -> bool:
        """Whether a result asks for input, makes a task, or tells who the server is for the first time."""
        if "inputRequests" in result or "task" in result or result.get("resultType", COMPLETE) != COMPLETE:
            return True
        return "_meta" in result and not self._engine.memory.identity.knows_server(result["_meta"])


def _body(raw: bytes, members: int) -> dict[str, Any] | None:
    """What ``raw`` is where it is an object of so many members, of this version and with a usual id."""
    try:
        body = orjson.loads(raw)
    except (orjson.JSONDecodeError, RecursionError):
        return None
    if type(body) is not dict or len(body) != members or body.get("jsonrpc") != "2.0":
        return None
    id = body.get("id")
    return body if type(id) is int or type(id) is str else None
