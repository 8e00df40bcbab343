"""A stdio server that offers what ``tools.json`` beside its LOG says: ``offering_server.py LOG``."""

import json
import sys
from pathlib import Path


def answer(message, tools):
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        capabilities = {"tools": {"listChanged": True}}
        info = {"name": "offering", "version": "1"}
        return {"result": {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": info}}
    if method == "tools/list":
        return {"result": {"tools": json.loads(tools.read_text())}}
    if method == "tools/call" and params["name"] == "fails":
        return {"error": {"code": -32001, "message": "it fails"}}
    if method == "tools/call":
        text = json.dumps(params.get("arguments", {}))
        return {"result": {"content": [{"type": "text", "text": text}], "isError": params["name"] == "errs"}}
    return {"result": {}}


def main():
    tools = Path(sys.argv[1]).with_name("tools.json")
    with open(sys.argv[1], "ab", buffering=0) as log:
        for line in sys.stdin.buffer:
            log.write(line)
            message = json.loads(line)
            if "method" in message and "id" in message:
                told = {"jsonrpc": "2.0", "id": message["id"], **answer(message, tools)}
                sys.stdout.write(json.dumps(told) + "\n")
                sys.stdout.flush()


main()
