"""Values that flow from one answer into the next request."""

from __future__ import annotations

import json
from typing import Any

from mcpscope.replay.echoes import Echoes


def answer(**members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": members}


def request(**arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "t", "arguments": arguments},
    }


def replayed(was: dict[str, Any], then: dict[str, Any], now: dict[str, Any]) -> Any:
    """What is sent for ``then`` when the server that said ``was`` now says ``now``."""
    echoes = Echoes()
    echoes.server_said(was)
    echoes.client_said(then)
    echoes.learn(was, now)
    return echoes.substitute(then["params"])["arguments"]


def test_a_handle_that_a_later_call_repeats_is_mapped() -> None:
    was = answer(structuredContent={"handle": "h-12345678"})
    now = answer(structuredContent={"handle": "h-87654321"})
    assert replayed(was, request(handle="h-12345678"), now) == {"handle": "h-87654321"}


def test_a_row_number_maps_under_names_of_identity_only() -> None:
    was, now = answer(structuredContent={"id": 17}), answer(structuredContent={"id": 23})
    assert replayed(was, request(row_id=17, limit=17), now) == {"row_id": 23, "limit": 17}


def test_an_id_inside_a_sentence_is_found() -> None:
    def said(text: str) -> dict[str, Any]:
        return answer(content=[{"type": "text", "text": text}])

    was, now = said("Created note 7f3a9c12-77 for you."), said("Created note 0b1d2e3f-99 for you.")
    assert replayed(was, request(note="7f3a9c12-77"), now) == {"note": "0b1d2e3f-99"}
    assert replayed(said("Inserted row with id 5"), request(id=5), said("Inserted row with id 9")) == {
        "id": 9
    }


def test_an_id_inside_json_inside_text_is_found() -> None:
    def said(value: str) -> dict[str, Any]:
        return answer(content=[{"type": "text", "text": json.dumps({"session_id": value})}])

    assert replayed(said("ab12cd34ef"), request(session="ab12cd34ef"), said("99zz88yy77")) == {
        "session": "99zz88yy77"
    }


def test_a_minted_id_inside_a_uri_is_replaced_there() -> None:
    was, now = answer(structuredContent={"doc": "d0c12345"}), answer(structuredContent={"doc": "d0c99999"})
    assert replayed(was, request(uri="note:///d0c12345/body"), now) == {"uri": "note:///d0c99999/body"}


def test_what_the_client_brought_itself_is_never_mapped() -> None:
    echoes = Echoes()
    echoes.client_said(request(key="my-own-key-1"))
    echoes.server_said(answer(structuredContent={"key": "my-own-key-1"}))
    echoes.client_said(request(key="my-own-key-1"))
    assert echoes.known == {}


def test_a_value_that_nobody_repeats_stays_a_difference() -> None:
    echoes = Echoes()
    was, now = answer(structuredContent={"etag": "abcd1234"}), answer(structuredContent={"etag": "ffff9999"})
    echoes.server_said(was)
    echoes.learn(was, now)
    assert not echoes.is_same(("result", "structuredContent", "etag"), "abcd1234", "ffff9999")


def test_an_echo_without_a_live_value_is_named() -> None:
    echoes = Echoes()
    echoes.server_said(answer(structuredContent={"handle": "h-12345678"}))
    echoes.client_said(request(handle="h-12345678"))
    assert echoes.unmapped(request(handle="h-12345678")) == ["h-12345678"]
