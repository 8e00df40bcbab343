"""Calls tools with the ``mcp`` SDK 2.x: ``calls2.py MODE CALLS COMMAND...``; prints what each came to.

CALLS is a JSON array of ``[tool, arguments, seconds]``; a call is given up after so many seconds.
"""

from __future__ import annotations

import json
import sys

import anyio
from mcp import Client, MCPError, StdioServerParameters, types


async def sample(context, params):
    said = params.messages[0].content
    text = types.TextContent(type="text", text=f"dreamt {said.text}")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stop_reason="endTurn")


async def elicit(context, params):
    return types.ElicitResult(action="accept", content={"colour": "green"})


async def main(mode: str, calls: list[list], command: list[str]) -> None:
    found: list[object] = []
    place = StdioServerParameters(command=command[0], args=command[1:])
    answers = {"sampling_callback": sample, "elicitation_callback": elicit}
    async with Client(place, mode=mode, cache=None, **answers) as session:
        await session.list_tools()
        for tool, arguments, seconds in calls:
            try:
                result = await session.call_tool(tool, arguments, read_timeout_seconds=seconds)
                found.append([bool(result.is_error), result.content[0].text if result.content else ""])
            except MCPError as error:
                found.append([error.error.code, error.error.message])
    print(json.dumps(found))


anyio.run(main, sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:])
