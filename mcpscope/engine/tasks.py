"""Exchanges that were answered with a task: their polls, status notifications and end.

Two kinds: the experimental tasks of 2025-11-25 (``{task: {...}}``, ``tasks/result`` brings the real answer)
and the extension ``io.modelcontextprotocol/tasks`` (fields inline, ``tasks/get`` brings it).
"""

from __future__ import annotations

from typing import Any

from mcpscope.engine import completion
from mcpscope.engine.exchange import Exchange, Status
from mcpscope.protocol.message import Direction, Kind, Message
from mcpscope.protocol.methods import Method

MAX_TASKS = 2048

POLLS = frozenset(map(str, (Method.TASKS_GET, Method.TASKS_RESULT, Method.TASKS_CANCEL, Method.TASKS_UPDATE)))

_STATUS = {
    "completed": Status.OK,
    "failed": Status.TOOL_ERROR,
    "cancelled": Status.CANCELLED,
    "input_required": Status.INPUT,
}


def created(result: Any) -> str:
    """The id of the task that a result creates, "" if it creates none."""
    if type(result) is not dict:
        return ""
    task = result.get("task")
    if result.get("resultType") == completion.TASK:
        task = result
    elif type(task) is not dict or "content" in result:
        return ""
    id = task.get("taskId")
    return id if type(id) is str else ""


class Tasks:
    """Task ids to the exchanges they carry on, by the direction of the request that made them."""

    def __init__(self) -> None:
        self._exchanges: dict[tuple[Direction, str], Exchange] = {}

    def __repr__(self) -> str:
        return f"Tasks({len(self._exchanges)})"

    def items(self) -> list[tuple[Direction, str, Exchange]]:
        return [(direction, id, exchange) for (direction, id), exchange in self._exchanges.items()]

    def add(self, direction: Direction, id: str, exchange: Exchange) -> Exchange | None:
        """``exchange``, requested in ``direction``, goes on as task ``id``; the one this makes it forget.

        That is the former holder of the id, or the oldest of too many.
        """
        forgotten = self._exchanges.pop((direction, id), None)
        if forgotten is None and len(self._exchanges) >= MAX_TASKS:
            forgotten = self._exchanges.pop(next(iter(self._exchanges)))
        self._exchanges[(direction, id)] = exchange
        return forgotten

    def find(self, direction: Direction, id: Any) -> Exchange | None:
        """The exchange of a task asked for in ``direction``."""
        return self._exchanges.get((direction, id)) if type(id) is str else None

    def related(self, id: Any) -> Exchange | None:
        """The exchange of a task, whoever asked for it."""
        return self.find(Direction.TO_SERVER, id) or self.find(Direction.TO_CLIENT, id)


def polled(exchange: Exchange, method: str, message: Message, at: int, *, summaries: bool) -> None:
    """Take in the answer to a poll of the exchange's task."""
    if method == Method.TASKS_RESULT:
        completion.describe(exchange, message, summaries=summaries)
        exchange.end(completion.status_of(message), at)
    elif message.kind is Kind.RESULT and type(result := message.body.get("result")) is dict:
        reported(exchange, result, at, summaries=summaries)


def reported(exchange: Exchange, task: dict[str, Any], at: int, *, summaries: bool) -> None:
    """Take in a task's state, from a poll or a notification."""
    word = task.get("status")
    if type(word) is not str:
        return
    if exchange.ended_at is not None and exchange.status in (Status.OK, Status.RPC_ERROR, Status.TOOL_ERROR):
        return
    status = _STATUS.get(word, Status.TASK)
    if status in (Status.TASK, Status.INPUT):
        exchange.reopen(status)
        return
    if "error" in task:
        completion.describe_error(exchange, task["error"], summaries=summaries)
        status = Status.RPC_ERROR
    elif "result" in task:
        completion.describe_result(exchange, task["result"], summaries=summaries)
        status = completion.status_of_result(task["result"])
    exchange.end(status, at)
