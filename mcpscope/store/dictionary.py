"""The first compression dictionary: what MCP messages are made of, so that single small bodies compress too.

Any bytes are a valid dictionary; the most frequent text stands last, where it is cheapest to refer to. Each
database holds the dictionaries its bodies need, so this text may change between versions.
"""

from __future__ import annotations

_SEEDS = (
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","logger":"server","data":"',
    '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}{"jsonrpc":"2.0","method":'
    '"notifications/cancelled","params":{"requestId":1,"reason":"',
    '{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":'
    '{"type":"text","text":"',
    '{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"","requestedSchema":{"type":',
    '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":'
    '{"listChanged":true},"sampling":{},"elicitation":{}},"clientInfo":{"name":"client","version":"1.0.0"}}}',
    '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{"listChanged":true},'
    '"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"logging":{},"completions":{}},'
    '"serverInfo":{"name":"server","title":"","version":"1.0.0"},"instructions":"',
    '{"jsonrpc":"2.0","method":"notifications/initialized"}{"jsonrpc":"2.0","id":1,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///',
    '{"jsonrpc":"2.0","id":1,"result":{"contents":[{"uri":"file:///","mimeType":"text/plain","text":"',
    '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"","arguments":{"',
    '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"","title":"","description":"The ","inputSchema":{'
    '"type":"object","properties":{"path":{"type":"string","description":"","title":""},"limit":{"type":"integer","default":10},'
    '"query":{"type":"string"}},"required":["path"],"additionalProperties":false,"$schema":'
    '"http://json-schema.org/draft-07/schema#"},"annotations":{"readOnlyHint":true,"destructiveHint":false}}],"nextCursor":"',
    '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"client",'
    '"version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{}}',
    '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params","data":{"',
    '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1,"total":10,"message":"',
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"","annotations":null,"_meta":null}],'
    '"structuredContent":{"result":""},"isError":false}}',
    '{"method":"tools/call","params":{"name":"search","arguments":{"query":"","limit":10},"_meta":{"progressToken":1}},'
    '"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1},"name":"","arguments":{"',
)

FIRST_DICTIONARY = "".join(_SEEDS).encode()
