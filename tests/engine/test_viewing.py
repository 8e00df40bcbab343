"""Conversations about what a client may see: lists, refusals, announcements, and what is noted of them."""

import json

import pytest

from mcpscope.engine.events import Ended, Viewed
from mcpscope.engine.visibility import Face, Surface

from .talk import C2S, S2C, Talk, as_json, call, cancel, result

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


class Viewer(Talk):
    """A Talk whose steering tells the engine of what is seen, as a gate does."""

    def __init__(self, **more):
        super().__init__(**more)
        self.steering.on_view.append(lambda surfaces: self.run(Viewed(surfaces, self.now())))

    def greets(self, capabilities=None):
        said = {"tools": {}, "prompts": {}, "resources": {}} if capabilities is None else capabilities
        body = {
            "protocolVersion": "2025-11-25",
            "capabilities": said,
            "serverInfo": {"name": "s", "version": "1"},
        }
        self.server({"jsonrpc": "2.0", "id": "init", "result": body})
        self.client({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.to_server.clear()
        greeting = as_json(self.to_client[-1])
        self.to_client.clear()
        return greeting


def asks(method, id=1, modern=False, **params):
    if modern:
        params["_meta"] = MODERN
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def listen(id, *wishes):
    return asks("subscriptions/listen", id, modern=True, notifications=dict.fromkeys(wishes, True))


def acknowledged(id, **honoured):
    params = {"notifications": honoured, "_meta": {SUBSCRIPTION: id}}
    return {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": params}


PAGE = (
    b'{ "jsonrpc":"2.0", "result":{"x":1e2,"tools":[ {"name":"a","n":1.0} , {"name":"admin_b"},\t'
    b'{"name":"c","d":"\\u00e9"} ],"nextCursor":"" },"id":1}'
)


def test_a_hidden_tool_is_cut_from_its_page_and_every_other_byte_stays():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["admin_*"])
    talk.client(asks("tools/list"))
    at = talk.server(PAGE)
    assert talk.to_client[-1] == PAGE.replace(b'{"name":"admin_b"},\t', b"")
    assert talk.words(at) == ["edited"]
    assert talk.last(at).rule == "hide"


@pytest.mark.parametrize(
    ("hidden", "left"),
    [
        (["a"], [b'{"name":"admin_b"},\t{"name":"c","d":"\\u00e9"} ]']),
        (["c"], [b'[ {"name":"a","n":1.0} , {"name":"admin_b"} ]']),
        (["?"], [b'[ {"name":"admin_b"} ]']),
        (["a*", "c"], [b'"tools":[  ],"nextCursor":"" }']),
    ],
)
def test_any_items_may_go_and_the_cursor_stays(hidden, left):
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(hidden)
    talk.client(asks("tools/list"))
    talk.server(PAGE)
    json.loads(talk.to_client[-1])
    for piece in left:
        assert piece in talk.to_client[-1]
    assert b'"nextCursor":""' in talk.to_client[-1]


def test_five_thousand_tools_over_fifty_pages_lose_only_what_is_hidden():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["tool_*7"])
    seen = []
    for page in range(50):
        tools = [
            {
                "name": f"tool_{page * 100 + n}",
                "description": 'é\u2028 \\ "' * 3,
                "inputSchema": {"type": "object"},
            }
            for n in range(100)
        ]
        more = {"nextCursor": f"p{page + 1}"} if page < 49 else {}
        body = {"tools": tools, "ttlMs": 60000, "cacheScope": "public", "resultType": "complete", **more}
        talk.client(asks("tools/list", page, modern=True))
        talk.server({"jsonrpc": "2.0", "id": page, "result": body})
        wanted = [tool for tool in tools if not tool["name"].endswith("7")]
        sent = as_json(talk.to_client[-1])["result"]
        assert sent == {**body, "tools": wanted, "ttlMs": 0, "cacheScope": "private"}
        for tool in wanted:
            assert json.dumps(tool, separators=(",", ":")).encode() in talk.to_client[-1]
        seen += [tool["name"] for tool in sent["tools"]]
    assert len(seen) == 4500


@pytest.mark.parametrize("modern", [False, True])
def test_a_call_of_a_hidden_tool_gets_the_answer_of_a_server_without_it(modern):
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["search"])
    talk.to_client.clear()
    at = talk.client(call(7, "search", meta=MODERN if modern else None))
    assert talk.to_server == []
    assert as_json(talk.to_client[0]) == {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {"code": -32602, "message": "Unknown tool: search"},
    }
    assert talk.words(at) == ["denied"]
    assert talk.last(at).rule == "hide search"


