"""One session from its first message to its last: everything that can be found wrong with it."""

from __future__ import annotations

import json
from typing import Any, Final

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.exchange import Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Identity
from mcpscope.engine.schema_check import SchemaChecks
from mcpscope.lint.definitions import of_definitions
from mcpscope.lint.finding import Finding
from mcpscope.lint.wire import Standing, of_headers, of_message, of_result
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import LISTS, Method
from mcpscope.protocol.problems import Problem

_OF_FLAG: Final = {
    Flag.ORPHAN: ("orphan-answer", "unasked-progress", "bad-cancel"),
    Flag.DUPLICATE: ("duplicate-answer",),
    Flag.ID_TYPE: ("id-type",),
    Flag.ID_LIVE: ("reused-id",),
    Flag.ID_REUSED: ("reused-id",),
    Flag.PROGRESS_BACK: ("falling-progress",),
    Flag.LATE_PROGRESS: ("late-progress",),
}
_NO_ID: Final = (Problem.NULL_ID, Problem.MISSING_ID, Problem.BAD_ID)
_KINDS: Final = {
    Method.TOOLS_LIST: "tool",
    Method.PROMPTS_LIST: "prompt",
    Method.RESOURCES_LIST: "resource",
    Method.TEMPLATES_LIST: "template",
}


