"""Our own answers carry the asker's id as it was spelled, and codes of our own."""

from __future__ import annotations

import json

import pytest

from mcpscope.protocol.answers import OurCode, answer, error, refused_call, unknown_tool
from mcpscope.protocol.message import Kind
from mcpscope.protocol.parsing import parse


@pytest.mark.parametrize("id", ["1", '"1"', "1.0", "1e2", '"\\u0031"', "18446744073709551617", "null", "-0"])
def test_the_id_keeps_its_spelling(id: str) -> None:
    asked = parse(b'{"params":{"id":9},"jsonrpc":"2.0","id" : %b ,"method":"ping"}' % id.encode())
    assert answer(asked, b'"result":{}') == b'{"jsonrpc":"2.0","id":%b,"result":{}}' % id.encode()


def test_what_has_no_id_is_answered_with_null() -> None:
    assert json.loads(error(parse(b"garbage"), OurCode.UNREADABLE, "no"))["id"] is None


def test_an_error_says_that_it_is_ours() -> None:
    raw = error(parse(b'{"jsonrpc":"2.0","id":1,"method":"x"}'), OurCode.DENIED, "no", {"rule": "r"})
    message = parse(raw)
    assert message.kind is Kind.ERROR
    assert message.error == {"code": 4030, "message": "no", "data": {"source": "mcpscope", "rule": "r"}}


def test_no_code_of_ours_is_one_of_the_specification() -> None:
    assert not any(-32768 <= code <= -32000 for code in OurCode)
    assert len(set(OurCode)) == len(OurCode.__members__)


def test_a_refused_call_is_a_result_for_the_model() -> None:
    assert b'"resultType":"complete"' in refused_call("no", modern=True)
    assert b"resultType" not in refused_call("no", modern=False)
    assert json.loads(b"{" + unknown_tool("x\u2028") + b"}")["error"]["code"] == -32602