def test_a_retry_of_a_hidden_tool_is_refused_too():
    talk = Viewer()
    talk.client(call(1, "search", meta=MODERN))
    talk.server(result(1, resultType="input_required", requestState="s", inputRequests={}))
    talk.steering.view.hide(["search"])
    talk.to_server.clear()
    retry = call(2, "search", meta=MODERN)
    retry["params"]["requestState"] = "s"
    talk.client(retry)
    assert talk.to_server == []
    assert as_json(talk.to_client[-1])["error"]["message"] == "Unknown tool: search"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (asks("prompts/get", name="secret"), -32602),
        (asks("resources/read", uri="secret"), -32002),
        (asks("resources/read", uri="secret", modern=True), -32602),
        (asks("resources/subscribe", uri="secret"), -32002),
        (asks("completion/complete", ref={"type": "ref/prompt", "name": "secret"}), -32602),
        (asks("completion/complete", ref={"type": "ref/resource", "uri": "secret"}), -32002),
        (asks("tools/call", name="secret", task={"ttl": 1}), -32602),
    ],
)
def test_every_method_that_can_name_it_is_refused(body, code):
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["secret"])
    talk.client(body)
    assert talk.to_server == []
    assert as_json(talk.to_client[-1])["error"]["code"] == code


def test_a_name_said_twice_does_not_get_past():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["search"])
    for raw in (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","name":"ok"}}',
        b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"ok","Name":"search"}}',
        b'[{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"search"}}]',
    ):
        talk.client(raw)
    assert talk.to_server == []


def test_a_rule_cannot_rename_a_call_into_a_hidden_tool():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["search"])
    talk.rule("edit", "tool:find", patch=({"op": "set", "path": "/params/name", "value": "search"},))
    talk.client(call(1, "find"))
    assert talk.to_server == []
    assert "Unknown tool" in talk.to_client[-1].decode()


def test_a_legacy_client_is_told_at_once_and_its_reaction_is_noted():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["tool:search"])
    assert talk.to_client == [b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}']
    talk.passes(0.12)
    talk.client(asks("tools/list"))
    assert any("asked for its tools again after 120 ms" in note for note in talk.notes)
    talk.steering.view.show(["tool:search"])
    assert len(talk.to_client) == 2
    talk.passes(6)
    assert any("has not asked for its tools again for 5 s" in note for note in talk.notes)


def test_before_initialized_nothing_is_announced_and_the_greeting_says_that_lists_may_change():
    talk = Viewer()
    talk.steering.view.hide(["tool:search", "prompt:x"])
    greeting = talk.greets({"tools": {}, "prompts": {"listChanged": False}, "logging": {}})
    assert greeting["result"]["capabilities"] == {
        "tools": {"listChanged": True},
        "prompts": {"listChanged": True},
        "logging": {},
    }
    talk.passes(2)
    assert talk.to_client == []


def test_a_modern_client_is_told_where_it_listens_once_that_is_acknowledged():
    talk = Viewer()
    talk.client(asks("server/discover", 1, modern=True))
    talk.steering.view.hide(["tool:y"])
    body = {"capabilities": {"tools": {}}, "supportedVersions": ["2026-07-28"], "ttlMs": 5}
    talk.server({"jsonrpc": "2.0", "id": 1, "result": body})
    assert as_json(talk.to_client[-1])["result"]["capabilities"] == {"tools": {"listChanged": True}}
    talk.client(listen("7", "toolsListChanged"), stream=3)
    talk.client(listen(7, "promptsListChanged"), stream=4)
    talk.to_client.clear()
    talk.steering.view.hide(["tool:x"])
    assert talk.to_client == []
    talk.server(acknowledged("7"), stream=3)
    talk.server(acknowledged(7, promptsListChanged=True), stream=4)
    assert as_json(talk.to_client[0])["params"]["notifications"] == {"toolsListChanged": True}
    commands = []
    talk.steering.on_view[:] = [lambda surfaces: commands.extend(talk.run(Viewed(surfaces, talk.now())))]
    talk.to_client.clear()
    talk.steering.view.show(["tool:x"])
    params = {"_meta": {SUBSCRIPTION: "7"}}
    said = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": params}
    assert [as_json(raw) for raw in talk.to_client] == [said]
    assert next(one for one in commands if hasattr(one, "data") and hasattr(one, "answers")).stream == 3


