"""The tests of somebody else's project; run by tests/testing/test_plugin.py, in a copy."""

import json
import socket
import sys
import urllib.request
from typing import Any

import pytest

pytestmark = pytest.mark.mcpscope("shop", server=[sys.executable, "shop.py"], expires="30d")
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


class Client:
    """Just enough of Streamable HTTP."""

    def __init__(self, url: str) -> None:
        self.url, self.session, self.id = url, "", 0
        self.say("initialize", **HELLO)
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def say(self, method: str, **params: Any) -> Any:
        self.id += 1
        return json.loads(self.post({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}))

    def post(self, body: Any) -> bytes:
        head = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        head |= {"Mcp-Session-Id": self.session} if self.session else {}
        request = urllib.request.Request(self.url, json.dumps(body).encode(), head)
        with urllib.request.urlopen(request) as answer:
            self.session = answer.headers.get("Mcp-Session-Id") or self.session
            found: bytes = answer.read()
            return found


def test_the_price_of_tea(mcpscope_url: str) -> None:
    said = Client(mcpscope_url).say("tools/call", name="price", arguments={"item": "tea"})
    assert json.loads(said["result"]["content"][0]["text"]) == {"item": "tea", "price": 5}


def test_the_server_answers_as_recorded(mcpscope_replay: Any) -> None:
    mcpscope_replay()


def test_a_client_on_stdio(mcpscope: Any) -> None:
    assert mcpscope.call("price", {"item": "tea"})["content"][0]["type"] == "text"


def test_reaches_out() -> None:
    with pytest.raises(RuntimeError, match="a recording stands in for the network"):
        socket.create_connection(("127.0.0.1", 9), timeout=1)
    with pytest.raises(RuntimeError, match=r"looking up example\.org was refused"):
        urllib.request.urlopen("http://example.org/")
