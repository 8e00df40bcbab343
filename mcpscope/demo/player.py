"""The demo's client: plays a script, answers the server's questions, retries what asks for input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from mcpscope.demo import stage
from mcpscope.demo.stage import MODERN, VERSION_KEY, Json, Stage
from mcpscope.demo.steps import CAPABILITIES, INFO, Ask, Pause, Script, Tell

ROOTS: Json = {"roots": [{"uri": "file:///home/ada/notes", "name": "notes"}]}


class DemoClient:
    """Plays a script, answers the server's questions, and says when it is done.

    ``pace`` multiplies every pause: 1 is a person's, 0 has no pauses at all.
    """

    def __init__(
        self, on: Stage, script: Script, done: Callable[[], None], *, modern: bool, pace: float
    ) -> None:
        self.stage = on
        self.modern = modern
        self._script = script
        self._done = done
        self._pace = pace
        self._next_id = 0
        self._awaited: Any = None
        self._asked: dict[int, tuple[str, Json]] = {}

    def __repr__(self) -> str:
        return f"<DemoClient next_id={self._next_id} awaited={self._awaited} modern={self.modern}>"

    def start(self) -> None:
        """Take the first step."""
        self._go_on(None)

    def receive(self, raw: bytes) -> None:
        """Take one line from the server."""
        try:
            message = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return  # a sloppy server's print: clients go on
        method = message.get("method")
        if method is None:
            self._answered(message)
        elif "id" in message:
            answer = answer_to(method)
            self.stage.later(0.6 * self._pace, lambda: self.stage.send(stage.result(message["id"], answer)))
        elif method == "notifications/tools/list_changed":
            self._send(Ask("tools/list"))

    def _go_on(self, value: Any) -> None:
        while True:
            try:
                step = self._script.send(value)
            except StopIteration:
                self._done()
                return
            value = None
            match step:
                case Pause(seconds):
                    self.stage.later(seconds * self._pace, lambda: self._go_on(None))
                    return
                case Tell(method, params):
                    self.stage.send(stage.notification(method, params))
                case Ask(wait=wait):
                    value = self._send(step)
                    if wait:
                        self._awaited = value
                        return

    def _send(self, step: Ask, more: Json | None = None) -> int:
        number = self._next_id
        self._next_id += 1
        params: Json = {**(step.params or {}), **(more or {})}
        meta: Json = {}
        if step.method == "tools/call":
            meta["progressToken"] = number
        if self.modern:
            meta |= {VERSION_KEY: MODERN, "io.modelcontextprotocol/clientCapabilities": CAPABILITIES}
            meta["io.modelcontextprotocol/clientInfo"] = INFO
        if meta:
            params["_meta"] = meta
        self._asked[number] = step.method, step.params or {}
        self.stage.send(stage.request(number, step.method, params or None))
        return number

    def _answered(self, message: Json) -> None:
        number = message.get("id")
        found = message.get("result", {})
        if found.get("resultType") == "input_required":
            self._retry(number, found)
        elif number == self._awaited:
            self._awaited = None
            self._go_on(message)

    def _retry(self, number: Any, found: Json) -> None:
        """Send the request once more, with what it asked for, under a new id."""
        method, params = self._asked[number]
        answers = {key: answer_to(wanted["method"]) for key, wanted in found["inputRequests"].items()}
        more: Json = {"inputResponses": answers, "requestState": found["requestState"]}

        def again() -> None:
            retried = self._send(Ask(method, params), more)
            if self._awaited == number:
                self._awaited = retried

        self.stage.later(0.6 * self._pace, again)


def answer_to(method: str) -> Json:
    """What this client says when a server asks it something."""
    if method == "sampling/createMessage":
        content: Json = {"type": "text", "text": "Freeze Thursday, notes by Friday."}
        return {"role": "assistant", "content": content, "model": "demo-model", "stopReason": "endTurn"}
    if method == "elicitation/create":
        return {"action": "accept", "content": {"time": "20:30"}}
    return ROOTS if method == "roots/list" else {}
