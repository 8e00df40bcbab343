"""A client of the ``mcp`` SDK 1.x: ``sdk1.py COMMAND...`` or ``sdk1.py URL``; prints what it got and did."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
from tour import Tour, completion_of, prompts_of, resources_of, tools_of

TOUR = Tour()


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    TOUR.note("sampling/createMessage", params)
    text = types.TextContent(type="text", text="blue whale")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stopReason="endTurn")


async def elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    TOUR.note("elicitation/create", params)
    return types.ElicitResult(action="accept", content={"colour": "green", "name": "Ada"})


async def roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///home/ada", name="home")])  # type: ignore[arg-type]


async def log(params: types.LoggingMessageNotificationParams) -> None:
    TOUR.note("notifications/message", params)


async def progress(done: float, total: float | None, message: str | None) -> None:
    TOUR.note("notifications/progress", done, total, message)


@asynccontextmanager
async def connect(target: list[str]):  # type: ignore[no-untyped-def]
    """The two streams of any transport."""
    if target[0].endswith("/sse"):
        async with sse_client(target[0]) as (read, write):
            yield read, write
    elif "://" in target[0]:
        async with streamablehttp_client(target[0]) as (read, write, _):
            yield read, write
    else:
        async with stdio_client(StdioServerParameters(command=target[0], args=target[1:])) as (read, write):
            yield read, write


async def main(target: list[str]) -> None:
    async with (
        connect(target) as (read, write),
        ClientSession(
            read, write, timedelta(seconds=60), sample, elicit, roots, log, client_info=_info()
        ) as session,
    ):
        found = await TOUR.step("initialize", None, session.initialize())
        name = found.serverInfo.name
        await anyio.sleep(0.3)  # a server may look at the roots now, and offer more tools afterwards
        TOUR.take()
        await TOUR.step("ping", None, session.send_ping())
        await TOUR.step("logging/setLevel", None, session.set_logging_level("debug"))
        await TOUR.step("tools/list", None, session.list_tools())
        for tool, arguments in tools_of(name):
            call = session.call_tool(tool, arguments, progress_callback=progress)
            await TOUR.step("tools/call", tool, call)
        await TOUR.step("resources/list", None, session.list_resources())
        await TOUR.step("resources/templates/list", None, session.list_resource_templates())
        for uri in resources_of(name):
            await TOUR.step("resources/read", uri, session.read_resource(uri))  # type: ignore[arg-type]
        await TOUR.step("prompts/list", None, session.list_prompts())
        for prompt, filled in prompts_of(name):
            await TOUR.step("prompts/get", prompt, session.get_prompt(prompt, filled))
        prompt, argument, value = completion_of(name)
        ref = types.PromptReference(type="ref/prompt", name=prompt)
        await TOUR.step(
            "completion/complete", prompt, session.complete(ref, {"name": argument, "value": value})
        )
        if "sdk" in name:
            await given_up(session)
            await TOUR.step("tools/call", "change", session.call_tool("change", {}))
    TOUR.print(server=name)


async def given_up(session: ClientSession) -> None:
    """A call that the client cancels; the answer, if any, comes too late."""
    request = types.CallToolRequest(
        method="tools/call", params=types.CallToolRequestParams(name="slow", arguments={"seconds": 30})
    )
    number = session._request_id
    with anyio.move_on_after(0.3):
        await session.send_request(types.ClientRequest(request), types.CallToolResult)
    cancelled = types.CancelledNotification(
        method="notifications/cancelled",
        params=types.CancelledNotificationParams(requestId=number, reason="enough"),
    )
    await session.send_notification(types.ClientNotification(cancelled))
    TOUR.did.append({"method": "tools/call", "name": "slow", "status": "cancelled"})
    await anyio.sleep(0.2)


def _info() -> types.Implementation:
    return types.Implementation(name="sdk1-client", version="1")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1:])
