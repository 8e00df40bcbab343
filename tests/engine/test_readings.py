"""What lenient readers may see in a message, and nothing where all see the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpscope.engine.readings import readings
from mcpscope.engine.ruled import Ruled
from mcpscope.protocol.lookalikes import skeleton
from mcpscope.protocol.parsing import parse

RULED = Ruled(["wipe", "delete_*", "path", "amount", "admin/reset"])


def others(method: str, *, listed: tuple[str, ...] = (), **params: Any) -> list[dict[str, Any]]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    raw = json.dumps(body, ensure_ascii=False).encode()
    return [one.message.body for one in readings(parse(raw), RULED, lambda name: name in listed)]


def names(**params: Any) -> set[str]:
    return {body["params"]["name"] for body in others("tools/call", arguments={}, **params)}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("wipe", {"path": "/x", "amount": 5}),
        ("search", {"text": 'two words, a "quote" and C:\\temp\nand a line'}),
        ("delete_all", {"deep": [{"path": ["x"]}]}),
        ("\u691c\u7d22", {"\u6587": "caf\u00e9 \u4e2d"}),
    ],
)
def test_what_is_said_plainly_has_no_other_reading(name: str, arguments: dict[str, Any]) -> None:
    assert others("tools/call", name=name, arguments=arguments) == []


@pytest.mark.parametrize(
    "name",
    ["wipe ", "wi\u200bpe", "wipe\0x", "\uff57ipe", "Wipe", "w\u0456pe", "w1pe", "\U0001d430ipe"],
)
def test_a_name_that_may_be_a_ruled_one_is_read_as_it(name: str) -> None:
    assert "wipe" in names(name=name)


def test_a_name_that_looks_like_one_of_a_glob_is_read_in_latin_and_small_letters() -> None:
    assert "delete_all" in names(name="D\u0435lete_all")


def test_a_listed_name_is_not_taken_for_another_by_its_looks() -> None:
    assert others("tools/call", listed=("Wipe",), name="Wipe", arguments={}) == []
    assert others("tools/call", listed=("wipe ",), name="wipe ", arguments={}) != []


def test_members_are_read_as_the_ruled_ones_at_every_depth() -> None:
    (found,) = others("tools/call", name="wipe", arguments={"Path": [{"AMOUNT": 1, "other": 2}]})
    assert found["params"]["arguments"] == {"path": [{"amount": 1, "other": 2}]}


def test_values_are_read_normalised_and_without_what_nobody_sees() -> None:
    found = others("tools/call", name="wipe", arguments={"path": "\uff0fe\u200btc"})
    assert "/etc" in {body["params"]["arguments"]["path"] for body in found}


def test_a_text_that_normalising_ends_is_read_as_it_would_go_on() -> None:
    value = "\uff02,\uff02name\uff02:\uff02wipe"
    raw = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","x":"{value}"}}}}'
    found = [one.message for one in readings(parse(raw.encode()), RULED, lambda name: False)]
    assert "wipe" in {message.params.get("name") for message in found}


def test_methods_prompts_and_completions_are_read_alike() -> None:
    assert {"admin/reset"} <= {body["method"] for body in others("Admin/Reset")}
    ref = {"type": "ref/prompt", "name": "w\u0456pe"}
    assert "wipe" in {body["params"]["ref"]["name"] for body in others("completion/complete", ref=ref)}


def test_each_subscription_is_a_reading_of_its_own() -> None:
    uris = ["file:///a", "FILE:///b/../c"]
    found = others("subscriptions/listen", notifications={"resourceSubscriptions": uris})
    assert {"file:///a", "file:///c"} <= {body["params"].get("uri", "") for body in found}


def test_what_does_not_look_alike_has_another_skeleton() -> None:
    words = ["search", "delete_file", "read_file", "reed_file", "get_item", "set_item", "list", "last"]
    assert len({skeleton(word) for word in words}) == len(words)
