"""What is remembered of the questions of upstreams ends with the question."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from mcpscope.gateway.questions import MOST_OPEN, Questions
from mcpscope.protocol.parsing import parse

ASKED = b'{"jsonrpc":"2.0","id":%d,"method":"roots/list","params":{"_meta":{"progressToken":%d}}}'
PROGRESS = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%d,"progress":1}}'


def link(told: list[Any]) -> Any:
    return SimpleNamespace(name="one", tell=told.append)


def test_a_question_that_is_given_up_takes_its_progress_token_with_it() -> None:
    told: list[Any] = []
    questions, one = Questions(), link(told)
    for number in range(MOST_OPEN + 2):
        questions.put(one, parse(ASKED % (number, number)))
    assert not questions.progressed(parse(PROGRESS % 0))
    assert questions.progressed(parse(PROGRESS % (MOST_OPEN + 1)))
    assert len(questions.gone(one)) == MOST_OPEN
    assert not questions.progressed(parse(PROGRESS % (MOST_OPEN + 1)))
    assert len(told) == 1
