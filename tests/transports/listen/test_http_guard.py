"""Host, Origin and token: who may speak to an HTTP listener."""

from __future__ import annotations

import pytest

from mcpscope.transports.http_head import RequestHead, indexed
from mcpscope.transports.listen.http_guard import Guard


def head(**fields: str) -> RequestHead:
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()]
    return RequestHead(b"POST", b"/mcp", lines, indexed(lines))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Host": "127.0.0.1:7717"}, None),
        ({"Host": "localhost"}, None),
        ({"Host": "[::1]:7717"}, None),
        ({"Host": "LOCALHOST:1"}, None),
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost.evil.example:7717"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "user@localhost"}, 421),
        ({"Host": "localhost:x"}, 421),
        ({"Host": "0.0.0.0:7717"}, 421),
        ({"Host": ""}, 421),
        ({"Host": "localhost", "Origin": "http://localhost:6274"}, None),
        ({"Host": "localhost", "Origin": "https://app.example"}, None),
        ({"Host": "app.example", "Origin": "https://app.example"}, None),
        ({"Host": "localhost", "Origin": "http://app.example"}, 403),
        ({"Host": "localhost", "Origin": "http://evil.example"}, 403),
        ({"Host": "localhost", "Origin": "null"}, 403),
        ({"Host": "localhost", "Origin": "file://localhost"}, 403),
        ({"Host": "localhost", "Origin": "http://localhost", "origin": "http://evil"}, 403),
    ],
)
def test_only_local_hosts_and_allowed_origins_come_in(fields: dict[str, str], status: int | None) -> None:
    refusal = Guard(host="127.0.0.1", origins=("https://app.example",)).check(head(**fields))
    assert (refusal and refusal.status) == status


def test_a_token_is_asked_for_and_goes_no_further() -> None:
    guard = Guard(host="0.0.0.0", tokens=(("ci", b"s3cret-token"),), remote=True)
    missing = guard.check(head(Host="anything.example"))
    assert missing is not None and missing.status == 401 and missing.headers
    assert guard.check(head(Host="x", Authorization="Bearer wrong")) is not None
    own = head(Host="x", Mcpscope_Token="s3cret-token", Authorization="Bearer theirs")
    assert guard.check(own) is None and guard.caller(own) == "ci"
    assert guard.own_headers(own) == {b"mcpscope-token"}
    bearer = head(Host="x", Authorization="bearer s3cret-token")
    assert guard.check(bearer) is None and guard.own_headers(bearer) == {b"authorization"}
    assert guard.own_headers(head(Host="x", Authorization="Bearer theirs")) == frozenset()


def test_a_browsers_question_of_an_allowed_origin_needs_no_token_and_no_other_request_goes_without() -> None:
    guard = Guard(
        host="127.0.0.1", origins=("https://app.example",), tokens=(("ci", b"s3cret-token"),), remote=False
    )
    question = {
        "Host": "127.0.0.1:7717",
        "Origin": "https://app.example",
        "Access_Control_Request_Method": "POST",
    }

    def status(method: bytes = b"OPTIONS", **more: str) -> int | None:
        asked = head(**(question | more))
        asked.method = method
        refusal = guard.check(asked)
        return refusal and refusal.status

    assert status() is None
    assert status(b"POST") == 401
    assert status(Content_Length="2") == 401
    assert status(Transfer_Encoding="chunked") == 401
    assert status(Origin="https://evil.example") == 403
    assert status(Host="evil.example") == 421
    del question["Access_Control_Request_Method"]
    assert status() == 401
