"""Calls tools with the ``mcp`` SDK 1.x: ``calls1.py CALLS COMMAND...``; prints what each came to.

CALLS is a JSON array of ``[tool, arguments, seconds]``; a call is given up after so many seconds.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import anyio
from mcp import ClientSession, McpError, StdioServerParameters, types
from mcp.client.stdio import stdio_client


async def sample(context, params):
    said = params.messages[0].content
    text = types.TextContent(type="text", text=f"dreamt {said.text}")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stopReason="endTurn")


async def elicit(context, params):
    return types.ElicitResult(action="accept", content={"colour": "green"})


async def main(calls: list[list], command: list[str]) -> None:
    found: list[object] = []
    place = StdioServerParameters(command=command[0], args=command[1:])
    async with (
        stdio_client(place) as (read, write),
        ClientSession(read, write, sampling_callback=sample, elicitation_callback=elicit) as session,
    ):
        await session.initialize()
        await session.list_tools()
        for tool, arguments, seconds in calls:
            try:
                limit = timedelta(seconds=seconds)
                result = await session.call_tool(tool, arguments, read_timeout_seconds=limit)
                found.append([bool(result.isError), result.content[0].text if result.content else ""])
            except McpError as error:
                found.append([error.error.code, error.error.message])
    print(json.dumps(found))


anyio.run(main, json.loads(sys.argv[1]), sys.argv[2:])
