"""What MCP says: messages, framing, SSE, methods per revision, headers, answers.

May import orjson and nothing of ours but errors and text.
"""
