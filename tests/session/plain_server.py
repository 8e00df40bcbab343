"""A stdio server for tests of the wire: ``plain_server.py LOG`` writes every line it reads to LOG."""

import json
import sys

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}


def say(body):
    sys.stdout.write(json.dumps(body) + "\n")
    sys.stdout.flush()


def answer(message):
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        info = {"name": "plain", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [{"name": "echo", "inputSchema": SCHEMA}, {"name": "slow", "inputSchema": SCHEMA}]}
    if method == "tools/call":
        token = params.get("_meta", {}).get("progressToken")
        if token is not None:
            for n in (1, 2):
                note = {"progressToken": token, "progress": n}
                say({"jsonrpc": "2.0", "method": "notifications/progress", "params": note})
        return {"content": [{"type": "text", "text": json.dumps(params.get("arguments", {}))}]}
    return {}


def main():
    with open(sys.argv[1], "ab", buffering=0) as log:
        for line in sys.stdin.buffer:
            log.write(line)
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if isinstance(message, dict) and "method" in message and "id" in message:
                say({"jsonrpc": "2.0", "id": message["id"], "result": answer(message)})


if __name__ == "__main__":
    main()
