"""Recordings in test suites: a stand-in for a server, a replay that asserts, and the pytest plugin.

May import everything below: replay and what that stands on. These names are for other people's code, which is
why they are gathered here; they are looked up when they are asked for, because pytest imports this package in
every run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcpscope.testing.asserting import ask, assert_same, call
    from mcpscope.testing.network import Network
    from mcpscope.testing.replaying import Replayed, replay
    from mcpscope.testing.stand_in import StandIn

__all__ = ["Network", "Replayed", "StandIn", "ask", "assert_same", "call", "replay"]

_HOMES = {
    "Network": "network",
    "Replayed": "replaying",
    "StandIn": "stand_in",
    "ask": "asserting",
    "assert_same": "asserting",
    "call": "asserting",
    "replay": "replaying",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