def test_a_subscription_does_not_ask_for_what_is_hidden_and_its_updates_do_not_come():
    talk = Viewer()
    talk.steering.view.hide(["resource:secret:*"])
    body = asks(
        "subscriptions/listen", modern=True, notifications={"resourceSubscriptions": ["a", "secret:b"]}
    )
    talk.client(body)
    assert as_json(talk.to_server[-1])["params"]["notifications"] == {"resourceSubscriptions": ["a"]}
    at = talk.server(
        {"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "secret:b"}}
    )
    assert talk.words(at) == ["dropped"]


def test_the_last_wish_counts_and_shown_again_is_back_to_the_bytes():
    talk = Viewer()
    talk.greets()
    view = talk.steering.view
    view.hide(["admin_*"])
    view.show(["admin_b"])
    assert (view.hidden(Surface.TOOLS, "admin_b"), view.hidden(Surface.TOOLS, "admin_c")) == ("", "admin_*")
    view.show(["admin_*"])
    assert not view.active
    talk.client(asks("tools/list"))
    at = talk.server(PAGE)
    assert (talk.to_client[-1], talk.words(at)) == (PAGE, ["plain"])
    view.show_only(["a", "prompt:p"])
    assert [view.hidden(Surface.TOOLS, name) for name in "ac"] == ["", "only a"]
    assert view.hidden(Surface.PROMPTS, "q") == "only p"
    assert view.hidden(Surface.RESOURCES, "q") == ""
    view.show(["*"])
    assert not view.active


def test_other_traffic_passes_as_it_came():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["x"])
    for body in (
        call(1, "y"),
        asks("tools/list", 2),
        cancel(1),
        {"jsonrpc": "2.0", "id": 3, "method": "ping"},
    ):
        at = talk.client(body)
        assert talk.words(at) == ["plain"]
    assert talk.words(talk.server(result(1))) == ["plain"]
    assert talk.words(talk.server({"jsonrpc": "2.0", "id": 2, "error": {"code": 1, "message": "x"}})) == [
        "plain"
    ]
    assert (C2S, S2C) == (C2S, S2C)


def test_a_name_that_is_given_away_hides_the_servers_own_tool_of_that_name():
    talk = Viewer()
    talk.greets()
    talk.steering.view.rename("search", Face("find"))
    talk.client(asks("tools/list", 1))
    tools = [{"name": "search"}, {"name": "find"}, {"name": "other"}]
    talk.server({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}})
    names = [tool["name"] for tool in as_json(talk.to_client[-1])["result"]["tools"]]
    assert names == ["find", "other"]
    assert talk.steering.view.hidden(Surface.TOOLS, "find") == "rename search"
    talk.client(call(2, "find"))
    assert as_json(talk.to_server[-1])["params"]["name"] == "search"


def test_two_tools_may_swap_their_names():
    talk = Viewer()
    talk.greets()
    talk.steering.view.rename("a", Face("b"))
    talk.steering.view.rename("b", Face("a"))
    talk.client(asks("tools/list", 1))
    talk.server(
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "n": 1}, {"name": "b", "n": 2}]}}
    )
    shown = {tool["name"]: tool["n"] for tool in as_json(talk.to_client[-1])["result"]["tools"]}
    assert shown == {"b": 1, "a": 2}
    talk.client(call(2, "a"))
    assert as_json(talk.to_server[-1])["params"]["name"] == "b"


def test_a_session_that_ends_without_asking_again_says_so():
    talk = Viewer()
    talk.greets()
    talk.steering.view.hide(["tool:search"])
    talk.run(Ended(talk.now()))
    assert "the client has ended without asking for its tools again" in talk.notes
