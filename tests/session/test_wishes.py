"""Rules made live: what cannot be carried out is refused when it is said, not when a message meets it."""

from __future__ import annotations

from typing import Any

import pytest

from mcpscope.control.methods import METHODS, validated
from mcpscope.errors import ScopeError
from mcpscope.session import wishes


def given(**said: Any) -> dict[str, Any]:
    return validated(METHODS["scope/rules/add"], {"action": "answer", "match": "tool:echo", **said})


def test_an_answer_without_a_result_or_an_error_is_refused() -> None:
    for said in ({}, {"answer": {"content": []}}):
        with pytest.raises(ScopeError, match="result"):
            wishes.rule("r1", given(**said))


def test_an_answer_with_either_or_the_last_good_one_is_a_rule() -> None:
    for said in ({"answer": {"result": {}}}, {"answer": {"error": {"code": 1}}}, {"last_good": True}):
        assert wishes.rule("r1", given(**said)).answer is not None
