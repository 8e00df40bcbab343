"""A message with two readings is refused, with a reason; one with a single reading is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.lookalikes import folded
from mcpscope.protocol.message import Kind
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.strict import findings, flatten

CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"path":"/etc"}}}'


def _with(old: bytes, new: bytes) -> bytes:
    assert old in CALL
    return CALL.replace(old, new)


@pytest.mark.parametrize(
    "raw",
    [
        CALL,
        b' {"jsonrpc" : "2.0" ,"id":"a","method":"ping"} ',
        b'{"jsonrpc":"2.0","id":18446744073709551616,"result":{"n":1e2,"t":"\\ud83d\\ude00"}}',
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}',
        b'{"jsonrpc":"2.0","error":{"code":-32700,"message":"x"}}',
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","id":1,"result":{"Name":1,"name":2,"content":[]},"extra":true}',
        _with(b"{", b"{\r"),
        _with(b'"arguments":{"path":"/etc"}', b'"_meta":{"progressToken":1,"a/b":{}},"other":[]'),
    ],
)
def test_a_message_with_one_reading_has_no_findings(raw: bytes) -> None:
    assert findings(parse(raw)) == ()


@pytest.mark.parametrize(
    ("attack", "raw", "word"),
    [
        ("name twice", _with(b'"name":"t"', b'"name":"ok","name":"t"'), "duplicate-keys"),
        ("name twice, escaped", _with(b'"name":"t"', b'"name":"ok","n\\u0061me":"t"'), "duplicate-keys"),
        ("method twice", _with(b'"id":1', b'"id":1,"method":"ping"'), "duplicate-keys"),
        ("argument twice", _with(b'"path":"/etc"', b'"path":"/tmp","path":"/etc"'), "duplicate-keys"),
        ("deep twice", _with(b'"/etc"', b'[{"a":{"b":1,"b":2}}]'), "duplicate-keys"),
        ("twice in a result", b'{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}', "duplicate-keys"),
        ("case", _with(b'"name"', b'"Name"'), "lookalike-keys"),
        ("case beside", _with(b'"name":"t"', b'"name":"ok","NAME":"t"'), "lookalike-keys"),
        ("method in capitals", _with(b'"id":1', b'"id":1,"Method":"ping"'), "lookalike-keys"),
        ("long s", _with(b'"arguments"', '"argument\u017f"'.encode()), "lookalike-keys"),
        ("full width", _with(b'"params"', '"\uff50arams"'.encode()), "lookalike-keys"),
        ("NUL behind", _with(b'"name":"t"', b'"name":"ok","name\\u0000":"t"'), "lookalike-keys"),
        ("NUL and more", _with(b'"name":"t"', b'"name":"ok","name\\u0000x":"t"'), "lookalike-keys"),
        ("zero width", _with(b'"name":"t"', b'"name":"ok","na\\u200bme":"t"'), "lookalike-keys"),
        ("argument alike", _with(b'"path":"/etc"', b'"path":"/tmp","Path":"/etc"'), "lookalike-keys"),
        ("batch", b"[" + CALL + b"]", "batch"),
        ("empty batch", b"[]", "empty-batch"),
        ("NaN", _with(b'"/etc"', b"NaN"), "non-finite-number"),
        ("infinity", _with(b'"/etc"', b"-Infinity"), "non-finite-number"),
        ("overflow", _with(b'"/etc"', b"1e400"), "non-finite-number"),
        ("lone surrogate", _with(b'"/etc"', b'"\\udc00"'), "lone-surrogate"),
        ("lone surrogate in a name", _with(b'"path"', b'"\\ud800"'), "lone-surrogate"),
        ("BOM", b"\xef\xbb\xbf" + CALL, "byte-order-mark"),
        ("UTF-16", CALL.decode().encode("utf-16"), "not-json"),
        ("bad UTF-8", _with(b"/etc", b"/\xc0\xaf"), "not-utf8"),
        ("control character", _with(b"/etc", b"/\x01"), "not-json"),
        ("line feed in a string", _with(b"/etc", b"/\n"), "not-json"),
        ("trailing message", CALL + CALL, "trailing-bytes"),
        ("trailing brace", CALL + b"}", "trailing-bytes"),
        ("trailing NUL", CALL + b"\0", "trailing-bytes"),
        ("comment", _with(b'"id"', b'/**/"id"'), "not-json"),
        ("trailing comma", CALL[:-1] + b",}", "not-json"),
        ("single quotes", _with(b'"t"', b"'t'"), "not-json"),
        ("too deep", _with(b'"/etc"', b"[" * 200 + b"]" * 200), "too-deep"),
        ("far too deep", _with(b'"/etc"', b"[" * 9000 + b"]" * 9000), "too-deep"),
        ("null id", _with(b'"id":1', b'"id":null'), "null-id"),
        ("float id", _with(b'"id":1', b'"id":1.0'), "bad-id"),
        ("boolean id", _with(b'"id":1', b'"id":true'), "bad-id"),
        ("object id", _with(b'"id":1', b'"id":{}'), "bad-id"),
        ("no id", _with(b'"id":1,', b""), "missing-id"),
        ("params as array", _with(b'{"name":"t","arguments":{"path":"/etc"}}', b'["t"]'), "bad-params"),
        ("params as string", _with(b'{"name":"t","arguments":{"path":"/etc"}}', b'"{}"'), "bad-params"),
        ("params null", _with(b'{"name":"t","arguments":{"path":"/etc"}}', b"null"), "bad-params"),
        ("arguments as string", _with(b'{"path":"/etc"}', b'"{\\"path\\":1}"'), "bad-arguments"),
        ("arguments as array", _with(b'{"path":"/etc"}', b'["/etc"]'), "bad-arguments"),
        ("arguments null", _with(b'{"path":"/etc"}', b"null"), "bad-arguments"),
        ("name as number", _with(b'"t"', b"1"), "bad-name"),
        ("name missing", _with(b'"name":"t",', b""), "bad-name"),
        ("method as array", _with(b'"tools/call"', b'["tools/call"]'), "bad-method"),
        ("method alike", _with(b'"tools/call"', b'"Tools/Call"'), "bad-method"),
        ("method with NUL", _with(b'"tools/call"', b'"tools/call\\u0000"'), "bad-method"),
        ("request and result", _with(b'"id":1', b'"id":1,"result":{}'), "mixed-members"),
        ("wrong version", _with(b'"2.0"', b'"1.0"'), "bad-version"),
        ("no object", b'"tools/call"', "not-an-object"),
    ],
)
def test_an_attack_is_found(attack: str, raw: bytes, word: str) -> None:
    found = findings(parse(raw))
    assert word in {finding.problem for finding in found}, attack
    assert all(str(finding) for finding in found)


def test_a_finding_tells_its_place() -> None:
    raw = _with(b'"path":"/etc"', b'"path":"/tmp","path":"/etc"')
    (found,) = findings(parse(raw))
    assert (
        str(found) == f'the member "path" occurs twice in params.arguments (byte {raw.rindex(b"path") - 1})'
    )


def test_the_depth_allowed_is_the_depth_used() -> None:
    def nested(depth: int) -> bytes:
        return _with(b'"/etc"', b"[" * depth + b"]" * depth)

    assert findings(parse(nested(125))) == ()
    assert findings(parse(nested(126))) != ()


def test_many_small_objects_are_not_deep() -> None:
    assert findings(parse(_with(b'"/etc"', b"[" + b",".join([b'{"a":[1]}'] * 500) + b"]"))) == ()


def test_line_breaks_between_tokens_become_spaces() -> None:
    raw = _with(b"{", b"{\r\n")
    assert json.loads(flatten(raw)) == json.loads(raw)
    assert b"\r" not in flatten(raw)
    assert b"\n" not in flatten(raw)


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing_more(name: str) -> None:
    assert folded(folded(name)) == folded(name) or not name.isascii()


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x), max_leaves=8)
)
def test_what_has_no_findings_reads_alike_in_two_readers(arguments: object) -> None:
    raw = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "arguments": arguments}}
    ).encode()
    message = parse(raw)
    if not findings(message):
        assert message.kind is Kind.REQUEST
        assert message.body == json.loads(raw)
