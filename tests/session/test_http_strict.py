"""What HTTP itself may not say while a policy is in force, and what of it passes."""

from __future__ import annotations

import pytest

from mcpscope.protocol.parsing import parse
from mcpscope.session.http_strict import disagreeing, of_head, of_other_body
from mcpscope.transports.http_head import RequestHead, indexed

JSON = (b"Content-Type", b"application/json")
LENGTH = (b"Content-Length", b"5")
CALL = parse(
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a b","arguments":{"n":5,"deep":["x"]}}}'
)


def head(*lines: tuple[bytes, bytes], method: bytes = b"POST") -> RequestHead:
    return RequestHead(method, b"/mcp", list(lines), indexed(list(lines)))


@pytest.mark.parametrize(
    "line",
    [
        (b"Content-Encoding", b"gzip"),
        (b"Content-Encoding", b"identity, br"),
        (b"Content-Type", b"text/plain"),
        (b"content-type", b"application/json"),
    ],
)
def test_a_second_type_or_a_coding_is_refused(line: tuple[bytes, bytes]) -> None:
    assert of_head(head(JSON, LENGTH, line), is_mcp=True) is not None


@pytest.mark.parametrize("charset", [b"utf-16", b"UTF-7", b"latin-1", b""])
def test_another_charset_is_refused(charset: bytes) -> None:
    assert of_head(head((b"Content-Type", b"application/json; charset=" + charset), LENGTH), is_mcp=True)


@pytest.mark.parametrize(
    "value", [b"application/json", b"application/json;charset=UTF-8", b"Application/Json"]
)
def test_plain_json_passes(value: bytes) -> None:
    assert of_head(head((b"Content-Type", value), LENGTH), is_mcp=True) is None


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE"])
def test_only_a_post_has_a_body(method: bytes) -> None:
    assert of_head(head(LENGTH, method=method), is_mcp=True) is not None
    assert of_head(head(method=method), is_mcp=True) is None
    assert of_head(head((b"Content-Length", b"0"), method=method), is_mcp=True) is None


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (b"application/x-www-form-urlencoded", b"grant_type=authorization_code&code=a%7Bb"),
        (b"application/json", b'{"redirect_uris":["http://127.0.0.1/cb"],"client_name":"x"}'),
        (b"application/json", b""),
    ],
)
def test_what_a_login_says_passes_beside_the_mcp_path(media: bytes, body: bytes) -> None:
    assert of_other_body(head((b"Content-Type", media)), body) is None


@pytest.mark.parametrize(
    ("media", "body"),
    [
        (b"application/json", CALL.raw),
        (b"application/json", CALL.raw.replace(b'"method"', b'"Method"').replace(b'"jsonrpc":"2.0",', b"")),
        (b"application/json", b"[" + CALL.raw + b"]"),
        (b"application/json", b'{"a":1}' + CALL.raw),
        (b"application/x-www-form-urlencoded", CALL.raw),
        (b"application/x-www-form-urlencoded", CALL.raw.decode().encode("utf-16")),
        (b"text/plain", b"hello"),
        (b"", b"hello"),
    ],
)
def test_what_may_be_a_message_does_not(media: bytes, body: bytes) -> None:
    assert of_other_body(head((b"Content-Type", media)), body) is not None


@pytest.mark.parametrize(
    ("lines", "agree"),
    [
        ([], True),
        ([(b"Mcp-Method", b"tools/call"), (b"Mcp-Name", b"a b")], True),
        ([(b"mcp-name", b"=?base64?YSBi?=")], True),
        ([(b"Mcp-Param-N", b"5"), (b"Mcp-Param-Deep", b"x")], True),
        ([(b"Mcp-Param-N", b"6")], False),
        ([(b"Mcp-Method", b"ping")], False),
        ([(b"Mcp-Name", b"b")], False),
        ([(b"Mcp-Name", b"a b"), (b"Mcp-Name", b"b")], False),
        ([(b"Mcp-Name", b"=?base64?Yg==?=")], False),
    ],
)
def test_mirrored_fields_say_what_the_body_says(lines: list[tuple[bytes, bytes]], agree: bool) -> None:
    assert (not list(disagreeing(head(*lines), CALL, None))) is agree
