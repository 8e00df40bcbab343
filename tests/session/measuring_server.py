"""plain_server.py with one tool more, ``measure``, that declares what its structured result looks like."""

import plain_server

plain = plain_server.answer
OUTPUT = {"type": "object", "properties": {"celsius": {"type": "number"}}, "required": ["celsius"]}
TOOL = {"name": "measure", "inputSchema": {"type": "object"}, "outputSchema": OUTPUT}


def answer(message):
    params = message.get("params", {})
    if message["method"] == "tools/list":
        return {"tools": [*plain(message)["tools"], TOOL]}
    if params.get("name") == "measure":
        return {"content": [{"type": "text", "text": "mild"}], "structuredContent": {"celsius": 21.5}}
    return plain(message)


plain_server.answer = answer
plain_server.main()
