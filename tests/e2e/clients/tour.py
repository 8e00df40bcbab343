"""What every client script does with a server, and the record of it: results, and what was done.

Runs under the interpreters of the SDKs, so it imports neither pytest nor mcpscope. A step's result is what
the SDK gave back, as JSON; ``did`` is what must be found in a recording of the run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable
from typing import Any


class Tour:
    """Collects results in order; ``seen`` gathers the notifications that came in since the last step."""

    def __init__(self) -> None:
        self.results: list[list[Any]] = []
        self.did: list[dict[str, Any]] = []
        self.seen: list[Any] = []

    async def step(self, method: str, name: str | None, call: Awaitable[Any]) -> Any:
        """Await one request, note what it gave, and return it (None after an error)."""
        found: Any = None
        try:
            found = await call
            result = plain(found)
            status = "tool-error" if result.get("isError") else "ok"
        except Exception as error:  # whatever the SDK raises is the result that is compared
            result, status = {"raised": type(error).__name__, "text": str(error)}, "rpc-error"
        self.results.append([method, name, result, self.take()])
        self.did.append({"method": method, "name": name, "status": status})
        return found

    def take(self) -> list[Any]:
        """The notifications since the last call of this."""
        seen, self.seen = self.seen, []
        return seen

    def note(self, kind: str, *values: Any) -> None:
        """Remember a notification or a request of the server."""
        self.seen.append([kind, *(plain(value) for value in values)])

    def print(self, **more: Any) -> None:
        """Write everything as one JSON document to stdout."""
        json.dump({**more, "results": self.results, "did": self.did}, sys.stdout, sort_keys=True)


def plain(value: Any) -> Any:
    """A pydantic model as JSON, with the names of the wire."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json", by_alias=True, exclude_none=True) if dump else value


def tools_of(name: str) -> list[tuple[str, dict[str, Any]]]:
    """The tool calls to make, by the server's own name: what it is there for, then what goes wrong."""
    if "everything" in name:
        return [
            ("echo", {"message": "hällo \u2028 \u0007 ]]>"}),
            ("get-sum", {"a": 2, "b": 3.5}),
            ("get-structured-content", {"location": "Chicago"}),
            ("get-tiny-image", {}),
            ("get-annotated-message", {"messageType": "error", "includeImage": True}),
            ("get-resource-links", {"count": 2}),
            ("get-resource-reference", {"resourceType": "Blob", "resourceId": 2}),
            ("trigger-long-running-operation", {"duration": 0.3, "steps": 3}),
            ("get-roots-list", {}),
            ("trigger-sampling-request", {"prompt": "two words", "maxTokens": 10}),
            ("trigger-elicitation-request", {}),
            ("get-sum", {"a": "not a number", "b": 1}),
            ("no-such-tool", {}),
        ]
    return [
        ("add", {"a": 2, "b": 3}),
        ("count", {"to": 3}),
        ("ask", {}),
        ("dream", {"prompt": "two words"}),
        ("where", {}),
        ("whisper", {"text": "psst \u2028 \u001b[31m"}),
        ("picture", {}),
        ("fail", {}),
        ("add", {"a": "no number", "b": 1}),
        ("no-such-tool", {}),
    ]


def resources_of(name: str) -> list[str]:
    """The resources to read; the last one does not exist."""
    if "everything" in name:
        return ["demo://resource/static/document/features.md", "demo://no/such"]
    return ["note://static", "note://by-name/x%20y", "note://no/such"]


def prompts_of(name: str) -> list[tuple[str, dict[str, str]]]:
    """The prompts to get; the last one does not exist."""
    if "everything" in name:
        return [("simple-prompt", {}), ("args-prompt", {"city": "Bern"}), ("no-such-prompt", {})]
    return [("greet", {"name": "Ada"}), ("no-such-prompt", {})]


def completion_of(name: str) -> tuple[str, str, str]:
    """Prompt, argument and value to complete."""
    return ("completable-prompt", "department", "E") if "everything" in name else ("greet", "name", "A")
