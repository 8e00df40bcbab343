"""Questions inside results (2026-07-28, ``inputRequests``) that a rule answers in the client's place.

The entry is taken out of the result, so that the client is not asked, and its answer is put into the retry,
so that the server hears it. What the client answers itself stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcpscope.engine import patch, replacing, replies, spans
from mcpscope.engine.commands import Command
from mcpscope.engine.outcomes import Word
from mcpscope.engine.passage import Passage
from mcpscope.engine.rule import Rule
from mcpscope.protocol.parsing import parse

if TYPE_CHECKING:
    from mcpscope.engine.engine import Engine

MAX_FILLS = 1024
_REQUESTS = ("result", "inputRequests")


def answer(engine: Engine, passage: Passage, key: str, rule: Rule, at: int, out: list[Command]) -> None:
    """Answer entry ``key`` by ``rule`` and judge what is left; else refuse the result that asks."""
    if _take_out(engine, passage, key, rule):
        engine.consider(passage, at, out)
        return
    passage.actor, passage.rule = "rule", rule.name
    text = "its only question is answered by a rule, and nothing is left to retry with"
    data = replies.denied(passage, rule.name, text)
    replacing.replace(engine, passage, Word.DENIED, data, at, out, {"entry": key})


def put_in(engine: Engine, passage: Passage) -> None:
    """Put the answers into the retry of this exchange, if this is it."""
    exchange = passage.exchange
    if exchange is None or not passage.is_request or not passage.goes_to_server:
        return
    answers = engine.fills.pop(exchange.id, None)
    if answers is None:
        return
    raw = passage.message.raw
    for key, answer in answers.items():
        raw = patch.put(raw, ("params", "inputResponses", key), answer, grow=True)
    passage.message = parse(raw)
    passage.actor = passage.actor or "rule"


def _take_out(engine: Engine, passage: Passage, key: str, rule: Rule) -> bool:
    exchange, raw = passage.exchange, passage.message.raw
    body = replies.body_of(rule.answer, None)
    if exchange is None or body is None or not body.startswith(b'"result":'):
        return False
    left = spans.find(raw, _REQUESTS)
    if left is None:
        return False
    if sum(1 for _ in spans.slots(raw, left[0])) > 1:
        raw = patch.cut(raw, (*_REQUESTS, key))
    elif spans.find(raw, ("result", "requestState")) is not None:
        raw = patch.cut(raw, _REQUESTS)
    else:
        return False
    if len(engine.fills) >= MAX_FILLS:
        engine.fills.pop(next(iter(engine.fills)))
    engine.fills.setdefault(exchange.id, {})[key] = body.removeprefix(b'"result":')
    passage.message = parse(raw)
    passage.actor, passage.rule = "rule", rule.name
    return True
