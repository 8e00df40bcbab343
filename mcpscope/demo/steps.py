"""The steps that scripts of the demo's client are made of."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from mcpscope.demo.stage import LEGACY, Json

CAPABILITIES: Json = {"sampling": {}, "elicitation": {"form": {}}, "roots": {"listChanged": True}}
INFO: Json = {"name": "demo-client", "version": "1.0.0"}


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request; go on with its answer, or at once with its id if ``wait`` is false."""

    method: str
    params: Json | None = None
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a notification."""

    method: str
    params: Json | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for so many seconds, as people do."""

    seconds: float


Step = Ask | Tell | Pause
Script = Generator[Step, Any, None]


def hello(*, modern: bool) -> Script:
    """The opening of either era."""
    if modern:
        yield Ask("server/discover")
    else:
        opening: Json = {"protocolVersion": LEGACY, "capabilities": CAPABILITIES, "clientInfo": INFO}
        yield Ask("initialize", opening)
        yield Tell("notifications/initialized")
