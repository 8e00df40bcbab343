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


def test_how_a_task_of_the_client_does_is_told_to_who_asked_for_it_alone() -> None:
    told: list[Any] = []
    other: list[Any] = []
    questions, one = Questions(), link(told)
    questions.put(link(other), parse(ASKED % (1, 1)))
    questions.put(one, parse(ASKED % (2, 2)))
    questions.answered(parse(b'{"jsonrpc":"2.0","id":2,"result":{"task":{"taskId":"t","status":"working"}}}'))
    status = b'{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"%b"}}'
    questions.task_went_on(parse(status % b"t"))
    questions.task_went_on(parse(status % b"nobody's"))
    assert [said.method for said in told[1:]] == ["notifications/tasks/status"] and not other
    questions.gone(one)
    questions.task_went_on(parse(status % b"t"))
    assert len(told) == 2
