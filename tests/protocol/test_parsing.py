"""Every byte string becomes a Message that says what it is and what is odd about it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.protocol.message import Kind
from mcpscope.protocol.parsing import parse
from mcpscope.protocol.problems import Problem
from mcpscope.protocol.tolerant import has_duplicate_keys

CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add","arguments":{"a":1}}}'


def test_a_request_keeps_its_bytes_and_tells_its_members() -> None:
    message = parse(CALL)
    assert message.raw is CALL
    assert (message.kind, message.method, message.id, message.has_id) == (Kind.REQUEST, "tools/call", 7, True)
    assert message.params == {"name": "add", "arguments": {"a": 1}}
    assert message.problems == ()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', Kind.RESULT),
        (b'{"jsonrpc":"2.0","id":"a","result":null}', Kind.RESULT),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}', Kind.ERROR),
        (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', Kind.NOTIFICATION),
        (b'{"jsonrpc":"2.0","method":"ping","id":0}', Kind.REQUEST),
        (b' {"jsonrpc":"2.0","method":"ping","id":""}\t', Kind.REQUEST),
    ],
)
def test_a_clean_message_has_no_problems(raw: bytes, kind: Kind) -> None:
    message = parse(raw)
    assert (message.kind, message.problems) == (kind, ())


@pytest.mark.parametrize(
    ("raw", "kind", "problems"),
    [
        (b"", Kind.MALFORMED, ("not-json",)),
        (b"Listening on stdio", Kind.MALFORMED, ("not-json",)),
        (CALL + CALL, Kind.MALFORMED, ("not-json",)),
        (CALL[:-1], Kind.MALFORMED, ("not-json",)),
        (b'{"a":"\x01"}', Kind.MALFORMED, ("not-json",)),
        (b"3", Kind.MALFORMED, ("not-an-object",)),
        (b"null", Kind.MALFORMED, ("not-an-object",)),
        (b'"text"', Kind.MALFORMED, ("not-an-object",)),
        (b"[]", Kind.MALFORMED, ("empty-batch",)),
        (b"{}", Kind.MALFORMED, ("not-json-rpc",)),
        (b'{"jsonrpc":"2.0","id":1}', Kind.MALFORMED, ("not-json-rpc",)),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', Kind.MALFORMED, ("bad-method",)),
        (b'{"id":1,"method":"ping"}', Kind.REQUEST, ("bad-version",)),
        (b'{"jsonrpc":2.0,"id":1,"method":"ping"}', Kind.REQUEST, ("bad-version",)),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', Kind.REQUEST, ("bad-params",)),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":null}', Kind.REQUEST, ("bad-params",)),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', Kind.REQUEST, ("bad-id",)),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', Kind.REQUEST, ("bad-id",)),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', Kind.REQUEST, ("bad-id",)),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', Kind.REQUEST, ("null-id",)),
        (b'{"jsonrpc":"2.0","method":"tools/call","params":{}}', Kind.NOTIFICATION, ("missing-id",)),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}', Kind.ERROR, ("null-id",)),
        (b'{"jsonrpc":"2.0","error":{"code":-32700,"message":""}}', Kind.ERROR, ("missing-id",)),
        (b'{"jsonrpc":"2.0","result":{}}', Kind.RESULT, ("missing-id",)),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', Kind.ERROR, ("mixed-members",)),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}', Kind.REQUEST, ("mixed-members",)),
        (b'{"jsonrpc":"2.0","id":1,"error":"no"}', Kind.ERROR, ("bad-error",)),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', Kind.REQUEST, ("duplicate-keys",)),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}', Kind.RESULT, ("duplicate-keys",)),
        (CALL.replace(b'"name":', b'"name":"x","name":'), Kind.REQUEST, ("duplicate-keys",)),
        (CALL.replace(b'"name"', b'"Name"'), Kind.REQUEST, ("lookalike-keys",)),
        (CALL.replace(b'"id":7', b'"id":7,"METHOD":"x"'), Kind.REQUEST, ("lookalike-keys",)),
        (CALL.replace(b'"id":7', b'"id":7,"extra":"x"'), Kind.REQUEST, ()),
        (b"\xef\xbb\xbf" + CALL, Kind.REQUEST, ("byte-order-mark",)),
        (CALL.replace(b"1}", b"NaN}"), Kind.REQUEST, ("non-finite-number",)),
        (CALL.replace(b"1}", b"-Infinity}"), Kind.REQUEST, ("non-finite-number",)),
        (CALL.replace(b"1}", b"1e400}"), Kind.REQUEST, ("non-finite-number",)),
        (CALL.replace(b"1}", b'"\\ud800"}'), Kind.REQUEST, ("lone-surrogate",)),
        (CALL.replace(b"1}", b'"\xff\xfe"}'), Kind.REQUEST, ("not-utf8",)),
        (CALL.replace(b"{", b"{\r"), Kind.REQUEST, ("raw-carriage-return",)),
    ],
)
def test_what_is_odd_is_named_and_what_is_readable_is_read(
    raw: bytes, kind: Kind, problems: tuple[str, ...]
) -> None:
    message = parse(raw)
    assert (message.kind, message.problems) == (kind, problems)
    assert message.raw == raw


NAMELESS = b'{"io.modelcontextprotocol/clientInfo":{"version":"1"}}'
ESCAPED = NAMELESS.replace(b'"version"', b'"n\\u0061me"')


@pytest.mark.parametrize("meta", [b"5", b"null", b'"io.modelcontextprotocol/clientInfo"', NAMELESS, ESCAPED])
def test_a_second_name_beside_a_meta_that_names_no_client_is_looked_at(meta: bytes) -> None:
    call = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":%b,"arguments":%b}}'
    assert parse(call % (meta, b'{"name":1}')).params["name"] == "a"
    twice = parse(call.replace(b'"name":"a"', b'"name":"a","name":"b"') % (meta, b"{}"))
    assert Problem.DUPLICATE_KEYS in twice.problems


def test_a_modern_call_is_not_taken_for_a_repeated_name() -> None:
    meta = {"io.modelcontextprotocol/clientInfo": {"name": "c", "version": "1"}}
    raw = json.dumps(
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t", "_meta": meta}}
    )
    assert parse(raw.encode()).problems == ()


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 10**40])
def test_integers_of_any_size_are_exact(number: int) -> None:
    message = parse(b'{"jsonrpc":"2.0","id":%d,"result":{"n":%d}}' % (number, number))
    assert message.id == number
    assert type(message.id) is int
    assert message.result == {"n": number}


def test_an_integer_longer_than_python_reads_is_marked_not_raised() -> None:
    message = parse(b'{"jsonrpc":"2.0","id":1,"result":{"n":' + b"9" * 5000 + b"}}")
    assert message.kind is Kind.RESULT


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 2000 + b"]" * 2000])
def test_depth_bombs_are_malformed(text: bytes) -> None:
    assert parse(text).kind is Kind.MALFORMED


def test_a_deep_member_does_not_raise() -> None:
    deep = b"[" * 5000 + b"]" * 5000
    message = parse(b'{"jsonrpc":"2.0","id":1,"result":' + deep + b"}")
    assert message.problems == ("too-deep",)


def test_the_elements_of_a_batch_have_their_own_bytes() -> None:
    first = b'{ "jsonrpc":"2.0","id":1 ,"method":"ping"}'
    second = '{"jsonrpc":"2.0","method":"notifications/x","params":{"t":"é\\u00e9"}}'.encode()
    message = parse(b" [" + first + b" ,\t" + second + b", 7, [] ] ")
    assert message.kind is Kind.BATCH
    assert [item.raw for item in message.items] == [first, second, b"7", b"[]"]
    assert [item.kind for item in message.items] == [
        Kind.REQUEST,
        Kind.NOTIFICATION,
        Kind.MALFORMED,
        Kind.MALFORMED,
    ]
    assert message.items[3].problems == ("nested-batch",)


def test_a_batch_with_a_byte_order_mark_and_bad_utf8_still_has_its_elements() -> None:
    element = b'{"jsonrpc":"2.0","method":"notifications/x","params":{"t":"\xff"}}'
    message = parse(b"\xef\xbb\xbf[" + element + b"]")
    assert message.items[0].raw == element
    assert set(message.problems) == {"byte-order-mark", "not-utf8", "batch"}


@given(st.binary())
def test_no_bytes_raise(raw: bytes) -> None:
    assert parse(raw).raw == raw


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]), _JSON))
def test_no_envelope_raises_and_the_value_is_that_of_the_standard_reader(body: dict[str, object]) -> None:
    raw = json.dumps(body).encode(errors="surrogatepass")
    message = parse(raw)
    if message.body:
        assert _comparable(message.body) == _comparable(json.loads(raw))


def _comparable(value: object) -> object:
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


def test_long_runs_of_digits_that_are_no_integers_leave_the_value_alone() -> None:
    raw = (
        b'{"jsonrpc":"2.0","id":1,"result":{"score":0.00123456789012345678901,"key":"12345678901234567890"}}'
    )
    assert parse(raw).body["result"] == {"score": 0.00123456789012345678901, "key": "12345678901234567890"}


@pytest.mark.parametrize("before", ["", " ", "-", "\n"])
@pytest.mark.parametrize("behind", ["", " ", "\t"])
def test_a_long_integer_is_exact_wherever_it_stands(before: str, behind: str) -> None:
    number = f"{before}98765432109876543210{behind}"
    text = f'{{"jsonrpc":"2.0","id":1,"result":{{"f":0.12345678901234567890,"n":[{number}]}}}}'
    assert parse(text.encode()).body["result"]["n"] == [int(number)]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"id":1,"id":2}',
        '{"a":{"id":1},"id":3,"id":4}',
        r'{"id" :1,"a":"x\":y","id":2}',
        r'{"id":"\u0022:","id":2,"b":{"id":1}}',
        r'{"id":1,"x":"\":","id":2}',
    ],
)
def test_a_repeated_name_is_found_whatever_stands_beside_it(arguments: str) -> None:
    raw = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"t","arguments":{arguments}}}}}'
    assert Problem.DUPLICATE_KEYS in parse(raw.encode()).problems


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    )
)
def test_an_object_written_by_a_json_writer_has_no_repeated_names(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, separators=(",", ":"), ensure_ascii=False)):
        raw = text.encode(errors="replace")
        assert not has_duplicate_keys(raw, json.loads(raw))


@pytest.mark.parametrize(
    "spoiled",
    [
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b","arguments":{}}}',
        b'{"jsonrpc":"2.0","id":1,"id":2,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"id":1,"id":2}}',
    ],
)
def test_a_repeated_member_is_found_however_usual_the_rest_is(spoiled: bytes) -> None:
    assert parse(spoiled).problems == (Problem.DUPLICATE_KEYS,)


@pytest.mark.parametrize("number", [b"18446744073709551616", b"-9223372036854775809", b"1e2", b"1.50", b"-0"])
def test_a_number_is_read_as_it_stands_in_an_otherwise_usual_message(number: bytes) -> None:
    raw = (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"n":%b}}}' % number
    )
    assert parse(raw).body == json.loads(raw)
