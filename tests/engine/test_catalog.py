"""What a server lists is kept with each change."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.engine.catalog import Catalog, Definition
from mcpscope.engine.exchanges import Exchanges
from mcpscope.protocol.message import Direction
from mcpscope.protocol.parsing import parse


class _Lister:
    """A session in which lists are asked for and answered."""

    def __init__(self) -> None:
        self.catalog = Catalog()
        self._exchanges = Exchanges()
        self._seq = 0

    def list(self, method: str, result: Any) -> list[Definition]:
        self._seq += 2
        at = self._seq
        asked = {"jsonrpc": "2.0", "id": at, "method": method}
        answer = {"jsonrpc": "2.0", "id": at, "result": result}
        self._exchanges.observe(_parsed(asked), seq=at, at=at, direction=Direction.TO_SERVER)
        message = _parsed(answer)
        (exchange,) = self._exchanges.observe(message, seq=at + 1, at=at, direction=Direction.TO_CLIENT)
        return self.catalog.observe(exchange, message, at)


def _parsed(body: Any) -> Any:
    return parse(json.dumps(body).encode())


TOOL = {"name": "add", "description": "adds", "inputSchema": {"type": "object"}}


def test_definitions_are_taken_page_by_page() -> None:
    lister = _Lister()
    assert len(lister.list("tools/list", {"tools": [TOOL], "nextCursor": "2"})) == 1
    assert len(lister.list("tools/list", {"tools": [TOOL | {"name": "sub"}]})) == 1
    assert [definition.name for definition in lister.catalog.all("tool")] == ["add", "sub"]
    assert lister.catalog.input_schema("add") == {"type": "object"}
    assert lister.catalog.input_schema("mul") is None


def test_a_change_is_a_version_and_a_repetition_is_none() -> None:
    lister = _Lister()
    lister.list("tools/list", {"tools": [TOOL]})
    assert lister.list("tools/list", {"tools": [dict(reversed(TOOL.items()))]}) == []
    (changed,) = lister.list("tools/list", {"tools": [TOOL | {"description": "adds\u200b"}]})
    assert [version.digest for version in lister.catalog.versions("tool", "add")][-1] == changed.digest
    assert len(lister.catalog.versions("tool", "add")) == 2
    assert lister.catalog.changes == 2


def test_one_and_true_are_a_change() -> None:
    lister = _Lister()
    lister.list("tools/list", {"tools": [TOOL | {"x": 1}]})
    assert len(lister.list("tools/list", {"tools": [TOOL | {"x": True}]})) == 1


def test_the_four_kinds_are_named_by_what_names_them() -> None:
    lister = _Lister()
    lister.list("prompts/list", {"prompts": [{"name": "p"}]})
    lister.list("resources/list", {"resources": [{"name": "r", "uri": "u:r"}]})
    lister.list("resources/templates/list", {"resourceTemplates": [{"name": "t", "uriTemplate": "u:{x}"}]})
    names = [lister.catalog.all(kind)[0].name for kind in ("prompt", "resource", "template")]
    assert names == ["p", "u:r", "u:{x}"]


def test_odd_lists_are_no_definitions() -> None:
    lister = _Lister()
    for result in ({"tools": None}, {"tools": [1, {}, {"name": 1}]}, [], None, {}):
        assert lister.list("tools/list", result) == []


def test_a_snapshot_gives_back_the_current_definitions() -> None:
    lister, other = _Lister(), Catalog()
    lister.list("tools/list", {"tools": [TOOL | {"x": 2**70, "y": "\ud800"}]})
    other.restore(json.loads(json.dumps(lister.catalog.snapshot())))
    assert other.tool("add") == lister.catalog.tool("add")
    assert other.snapshot() == lister.catalog.snapshot()
