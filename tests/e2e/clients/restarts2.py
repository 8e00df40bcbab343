"""A client of the ``mcp`` SDK 2.x that lives through a restart: ``restarts2.py MODE FOLDER COMMAND…|URL``.

It says in FOLDER when it has called (``called``), and calls again when it finds ``again`` there.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

HEARD: list[str] = []


async def heard(message: Any) -> None:
    HEARD.append(str(getattr(message, "method", type(message).__name__)))


async def main(mode: str, folder: Path, target: list[str]) -> None:
    place: Any = target[0]
    if "://" not in target[0]:
        place = StdioServerParameters(command=target[0], args=target[1:])
    client = Client(place, mode=mode, read_timeout_seconds=60, message_handler=heard, cache=None)
    async with client as session:
        results = [await call(session)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(slow, session, results)
            await anyio.sleep(0.5)
            (folder / "called").touch()
            with anyio.fail_after(60):
                while not (folder / "again").exists():
                    await anyio.sleep(0.05)
            results.append(await call(session))
        await anyio.sleep(0.3)
        modern = session.protocol_version >= "2026"
    print(json.dumps({"results": results, "heard": HEARD, "modern": modern}))


async def call(session: Client) -> str:
    found = await session.call_tool("add", {"a": 2, "b": 3})
    block = found.content[0]
    return block.text if isinstance(block, TextContent) else "?"


async def slow(session: Client, results: list[str]) -> None:
    """A call that is open when the server goes."""
    try:
        await session.call_tool("slow", {"seconds": 30})
    except Exception as error:
        results.append(str(error))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
