"""The revisions of MCP, their two eras, and the keys of the modern per-request envelope."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

META_PREFIX: Final = "io.modelcontextprotocol/"
PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"
LOG_LEVEL: Final = "io.modelcontextprotocol/logLevel"
SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"
RELATED_TASK: Final = "io.modelcontextprotocol/related-task"
TASKS_EXTENSION: Final = "io.modelcontextprotocol/tasks"


class Era(StrEnum):
    """Legacy revisions have ``initialize``; modern ones say everything with every request."""

    LEGACY = "legacy"
    MODERN = "modern"


REVISIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
FIRST_MODERN: Final = "2026-07-28"
LATEST: Final = REVISIONS[-1]
LATEST_LEGACY: Final = "2025-11-25"
HTTP_DEFAULT: Final = "2025-03-26"
"""What a server assumes for an HTTP request that names no version (2025-06-18, "Protocol Version Header")."""


def era_of(revision: str) -> Era:
    """The era of a revision by its date; words that are no date ("draft") are modern, "" is legacy."""
    if not revision or (revision[:1].isdigit() and revision < FIRST_MODERN):
        return Era.LEGACY
    return Era.MODERN


def is_known(revision: str) -> bool:
    return revision in REVISIONS


def declared(meta: dict[str, Any]) -> str:
    """The revision that a modern request names in its ``_meta``, "" if it names none."""
    found = meta.get(PROTOCOL_VERSION)
    return found if isinstance(found, str) else ""