class Linter:
    """``observe`` every message in its order, then ``end``; ``findings`` are in the order they were made."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self._exchanges = Exchanges(summaries=False)
        self._identity = Identity()
        self._catalog = Catalog()
        self._checks = SchemaChecks()
        self._standing = Standing()
        self._flags: dict[int, str] = {}
        self._listed: dict[str, list[dict[str, Any]]] = {}
        self._listed_at: dict[str, int] = {}
        self._calls: list[tuple[str, Message, int]] = []
        self._asked: dict[int, Message] = {}
        self._whole = False

    def __repr__(self) -> str:
        return f"<Linter {len(self.findings)} findings>"

    def observe(
        self,
        message: Message,
        *,
        id: int,
        at: int,
        direction: Direction,
        stream: int = 0,
        headers: list[tuple[str, str]] | None = None,
    ) -> None:
        """Take in one message. ``id`` rises, ``at`` is unix ns, ``headers`` are those of its POST."""
        side = "client" if direction is Direction.TO_SERVER else "server"
        changed = self._exchanges.observe(message, seq=id, at=at, direction=direction, stream=stream)
        for part in (message, *message.items):
            for code, text in of_message(part, direction, self._standing):
                self._add(code, side, text, part.method, id)
        for exchange in changed:
            self._of_flags(exchange, side, id)
        if not changed:
            return
        if headers is not None and message.method:
            for code, text in of_headers(message, headers, self._standing, self._schema(changed[0])):
                self._add(code, side, text, message.method, id)
        self._remember(changed[0], message, side, id, at)

    def _remember(self, exchange: Exchange, message: Message, side: str, id: int, at: int) -> None:
        if message.kind is Kind.REQUEST:
            self._identity.observe(exchange, message)
            self._asked[exchange.id] = message
            if message.method == Method.TOOLS_CALL:
                self._calls.append((exchange.tool, message, id))
        elif message.kind is Kind.RESULT and exchange.kind is ExchangeKind.REQUEST:
            self._of_answer(exchange, message, side, id, at)
        elif message.method == Method.INITIALIZED:
            self._standing.initialized = True
        self._agree()

    def end(self, at: int, *, complete: bool = True) -> list[Finding]:
        """The session is over; ``complete`` False leaves out what an end would still have brought."""
        for exchange in self._exchanges.end(at):
            if complete and exchange.status is Status.LOST and _wants_answer(exchange):
                fault = "server" if exchange.dir is Direction.TO_SERVER else "client"
                self._add(
                    "no-answer",
                    fault,
                    f"{exchange.method} {exchange.name}".strip(),
                    exchange.method,
                    exchange.id,
                )
        for kind, items in self._listed.items():
            self.findings += of_definitions(kind, items, self._listed_at[kind])
        known = {str(item.get("name")) for item in self._listed.get("tool", [])}
        for tool, message, id in self._calls:
            if known and tool not in known:
                self._add("unknown-tool", "client", tool, tool, id)
            elif (schema := self._catalog.input_schema(tool)) is not None:
                arguments = message.params.get("arguments", {})
                for text in self._checks.check(f"in {tool}", schema, arguments):
                    self._add("bad-arguments", "client", text, tool, id)
        return self.findings

    def _of_answer(self, exchange: Exchange, message: Message, side: str, id: int, at: int) -> None:
        for code, text in of_result(exchange.method, message.result):
            self._add(code, side, text, exchange.tool or exchange.method, id)
        self._identity.observe(exchange, message)
        self._catalog.observe(exchange, message, at)
        result = message.result
        if (
            exchange.method in LISTS
            and type(result) is dict
            and type(result.get(LISTS[exchange.method])) is list
        ):
            kind = _KINDS[Method(exchange.method)]
            items = [item for item in result[LISTS[exchange.method]] if type(item) is dict]
            asked = self._asked.get(exchange.id)
            first = asked is None or "cursor" not in asked.params
            self._listed[kind] = items if first else [*self._listed.get(kind, []), *items]
            self._listed_at[kind] = id
        if exchange.method == Method.TOOLS_CALL and type(result) is dict:
            self._of_structured(exchange.tool, result, side, id)

    def _schema(self, exchange: Exchange) -> dict[str, Any] | None:
        return self._catalog.input_schema(exchange.tool) if exchange.tool else None

    def _of_structured(self, tool: str, result: dict[str, Any], side: str, id: int) -> None:
        schema = self._catalog.output_schema(tool)
        if (
            schema is None
            or result.get("isError") is True
            or result.get("resultType", "complete") != "complete"
        ):
            return
        if "task" in result:
            return
        if "structuredContent" not in result:
            self._add("bad-structured", side, "structuredContent is missing", tool, id)
            return
        for text in self._checks.check(f"out {tool}", schema, result["structuredContent"]):
            self._add("bad-structured", side, text, tool, id)

    def _of_flags(self, exchange: Exchange, side: str, id: int) -> None:
        before = self._flags.get(exchange.id, "").split(" ")
        for word in exchange.flags.split(" "):
            if word and word not in before and word in _OF_FLAG:
                codes = _OF_FLAG[Flag(word)]
                code = codes[0]
                if word == Flag.ORPHAN and exchange.kind is ExchangeKind.NOTIFICATION:
                    code = codes[1] if exchange.method == Method.PROGRESS else codes[2]
                self._add(code, side, f"{exchange.method} {exchange.rpc_id}".strip(), exchange.method, id)
        if exchange.status is Status.LATE and "late" not in before:
            self._add("late-answer", side, exchange.method, exchange.method, id)
            self._flags[exchange.id] = f"{exchange.flags} late"
        else:
            self._flags[exchange.id] = " ".join({*exchange.flags.split(" "), *({"late"} & set(before))})

    def _agree(self) -> None:
        """Take over what the two have told each other."""
        facts, standing = self._identity.facts, self._standing
        standing.revision = facts.revision
        standing.client, standing.server = (
            json.loads(facts.client_capabilities),
            json.loads(facts.server_capabilities),
        )
        standing.known = bool(facts.revision and facts.server_capabilities != "{}")

    def _add(self, code: str, side: str, text: str, about: str, message: int) -> None:
        self.findings.append(Finding(code, side, text, about, message))


def _wants_answer(exchange: Exchange) -> bool:
    """A subscription lasts as long as the session, and a request whose id cannot be used gets no answer."""
    return exchange.method != Method.LISTEN and not any(exchange.has_flag(word) for word in _NO_ID)
