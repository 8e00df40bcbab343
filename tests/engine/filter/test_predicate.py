"""What each term of a filter means for one exchange."""

from __future__ import annotations

import pytest

from mcpscope.engine.filter.language import parse
from mcpscope.protocol.message import Kind, Message
from tests.engine.filter.examples import MS, Example, call, message

SEARCH = call(
    "search_docs", {"query": "Quota", "limit": 5}, {"content": [{"type": "text", "text": "Grüße 🎈"}]}
)
READ = call(
    "read_file", {"path": "/etc/passwd", "deep": {"list": ["a", 7, True, None, 2.5]}}, {"isError": False}
)
FAILED = call("search_code", {}, error={"code": -32602, "message": "missing property"}, dur_ns=700 * MS)
STDERR = Example(
    kinds=("stderr",), dir="", method="", status="noted", notes=("Warning: Deprecated",), dur_ns=None
)


def passes(text, subject, now=None):
    return parse(text, now).predicate()(subject)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("", SEARCH),
        ("tool:search*", SEARCH),
        ("tool:*docs tool:*_* tool:search?docs", SEARCH),
        ("tool=search_docs", SEARCH),
        ("tool~^search_", SEARCH),
        ("tool:(read_file,search*)", SEARCH),
        ("method:tools/call", SEARCH),
        ("server:fs", SEARCH),
        ("server:filesystem", SEARCH),
        ("session:demo session:1", SEARCH),
        ("quota", SEARCH),
        ("QUOTA", SEARCH),
        ('"grüße 🎈"', SEARCH),
        ("q*ta l?mit", SEARCH),
        ("~Quo.a", SEARCH),
        ("args.query=Quota", SEARCH),
        ("args.query:Q*", SEARCH),
        ("args:Quota", SEARCH),
        ("args.limit>4 args.limit<=5 args.limit=5 args.limit:5.0", SEARCH),
        ('-args.limit:"5"', SEARCH),
        ("result.content[0].text:Grüße*", SEARCH),
        ("result.content[-1].type=text", SEARCH),
        ("params.name=search_docs raw.method=tools/call raw:*tools/call*", SEARCH),
        ("args.path~^/etc", READ),
        ("args.deep.list[*]=7 args.deep.list=a args.deep:true args.deep:null args.deep.list[4]>2.4", READ),
        ("code:-32602 is:error status:rpc-error -is:ok", FAILED),
        ("error.code<0 error.message:missing*", FAILED),
        ("dur>500ms -is:slow", FAILED),
        ("size=300 req=100 res:200 size<1k", SEARCH),
        ("kind:stderr deprecated note:warn* -dur>0", STDERR),
        ("kind:request kind:response", SEARCH),
        ('id:1 -id:"2"', SEARCH),
        ("id:abc", Example(rpc_id='"abc"')),
        ("is:server-initiated", Example(dir="s2c")),
        ("is:held wait>1s", Example(flags=("bp",), wait_ns=1_500 * MS)),
        ("rule:no-*", Example(rules=("no-delete",))),
        ("mime:image", call("x", {}, {"content": [{"type": "image", "mimeType": "image/png"}]})),
        (
            "meta.progressToken=3",
            Example(request=message({"method": "x", "params": {"_meta": {"progressToken": 3}}})),
        ),
    ],
)
def test_passes(text, subject):
    assert passes(text, subject)


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("tool:search", SEARCH),  # a whole value, not a part of it
        ("tool:SEARCH*", SEARCH),  # names keep their case
        ("tool:[s]earch_docs", SEARCH),  # brackets are not wildcards
        ('tool:"search*"', SEARCH),  # quotes make it literal
        ("tool:*", Example(tool="")),  # what is not there has no name
        ("tool~.*", Example(tool="")),
        ("args.query:quota", SEARCH),
        ("args.query:Quot", SEARCH),
        ("args.limit>5", SEARCH),
        ('args.limit:"5"', SEARCH),
        ("args.missing>0", SEARCH),
        ("args.query>0", SEARCH),
        ("result.x=1", call("x", {})),
        ("quota -quota", SEARCH),
        ("mime:text", SEARCH),
        ("dur>0 kind:stderr", STDERR),
        ("is:(late,cancelled)", SEARCH),
    ],
)
def test_does_not_pass(text, subject):
    assert not passes(text, subject)


def test_a_value_that_is_not_a_number_is_neither_above_nor_below():
    judge = parse("args.query>5").judge()
    assert judge(SEARCH) is None
    assert parse("-args.query>5").judge()(SEARCH) is None
    assert parse("args.query>5 tool:x").judge()(SEARCH) is False
    assert parse("args.query>5 or tool:search*").judge()(SEARCH) is True
    assert parse("args.absent>5").judge()(SEARCH) is False


def test_an_open_exchange_has_lasted_until_now():
    hung = Example(status="waiting", dur_ns=None, opened_at=0)
    assert passes("dur>10s is:slow is:pending", hung, now=11_000 * MS)
    assert not passes("dur>10s or is:slow", hung)


def test_a_live_request_is_not_its_response():
    request = Example(kinds=("request",), status="waiting", dur_ns=None)
    assert passes("kind:request", request) and not passes("kind:response", request)


def test_a_rule_is_judged_on_answers_only_where_it_looks_at_them():
    for text in (
        "result.x=1",
        "is:error",
        "kind:response tool:x",
        "tool:a or dur>1s",
        "code:-32602",
        "res>1mb",
    ):
        assert parse(text).looks_at_answer, text
    for text in ("", "tool:x", "args.path~^/etc", "is:notification", "kind:request", "text:secret"):
        assert not parse(text).looks_at_answer, text


def test_many_rules_can_be_indexed_by_tool():
    rule = parse("tool:delete_* args.path~^/etc")
    assert rule.may_match(method="tools/call", tool="delete_file")
    assert not rule.may_match(method="tools/call", tool="read_file")
    assert parse("-tool:x").may_match(tool="y") and not parse("-tool:x").may_match(tool="x")
    assert parse("text or tool:x").may_match(tool="y")
    assert not parse("method:tools/* tool:x").may_match(method="ping")


def test_deep_json_of_a_peer_is_no_deep_recursion():
    deep: object = "needle"
    for _ in range(5_000):
        deep = [deep]
    body = {"method": "tools/call", "params": {"arguments": {"x": deep}}}
    subject = Example(request=Message(b"", Kind.REQUEST, body, "tools/call"))
    assert passes("args:needle", subject)


def test_huge_integers_are_compared_exactly():
    body = {"method": "tools/call", "params": {"arguments": {"n": 2**70 + 1, "huge": 10**5000}}}
    subject = Example(request=Message(b"", Kind.REQUEST, body, "tools/call"))
    assert passes(f"args.n={2**70 + 1} -args.n={2**70} args.n>{2**70} args.huge>1 -args.huge:x*", subject)
