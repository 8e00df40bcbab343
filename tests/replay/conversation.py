"""A scripted legacy client for servers that need no SDK: a list of calls, answers kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Client:
    """Speaks to ``argv`` over its pipes; samples with a fixed answer, and says what its fields hold."""

    def __init__(self, argv: list[str]) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self._id = 0
        self.roots: list[str] = []
        self.elicited: dict[str, object] = {"action": "cancel"}
        self.asked: list[str] = []

    def open(self) -> Any:
        """The handshake."""
        info = {"name": "script", "version": "1"}
        answer = self.say(
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={"sampling": {}, "roots": {}, "elicitation": {}},
            clientInfo=info,
        )
        self.send({"method": "notifications/initialized"})
        return answer

    def say(self, method: str, **params: Any) -> Any:
        self._id += 1
        self.send({"id": self._id, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self._id and "method" not in message:
                return message.get("result", message.get("error"))
            self._reply(message)

    def wait_asked(self, count: int) -> None:
        """Answer what the server asks until it has asked ``count`` times in all."""
        while len(self.asked) < count:
            self._reply(self.read())

    def _reply(self, message: dict[str, Any]) -> None:
        if "method" not in message or "id" not in message:
            return
        result: dict[str, Any] = {}
        if message["method"] == "sampling/createMessage":
            content = {"type": "text", "text": "forty-two"}
            result = {"role": "assistant", "model": "m", "content": content}
        if message["method"] == "roots/list":
            result = {"roots": [{"uri": uri} for uri in self.roots]}
        if message["method"] == "elicitation/create":
            result = self.elicited
        self.send({"id": message["id"], "result": result})
        self.asked.append(message["method"])

    def call(self, tool: str, /, **arguments: Any) -> Any:
        return self.say("tools/call", name=tool, arguments=arguments)

    def send(self, body: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **body}).encode() + b"\n")
        self._process.stdin.flush()

    def read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        code = self._process.wait(30)
        self._process.stdout.close()
        return code
