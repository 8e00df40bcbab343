"""Requests paired with answers by id, until engine.exchanges lands."""

from __future__ import annotations

# mypy: ignore-errors
from typing import Any

from mcpscope.protocol.message import Direction, Kind, Message


class Exchange:
    """One row of the list."""

    __slots__ = (
        "answer_id",
        "code",
        "dir",
        "dur_ns",
        "ended_at",
        "flags",
        "id",
        "kind",
        "legs",
        "method",
        "name",
        "opened_at",
        "parent_id",
        "req_bytes",
        "request_id",
        "res_bytes",
        "rpc_id",
        "status",
        "stream",
        "summary",
        "tool",
    )

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def __init__(self, **values: Any) -> None:
        for name in self.__slots__:
            setattr(self, name, values.get(name))
        self.stream = self.stream or 0


class Exchanges:
    """The tracker."""

    def __init__(self) -> None:
        self._open: dict[tuple[Direction, Any], Exchange] = {}

    def observe(
        self, message: Message, *, seq: int, at: int, direction: Direction, stream: int = 0
    ) -> list[Exchange]:
        if message.is_answer:
            found = self._open.pop((direction.other, message.id), None)
            if found is not None:
                found.answer_id = seq
                found.ended_at = at
                found.dur_ns = at - found.opened_at
                found.status = "rpc-error" if message.error else "ok"
                found.code = message.error.get("code")
                found.res_bytes = len(message.raw)
                return [found]
        made = Exchange(
            id=seq,
            kind={
                "batch": "request",
                "malformed": "malformed",
                "notification": "notification",
                "request": "request",
            }.get(message.kind.value, "answer"),
            dir=direction.value,
            method=message.method or None,
            status="waiting" if message.kind is Kind.REQUEST else "noted",
            opened_at=at,
            request_id=seq,
            req_bytes=len(message.raw),
            stream=stream,
        )
        if message.method == "tools/call":
            made.tool = made.name = message.params.get("name")
        if message.kind is Kind.REQUEST:
            made.rpc_id = str(message.id)
            self._open[direction, message.id] = made
        else:
            made.ended_at = at
        return [made]

    def end(self, at: int) -> list[Exchange]:
        ended = list(self._open.values())
        for exchange in ended:
            exchange.status = "lost"
            exchange.ended_at = at
        self._open.clear()
        return ended

    def snapshot(self) -> Any:
        return [
            [d.value, i, {n: getattr(x, n) for n in Exchange.__slots__}] for (d, i), x in self._open.items()
        ]

    def restore(self, state: Any) -> None:
        for d, i, values in state or ():
            self._open[Direction(d), i] = Exchange(**values)
