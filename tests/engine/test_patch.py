import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpscope.engine import patch, spans
from mcpscope.engine.patch import PatchError, apply, cut, pointer, put
from mcpscope.engine.rewrite import rewrite

CALL = (
    b'{ "jsonrpc":"2.0", "id" : 12345678901234567890123, "method":"tools/call",'
    b'"params":{"name":"caf\\u00e9", "arguments":'
    b'{"n":1e2,"big":18446744073709551616,"path":"\\/etc","l":[1, 2 ,3]}}}'
)


def op(name, path, **more):
    return {"op": name, "path": path, **more}


def test_only_the_replaced_value_changes_its_bytes():
    edited = apply(CALL, [op("replace", "/params/arguments/path", value="/tmp/é")])
    assert edited == CALL.replace(b'"\\/etc"', '"/tmp/é"'.encode())


def test_every_operation_of_rfc_6902():
    args = "/params/arguments"
    assert apply(CALL, [op("add", args + "/l/1", value=9)]) == CALL.replace(b"[1, 2 ,3]", b"[1, 9,2 ,3]")
    assert apply(CALL, [op("add", args + "/l/-", value={})]) == CALL.replace(b"2 ,3]", b"2 ,3,{}]")
    assert apply(CALL, [op("remove", args + "/l/2")]) == CALL.replace(b"2 ,3]", b"2]")
    assert apply(CALL, [op("remove", args + "/l/0")]) == CALL.replace(b"[1, 2", b"[2")
    assert apply(CALL, [op("copy", args + "/m", **{"from": args + "/n"})]) == CALL.replace(
        b"3]}", b'3],"m":1e2}'
    )
    moved = apply(CALL, [op("move", args + "/m", **{"from": args + "/big"})])
    assert moved == CALL.replace(b'"big":18446744073709551616,', b"").replace(
        b"3]}", b'3],"m":18446744073709551616}'
    )
    assert apply(CALL, [op("test", args + "/n", value=100)]) == CALL


@pytest.mark.parametrize(
    "bad",
    [
        op("replace", "/nothing", value=1),
        op("remove", "/params/arguments/l/7"),
        op("add", "/params/arguments/l/4", value=1),
        op("add", "/a/b", value=1),
        op("test", "/params/arguments/n", value=True),
        op("frob", "/params"),
        op("add", "/x"),
        op("add", "/x", value=float("nan")),
        {"op": "move", "from": "/params", "path": "/params/x"},
        {"op": "remove"},
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_done(bad):
    with pytest.raises(PatchError, match="operation 1"):
        apply(CALL, [op("add", "/fine", value=1), bad])


def test_set_makes_the_objects_on_the_way():
    assert json.loads(apply(b"{}", [op("set", "/a/b/c", value=1)])) == {"a": {"b": {"c": 1}}}
    assert apply(b'{"a":[1]}', [op("set", "a[0]", value=2)]) == b'{"a":[2]}'


def test_paths_may_be_written_with_dots():
    assert pointer("args.q") == ("params", "arguments", "q")
    assert pointer("$.args[0].x") == ("args", "0", "x")
    assert pointer('result."a.b"[2]') == ("result", "a.b", "2")
    assert pointer("/a~1b/~0") == ("a/b", "~")


def test_the_last_of_two_equal_keys_is_the_one_that_parsers_read():
    assert put(b'{"a":1,"a":2}', ("a",), b"3") == b'{"a":1,"a":3}'
    assert cut(b'{"a":1,"a":2}', ("a",)) == b'{"a":1}'


def test_a_lone_surrogate_is_escaped():
    assert apply(b"{}", [op("add", "/a", value="\ud800")]) == b'{"a":"\\ud800"}'


def test_an_edited_text_that_says_the_same_changes_nothing():
    text = json.dumps(json.loads(CALL), indent=2, ensure_ascii=False)
    assert rewrite(CALL, (), text) == CALL


def test_an_edited_text_changes_what_it_says_differently():
    arguments = '{"n": 1e2, "big": 18446744073709551617, "path": "/etc", "l": [1, 2, 3], "new": 1.50}'
    edited = rewrite(CALL, ("params", "arguments"), arguments)
    assert edited == CALL.replace(b"709551616", b"709551617").replace(
        b'"l":[1, 2 ,3]}', b'"l":[1, 2 ,3],"new":1.50}'
    ).replace(b'{"n":1e2,"big"', b'{"n":1e2,"big"')


def test_a_text_with_a_mistake_names_line_and_column():
    with pytest.raises(PatchError, match="line 2 column 2"):
        rewrite(CALL, (), "{\n x}")
    with pytest.raises(PatchError, match="NaN"):
        rewrite(CALL, (), "[NaN]")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(values, values, st.booleans(), st.sampled_from([None, 2]))
def test_any_text_can_be_rewritten_into_any_other(old, new, ascii, indent):
    raw = json.dumps(old, ensure_ascii=ascii, indent=indent).encode(
        errors="surrogatepass" if ascii else "strict"
    )
    edited = rewrite(raw, (), json.dumps(new, indent=1))
    assert patch.same(json.loads(edited), new)


@given(st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=5), st.data())
def test_setting_and_removing_do_what_they_do_to_a_dict(body, data):
    raw = json.dumps(body, indent=1).encode()
    key = data.draw(st.sampled_from(sorted(body)))
    value = data.draw(values)
    assert json.loads(put(raw, (key,), patch.encode(value))) == {**body, key: value}
    assert json.loads(cut(raw, (key,))) == {k: v for k, v in body.items() if k != key}


@given(values, st.sampled_from([None, 3]))
def test_compact_text_says_the_same(value, indent):
    raw = json.dumps(value, indent=indent).encode()
    assert patch.same(json.loads(spans.compact(raw)), value)
    assert spans.find(raw, ()) == (0, len(raw))
