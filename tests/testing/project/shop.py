"""A server as somebody else writes one: one tool, whose answer changes when the file ``dearer`` is there."""

import json
import sys
from pathlib import Path
from typing import Any


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        info = {"name": "shop", "version": "1"}
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [{"name": "price", "inputSchema": {"type": "object"}}]}
    price = 7 if Path("dearer").exists() else 5
    said = {"item": params["arguments"]["item"], "price": price}
    return {"content": [{"type": "text", "text": json.dumps(said)}]}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answer(message["method"], message.get("params", {}))
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}) + "\n")
        sys.stdout.flush()
