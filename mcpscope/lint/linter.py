"""One session from its first message to its last: everything that can be found wrong with it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from mcpscope.engine.catalog import Catalog
from mcpscope.engine.exchange import Exchange, ExchangeKind, Flag, Status
from mcpscope.engine.exchanges import Exchanges
from mcpscope.engine.identity import Identity
from mcpscope.engine.schema_check import SchemaChecks
from mcpscope.lint.definitions import hidden_in, of_definitions
from mcpscope.lint.finding import Finding
from mcpscope.lint.wire import Standing, of_headers, of_message, of_refusal, of_result
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

MAX_UNCHECKED = 10_000
"""Calls that wait for a list of tools; of more than these only what is wrong with their messages is found."""


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
        self._of_lists: dict[str, list[Finding]] = {}
        self._tools: set[str] = set()
        self._unchecked: list[tuple[str, Any, int, int]] = []
        self._paged: dict[int, str] = {}
        self._cursors: dict[str, set[str]] = {}
        self._endless: set[str] = set()
        self._exchange = 0

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
        self._exchange = changed[0].id if changed else id
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
            if message.method in LISTS and "cursor" in message.params:
                self._paged[exchange.id] = str(message.params["cursor"])
            if message.method == Method.TOOLS_CALL:
                self._of_call(exchange.tool, message.params.get("arguments", {}), id)
        elif message.kind is Kind.RESULT and exchange.kind is ExchangeKind.REQUEST:
            self._of_answer(exchange, message, side, id, at)
        elif message.kind is Kind.ERROR and exchange.dir is Direction.TO_SERVER:
            for code, text in of_refusal(exchange.method, message.error, self._standing):
                self._add(code, side, text, exchange.method, id)
        elif message.method == Method.INITIALIZED:
            self._standing.initialized = True
        self._agree()

    def so_far(self) -> list[Finding]:
        """What is found up to now, and what of it would stay if nothing more were said."""
        found = [*self.findings, *(one for items in self._of_lists.values() for one in items)]
        for tool, _, id, exchange in self._unchecked if self._tools else ():
            found.append(Finding("unknown-tool", "client", tool, tool, id, exchange))
        return found

    def end(self, at: int, *, complete: bool = True) -> list[Finding]:
        """The session is over; ``complete`` False leaves out what an end would still have brought."""
        for exchange in self._exchanges.end(at):
            if complete and exchange.status is Status.LOST and _wants_answer(exchange):
                fault = "server" if exchange.dir is Direction.TO_SERVER else "client"
                about = f"{exchange.method} {exchange.name}".strip()
                self._exchange = exchange.id
                self._add("no-answer", fault, about, exchange.method, exchange.id)
        self.findings = self.so_far()
        return self.findings

    def _of_call(self, tool: str, arguments: Any, id: int) -> None:
        """Arguments against what was listed; a call of what is not listed waits for a list."""
        if tool not in self._tools:
            if len(self._unchecked) < MAX_UNCHECKED:
                self._unchecked.append((tool, arguments, id, self._exchange))
            return
        schema, key = self._catalog.input_schema(tool), self._version(tool)
        for text in self._checks.check(f"in {key}", schema, arguments) if schema is not None else ():
            self._add("bad-arguments", "client", text, tool, id)

    def _version(self, tool: str) -> str:
        """A name for the definition that the tool has now."""
        found = self._catalog.tool(tool)
        return found.digest if found else ""

    def _of_cursor(self, kind: str, asked: Any, given: Any, method: str, id: int) -> None:
        """Whether the next page is one that this list has had already."""
        seen = self._cursors.setdefault(kind, set())
        if asked is None:
            seen.clear()
        elif len(seen) < MAX_UNCHECKED:
            seen.add(asked)
        if type(given) is str and given in seen and kind not in self._endless:
            self._endless.add(kind)
            self._add(
                "endless-list", "server", f"after page {asked!r} comes page {given!r} again", method, id
            )

    def _of_list(self, exchange: Exchange, items: list[Any], next_cursor: Any, id: int) -> None:
        """A page of definitions; calls that came before it are checked now."""
        kind = _KINDS[Method(exchange.method)]
        page = [item for item in items if type(item) is dict]
        if len(page) < len(items):
            self._add(
                "bad-result", "server", f"an item of {exchange.method} is no object", exchange.method, id
            )
        cursor = self._paged.pop(exchange.id, None)
        first = cursor is None
        self._of_cursor(kind, cursor, next_cursor, exchange.method, id)
        whole = page if first else [*self._listed.get(kind, []), *page]
        if whole == self._listed.get(kind):
            return
        self._listed[kind] = whole
        self._of_lists[kind] = [
            replace(found, exchange=self._exchange) for found in of_definitions(kind, whole, id)
        ]
        if kind == "tool":
            self._tools = {str(item.get("name")) for item in whole}
            waiting, self._unchecked = self._unchecked, []
            here = self._exchange
            for tool, arguments, call, self._exchange in waiting:
                self._of_call(tool, arguments, call)
            self._exchange = here

    def _of_answer(self, exchange: Exchange, message: Message, side: str, id: int, at: int) -> None:
        for code, text in of_result(exchange.method, message.result):
            self._add(code, side, text, exchange.tool or exchange.method, id)
        self._identity.observe(exchange, message)
        self._catalog.observe(exchange, message, at)
        result = message.result
        told = result.get("instructions") if type(result) is dict else None
        if type(told) is str and (hidden := hidden_in(told)):
            self._add("hidden-characters", side, f"instructions have {hidden}", exchange.method, id)
        if (
            exchange.method in LISTS
            and type(result) is dict
            and type(result.get(LISTS[exchange.method])) is list
        ):
            self._of_list(exchange, result[LISTS[exchange.method]], result.get("nextCursor"), id)
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
        for text in self._checks.check(f"out {self._version(tool)}", schema, result["structuredContent"]):
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
            words = {*exchange.flags.split(" "), *({"late"} & set(before))} - {""}
            if words:
                self._flags[exchange.id] = " ".join(words)

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
        self.findings.append(Finding(code, side, text, about, message, self._exchange))


def _wants_answer(exchange: Exchange) -> bool:
    """A subscription lasts as long as the session, and a request whose id cannot be used gets no answer."""
    return exchange.method != Method.LISTEN and not any(exchange.has_flag(word) for word in _NO_ID)
