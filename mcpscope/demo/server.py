"""The demo's MCP server: speaks both eras over stdio, ``python -m mcpscope.demo.server [--seed N]``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import orjson

from mcpscope.demo import catalog, stage
from mcpscope.demo.process import StdioStage
from mcpscope.demo.stage import LEGACY, MODERN, VERSION_KEY, Json, Stage
from mcpscope.demo.tools import TOOLS, Call

_CAPABILITIES: Json = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True},
    "prompts": {},
    "completions": {},
    "logging": {},
}
_INFO: Json = {"name": "mcpscope-demo", "title": "Demo server", "version": "1.0.0"}


class DemoServer:
    """Answers what a client says; everything that takes time goes through the stage's ``later``."""

    def __init__(self, on: Stage, seed: int = 1) -> None:
        self.stage = on
        self.seed = seed
        self.upgraded = False
        self.modern = False
        self.open: dict[Any, Call] = {}
        self._asked: dict[int, Callable[[Json], None]] = {}
        self._subscription: Any = None
        self._next_id = 0

    def __repr__(self) -> str:
        return f"<DemoServer open={list(self.open)} asked={list(self._asked)} upgraded={self.upgraded}>"

    def receive(self, raw: bytes) -> None:
        """Take one line from the client."""
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError as problem:
            self.stage.send(stage.error(None, -32700, f"Parse error: {problem}"))
            return
        method = message.get("method")
        if method is None:
            self._answered(message)
        elif "id" in message:
            self.modern = VERSION_KEY in message.get("params", {}).get("_meta", {})
            self._request(message["id"], method, message.get("params", {}))
        elif method == "notifications/cancelled":
            self._cancelled(message["params"]["requestId"])

    def ask(self, method: str, params: Json, then: Callable[[Json], None]) -> None:
        """Send the client a request of ours; ids count from 0 and so collide with the client's."""
        number = self._next_id
        self._next_id += 1
        self._asked[number] = then
        self.stage.send(stage.request(number, method, params))

    def reply(self, number: Any, found: Json, *, modern: bool) -> None:
        """Answer a request; the newer era wants to be told that a result is complete."""
        self.open.pop(number, None)
        extra: Json = {"resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": _INFO}}
        self.stage.send(stage.result(number, {**extra, **found} if modern else found))

    def refuse(self, number: Any, code: int, message: str) -> None:
        """Answer a request with an error."""
        self.open.pop(number, None)
        self.stage.send(stage.error(number, code, message))

    def upgrade(self) -> None:
        """Change a tool's definition under the client's eyes."""
        self.upgraded = True
        about: Json = {"io.modelcontextprotocol/subscriptionId": self._subscription}
        params: Json | None = None if self._subscription is None else {"_meta": about}
        self.stage.send(stage.notification("notifications/tools/list_changed", params))

    def _answered(self, message: Json) -> None:
        then = self._asked.pop(message.get("id", -1), None)
        if then and "result" in message:
            then(message["result"])

    def _cancelled(self, number: Any) -> None:
        call = self.open.get(number)
        if call and call.name == "wait_for_event":
            # The answer was on its way when the client gave up: it arrives late.
            self.stage.later(0.4, lambda: call.text("the event came after all"))
        elif call:
            self.open.pop(number)

    def _request(self, number: Any, method: str, params: Json) -> None:
        handler = _METHODS.get(method)
        if handler:
            handler(self, number, params)
        else:
            self.refuse(number, -32601, f"Method not found: {method}")

    def _initialize(self, number: Any, params: Json) -> None:
        asked = params.get("protocolVersion", "")
        version = asked if asked < MODERN else LEGACY
        found: Json = {"protocolVersion": version, "capabilities": _CAPABILITIES, "serverInfo": _INFO}
        self.reply(
            number, {**found, "instructions": "A server to look at. Nothing here is real."}, modern=False
        )
        self.stage.complain("demo server: ready")

    def _discover(self, number: Any, params: Json) -> None:
        self._listed(number, supportedVersions=[MODERN, LEGACY], capabilities=_CAPABILITIES)
        self.stage.complain("demo server: ready")

    def _listed(self, number: Any, **found: Any) -> None:
        caching: Json = {"ttlMs": 0, "cacheScope": "private"} if self.modern else {}
        self.reply(number, {**found, **caching}, modern=self.modern)

    def _list_tools(self, number: Any, params: Json) -> None:
        self._listed(number, tools=catalog.tools(changed=self.upgraded))

    def _call_tool(self, number: Any, params: Json) -> None:
        name = params.get("name", "")
        run = TOOLS.get(name)
        if run is None:
            self.refuse(number, -32602, f"Unknown tool: {name}")
            return
        call = Call(self, number, params, self.modern)
        self.open[number] = call
        run(call)

    def _read(self, number: Any, params: Json) -> None:
        uri = params.get("uri", "")
        note = catalog.NOTES.get(int(uri[7:])) if uri[7:].isdigit() else None
        if note is None:
            self.refuse(number, -32602 if self.modern else -32002, f"Resource not found: {uri}")
            return
        self._listed(number, contents=[{"uri": uri, "mimeType": "text/plain", "text": note}])

    def _prompt(self, number: Any, params: Json) -> None:
        focus = params.get("arguments", {}).get("focus", "rest")
        content: Json = {"type": "text", "text": f"Plan my week. What matters most: {focus}."}
        self.reply(number, {"messages": [{"role": "user", "content": content}]}, modern=self.modern)

    def _complete(self, number: Any, params: Json) -> None:
        begun = params.get("argument", {}).get("value", "")
        values = [word for word in ("family", "focus time", "release", "rest") if word.startswith(begun)]
        self.reply(number, {"completion": {"values": values, "hasMore": False}}, modern=self.modern)

    def _listen(self, number: Any, params: Json) -> None:
        self._subscription = number
        about: Json = {"io.modelcontextprotocol/subscriptionId": number}
        acknowledged: Json = {"notifications": params.get("notifications", {}), "_meta": about}
        self.stage.send(stage.notification("notifications/subscriptions/acknowledged", acknowledged))

    def _nothing(self, number: Any, params: Json) -> None:
        self.reply(number, {}, modern=self.modern)


_METHODS: dict[str, Callable[[DemoServer, Any, Json], None]] = {
    "initialize": DemoServer._initialize,
    "server/discover": DemoServer._discover,
    "ping": DemoServer._nothing,
    "logging/setLevel": DemoServer._nothing,
    "resources/subscribe": DemoServer._nothing,
    "tools/list": DemoServer._list_tools,
    "tools/call": DemoServer._call_tool,
    "resources/list": lambda self, number, _: self._listed(number, resources=catalog.RESOURCES),
    "resources/templates/list": lambda self, number, _: self._listed(
        number, resourceTemplates=catalog.TEMPLATES
    ),
    "resources/read": DemoServer._read,
    "prompts/list": lambda self, number, _: self._listed(number, prompts=catalog.PROMPTS),
    "prompts/get": DemoServer._prompt,
    "completion/complete": DemoServer._complete,
    "subscriptions/listen": DemoServer._listen,
}


def main(arguments: list[str]) -> int:
    """Serve on standard input and output until the input ends."""
    seed = int(arguments[1]) if arguments[:1] == ["--seed"] else 1
    with StdioStage(read=0, write=1) as here:
        server = DemoServer(here, seed)
        here.run(server.receive)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
