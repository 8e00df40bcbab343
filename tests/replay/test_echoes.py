"""Values that flow from one answer into the next request."""

from __future__ import annotations

import json
from typing import Any

import pytest

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


def said(text: str) -> dict[str, Any]:
    return answer(content=[{"type": "text", "text": text}])


def test_the_beginning_of_a_minted_hash_stands_for_the_hash() -> None:
    was, now = said("committed 92dfce4b26d3d33ebed17dfd"), said("committed 204250a96c2746755eaeb25a")
    then = request(revision="92dfce4b", range="92dfce4..HEAD")
    assert replayed(was, then, now) == {"revision": "204250a9", "range": "204250a..HEAD"}


def test_what_python_prints_is_a_document() -> None:
    was, now = (
        said("[{'id': 1, 'tok': 'ab12cd34', 'x': None}]"),
        said("[{'id': 2, 'tok': '99zz88yy', 'x': None}]"),
    )
    then = request(id=1, query="SELECT * FROM t WHERE tok = 'ab12cd34' OR id = 1 LIMIT 1")
    found = replayed(was, then, now)
    assert found == {"id": 2, "query": "SELECT * FROM t WHERE tok = '99zz88yy' OR id = 2 LIMIT 1"}


@pytest.mark.parametrize(
    ("was", "now", "then", "sent"),
    [
        (17, 23, {"uri": "note://17/body?rev=1"}, {"uri": "note://23/body?rev=1"}),
        (17, 23, {"note_id": "17"}, {"note_id": "23"}),
        (17, 23, {"issue_number": 17, "limit": 17}, {"issue_number": 23, "limit": 17}),
        ("q83vEjRWeJA=", "AAbbCCdd123=", {"page": "q83vEjRWeJA="}, {"page": "AAbbCCdd123="}),
        ("job:5f2a", "job:77b0", {"job": "job:5f2a"}, {"job": "job:77b0"}),
        ("kzx", "qrw", {"handle": "kzx"}, {"handle": "qrw"}),
        (
            "/tmp/x8f3a1b/a.txt",
            "/tmp/x0c0d0e/a.txt",
            {"p": "/tmp/x8f3a1b/a.txt"},
            {"p": "/tmp/x0c0d0e/a.txt"},
        ),
    ],
)
def test_handles_of_many_forms_are_mapped(was: Any, now: Any, then: Any, sent: Any) -> None:
    minted, live = answer(structuredContent={"id": was}), answer(structuredContent={"id": now})
    assert replayed(minted, request(**then), live) == sent


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("Created note 17.", "Created note 23."),
        ("note 17 is there", "note 23 is there"),
        ("Issue #17", "Issue #23"),
        ("id: 17", "id: 23"),
    ],
)
def test_a_number_in_a_sentence_maps_where_a_name_stands_before_it(was: str, now: str) -> None:
    assert replayed(said(was), request(note_id=17, size=17), said(now)) == {"note_id": 23, "size": 17}


def test_a_number_maps_under_the_name_that_the_server_called_it_by() -> None:
    for told in (said, lambda text: answer(structuredContent={"id": int(text.split()[-1])})):
        echoes = Echoes()
        echoes.server_said(told("Created note 17"), "create_note")
        echoes.client_said(request(note=17, size=17), "show")
        echoes.learn(told("Created note 17"), told("Created note 23"), "create_note")
        assert echoes.spoken(request(note=17, size=17), "show")["arguments"] == {"note": 23, "size": 17}


def test_a_sentence_with_a_minted_number_is_the_same_and_a_count_is_not() -> None:
    echoes = Echoes()
    echoes.server_said(said("Created note 17."), "create_note")
    echoes.client_said(request(id=17), "read_note")
    echoes.learn(said("Created note 17."), said("Created note 23."), "create_note")
    path = ("result", "content", 0, "text")
    assert echoes.is_same(path, "note 17 says milk", "note 23 says milk")
    assert not echoes.is_same(path, "17 items found", "23 items found")
    assert not echoes.is_same(("result", "structuredContent", "total"), 17, 23)


def test_one_number_of_two_kinds_goes_where_its_name_leads() -> None:
    echoes = Echoes()
    for tool in ("create_user", "create_note"):
        echoes.server_said(answer(structuredContent={"id": 1}), tool)
    then = request(user_id=1, note_id=1, uri="user://1")
    echoes.client_said(then, "share")
    echoes.learn(answer(structuredContent={"id": 1}), answer(structuredContent={"id": 500}), "create_user")
    echoes.learn(answer(structuredContent={"id": 1}), answer(structuredContent={"id": 900}), "create_note")
    sent = echoes.spoken(then, "share")["arguments"]
    assert sent == {"user_id": 500, "note_id": 900, "uri": "user://500"}


def test_what_ties_messages_together_is_no_echo() -> None:
    echoes = Echoes()
    progress = {"method": "tools/call", "params": {"_meta": {"progressToken": 5}, "arguments": {"id": 5}}}
    cancel = {"method": "notifications/cancelled", "params": {"requestId": 5}}
    echoes.client_said({**progress, "params": {**progress["params"], "arguments": {}}})
    echoes.server_said(answer(structuredContent={"id": 5}))
    echoes.client_said(progress)
    echoes.client_said(cancel)
    echoes.learn(answer(structuredContent={"id": 5}), answer(structuredContent={"id": 9}))
    assert echoes.spoken(progress) == {"_meta": {"progressToken": 5}, "arguments": {"id": 9}}
    assert echoes.spoken(cancel) == {"requestId": 5}


def test_how_a_server_calls_the_session_of_http_is_no_difference() -> None:
    echoes = Echoes()
    echoes.name_sessions({"adfa5001-ef3d-4346-9fe7"})
    path = ("result", "content", 0, "text")
    was = "logging for session adfa5001-ef3d-4346-9fe7 began"
    assert echoes.is_same(path, was, "logging for session undefined began")
    assert not echoes.is_same(path, was, "logging for session undefined ended")
