"""A client of the ``mcp`` SDK 2.x: ``sdk2.py legacy|auto|VERSION COMMAND...|URL``; prints what it did."""

from __future__ import annotations

import sys
from typing import Any

import anyio
from mcp import Client, StdioServerParameters, types
from mcp.client.sse import sse_client
from tour import Tour, completion_of, prompts_of, resources_of, tools_of

TOUR = Tour()


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    TOUR.note("sampling/createMessage", params)
    text = types.TextContent(type="text", text="blue whale")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stop_reason="endTurn")


async def elicit(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    TOUR.note("elicitation/create", params)
    return types.ElicitResult(action="accept", content={"colour": "green", "name": "Ada"})


async def roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri="file:///home/ada", name="home")])


async def log(params: types.LoggingMessageNotificationParams) -> None:
    TOUR.note("notifications/message", params)


async def progress(done: float, total: float | None, message: str | None) -> None:
    TOUR.note("notifications/progress", done, total, message)


def place(target: list[str]) -> Any:
    """What ``Client`` takes for a command line or an address."""
    if target[0].endswith("/sse"):
        return sse_client(target[0])
    if "://" in target[0]:
        return target[0]
    return StdioServerParameters(command=target[0], args=target[1:])


async def main(mode: str, target: list[str]) -> None:
    client = Client(
        place(target),
        mode=mode,
        read_timeout_seconds=60,
        sampling_callback=sample,
        elicitation_callback=elicit,
        list_roots_callback=roots,
        logging_callback=log,
        log_level=None if mode == "legacy" else "debug",
        client_info=types.Implementation(name="sdk2-client", version="2"),
        cache=None,
    )
    async with client as session:
        name = session.server_info.name if session.server_info else "sdk"
        modern = session.protocol_version >= "2026"
        await anyio.sleep(0.3)  # a server may look at the roots now, and offer more tools afterwards
        TOUR.take()
        if not modern:
            await TOUR.step("ping", None, session.send_ping())
            await TOUR.step("logging/setLevel", None, session.set_logging_level("debug"))
        await TOUR.step("tools/list", None, session.list_tools())
        for tool, arguments in tools_of(name):
            call = session.call_tool(tool, arguments, progress_callback=progress)
            await TOUR.step("tools/call", tool, call)
        await TOUR.step("resources/list", None, session.list_resources())
        await TOUR.step("resources/templates/list", None, session.list_resource_templates())
        for uri in resources_of(name):
            await TOUR.step("resources/read", uri, session.read_resource(uri))
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
            await changes(session, modern=modern)
    TOUR.print(server=name, revision=session_revision(modern=modern))


def session_revision(*, modern: bool) -> str:
    return "modern" if modern else "legacy"


async def given_up(session: Client) -> None:
    """A call whose scope the client leaves: the SDK says so to the server."""
    with anyio.move_on_after(0.3):
        await session.call_tool("slow", {"seconds": 30})
    TOUR.did.append({"method": "tools/call", "name": "slow", "status": "cancelled"})
    await anyio.sleep(0.2)


async def changes(session: Client, *, modern: bool) -> None:
    """What changes while somebody listens."""
    if not modern:
        await TOUR.step("tools/call", "change", session.call_tool("change", {}))
        return
    async with session.listen(tools_list_changed=True, resource_subscriptions=["note://static"]) as events:
        await TOUR.step("tools/call", "change", session.call_tool("change", {}))
        for _ in range(2):
            with anyio.fail_after(10):
                TOUR.note("event", str(await anext(aiter(events))))
    TOUR.did.append({"method": "subscriptions/listen", "name": None, "status": None})
    TOUR.results.append(["events", None, None, TOUR.take()])


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2:])
