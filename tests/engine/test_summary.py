"""The line that says what happened: short, storable, and never in the way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.engine import summary
from mcpscope.protocol.methods import METHODS


@pytest.mark.parametrize(
    ("method", "params", "line"),
    [
        ("tools/call", {"arguments": {"q": "a b", "n": 1, "l": [1, 2], "o": {"x": 1}, "z": None}}, None),
        ("tools/call", {"arguments": "text"}, ""),
        ("prompts/get", {"name": "p", "arguments": {"who": "me"}}, 'who="me"'),
        ("tools/list", {"cursor": "c"}, 'cursor="c"'),
        ("notifications/progress", {"progress": 0.5, "total": 2}, "progress 0.5/2"),
        ("notifications/cancelled", {"requestId": 7, "reason": "user"}, 'requestId=7 reason="user"'),
        ("notifications/message", {"level": "error", "data": {"message": "lost\nit"}}, "error: lost it"),
        ("completion/complete", {"argument": {"name": "who", "value": "m"}}, 'name="who" value="m"'),
        ("unknown", {"secret": "x"}, ""),
    ],
)
def test_what_was_asked(method: str, params: dict[str, Any], line: str | None) -> None:
    line = 'q="a b" n=1 l=[2] o={…} z=null' if line is None else line
    assert summary.asked(method, params) == line


@pytest.mark.parametrize(
    ("method", "result", "line"),
    [
        ("tools/call", {"content": [{"type": "text", "text": "one"}]}, '"one"'),
        ("tools/call", {"content": [{"type": "text"}, {"type": "image", "mimeType": "image/png"}]}, None),
        ("tools/call", {"content": []}, ""),
        ("prompts/list", {"prompts": [{}], "nextCursor": "x"}, "1 prompt, more follow"),
        (
            "tools/call",
            {"resultType": "input_required", "inputRequests": {"a": {"method": "x"}}},
            "asks for x",
        ),
        ("tasks/get", {"status": "working"}, "working"),
        ("x", 5, "5"),
        ("x", None, ""),
    ],
)
def test_what_came_of_it(method: str, result: Any, line: str | None) -> None:
    assert summary.told(method, result) == ("1 text, 1 image/png" if line is None else line)


_NAMES = ["content", "text", "type", "messages", "tools", "arguments", "message", "data", "\ud800"]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=4),
    max_leaves=20,
)
_METHODS = st.sampled_from([*map(str, METHODS), "x"])


@given(_METHODS, st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=4), _JSON)
def test_no_message_breaks_it(method: str, params: dict[str, Any], result: Any) -> None:
    for line in (summary.asked(method, params), summary.told(method, result), summary.failed(params)):
        line.encode()
        assert len(line) <= 10 * summary.WIDTH
        assert "\n" not in line
