"""A client for the conformance suite's client mode, on the ``mcp`` SDK 2.x: ``conformance2.py URL``.

The suite says by the environment which scenario it watches and which revision it wants. The client does the
same in all of them: it logs in if it is asked to, lists what there is, calls every tool, reads the rest.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx2
from mcp import Client, MCPError, types
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

SCENARIO = os.environ.get("MCP_CONFORMANCE_SCENARIO", "")
REVISION = os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25")
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
CALLBACK = "http://localhost:3000/callback"
CLIENT_ID_DOCUMENT = "https://conformance-test.local/client-metadata.json"


class Memory:
    """What the SDK's login keeps."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.registered: OAuthClientInformationFull | None = None
        if "client_id" in CONTEXT:
            secret = CONTEXT.get("client_secret")
            self.registered = OAuthClientInformationFull(
                client_id=CONTEXT["client_id"],
                client_secret=secret,
                redirect_uris=[CALLBACK],  # type: ignore[list-item]  # pydantic takes the text
                token_endpoint_auth_method="client_secret_basic" if secret else "none",
                issuer=CONTEXT.get("issuer"),
            )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registered

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registered = client_info


class Browser:
    """A person who agrees: follows the address to log in at, and takes what the redirect brings."""

    def __init__(self) -> None:
        self.brought: dict[str, list[str]] = {}

    async def visit(self, url: str) -> None:
        async with httpx2.AsyncClient(follow_redirects=False) as client:
            answer = await client.get(url)
        self.brought = parse_qs(urlsplit(answer.headers["location"]).query)

    async def back(self) -> AuthorizationCodeResult:
        first = {name: values[0] for name, values in self.brought.items()}
        return AuthorizationCodeResult(code=first["code"], state=first.get("state"), iss=first.get("iss"))


def login(url: str) -> OAuthClientProvider:
    browser = Browser()
    return OAuthClientProvider(
        server_url=url,
        client_metadata=OAuthClientMetadata(
            client_name="mcpscope-tests",
            redirect_uris=[CALLBACK],  # type: ignore[list-item]  # pydantic takes the text
            grant_types=["authorization_code", "refresh_token"],
            response_types=["code"],
        ),
        storage=Memory(),
        redirect_handler=browser.visit,
        callback_handler=browser.back,
        client_metadata_url=CLIENT_ID_DOCUMENT,
    )


async def elicit(context: Any, params: Any) -> types.ElicitResult:
    """Accept, with the defaults of the schema and yes for what has none."""
    asked = getattr(params, "requested_schema", None) or {}
    properties = asked.get("properties", {})
    content = {name: schema.get("default", True) for name, schema in properties.items()}
    return types.ElicitResult(action="accept", content=content)


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    text = types.TextContent(type="text", text="blue whale")
    return types.CreateMessageResult(role="assistant", content=text, model="none", stop_reason="endTurn")


async def roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[])


def arguments(tool: types.Tool, tools: list[types.Tool]) -> dict[str, Any]:
    """Something for everything the tool wants."""
    known = {"a": 5, "b": 3, "schema": tools[0].input_schema}
    some = {"number": 1, "integer": 1, "boolean": True, "array": [], "object": {}, "null": None}
    wanted = tool.input_schema.get("properties", {})
    return {name: known.get(name, some.get(schema.get("type"), "x")) for name, schema in wanted.items()}


async def attempt(what: Any) -> None:
    """An error of the server's is an answer, too, and one that the SDK cannot read is none of ours."""
    try:
        await what
    except (MCPError, ValueError) as error:
        print(f"no result: {error}", file=sys.stderr)


async def everything(session: Client) -> None:
    tools = (await session.list_tools()).tools
    for call in CONTEXT.get("toolCalls") or [
        {"name": tool.name, "arguments": arguments(tool, tools)} for tool in tools
    ]:
        await attempt(session.call_tool(call["name"], call["arguments"]))
    offered = session.server_capabilities
    if offered is not None and offered.resources is not None:
        for resource in (await session.list_resources()).resources:
            await attempt(session.read_resource(str(resource.uri)))
    if offered is not None and offered.prompts is not None:
        for prompt in (await session.list_prompts()).prompts:
            await attempt(session.get_prompt(prompt.name, {}))


async def main(url: str) -> None:
    async with (
        httpx2.AsyncClient(auth=login(url) if SCENARIO.startswith("auth/") else None, timeout=20) as client,
        Client(
            streamable_http_client(url, http_client=client),
            mode="auto" if REVISION >= "2026" else "legacy",
            sampling_callback=sample,
            elicitation_callback=elicit,
            list_roots_callback=roots,
            client_info=types.Implementation(name="mcpscope-tests", version="1"),
            cache=None,
        ) as session,
    ):
        await everything(session)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
