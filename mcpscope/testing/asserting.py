"""One call of a server from a test, and one answer beside another."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcpscope.replay.caller import Caller
from mcpscope.replay.compare import compare
from mcpscope.replay.json_paths import Mask
from mcpscope.replay.report import difference_line
from mcpscope.replay.verdicts import Strictness
from mcpscope.testing.stand_in import Server, is_url, words_of

CALL_SECONDS = 30.0


def ask(
    server: Server,
    tool: str,
    arguments: dict[str, Any],
    *,
    modern: bool = False,
    timeout: float = CALL_SECONDS,
) -> dict[str, Any]:
    """The answer to one tool call by the built-in client: ``{"result": …}`` or ``{"error": …}``.

    ``modern``: in the revisions that need no handshake, from the start.
    """
    words = words_of(server)
    target = words if is_url(words) else ["--", *words]
    with (
        tempfile.TemporaryDirectory(prefix="mcpscope-test-", ignore_cleanup_errors=True) as folder,
        Caller(target, Path(folder) / "mcpscope.db", timeout, modern=modern) as caller,
    ):
        answer = caller.call(tool, arguments)
    return {key: answer[key] for key in ("result", "error") if key in answer}


def call(server: Server, tool: str, arguments: dict[str, Any], *, timeout: float = CALL_SECONDS) -> Any:
    """The result of one tool call; a JSON-RPC error fails the test."""
    answer = ask(server, tool, arguments, timeout=timeout)
    if "error" in answer:
        error = answer["error"]
        raise AssertionError(f"{tool} was answered with error {error.get('code')}: {error.get('message')}")
    return answer.get("result")


def assert_same(now: Any, was: Any, *, masks: Sequence[str] = (), level: str = "semantic") -> None:
    """Fail with the places where two results (or whole answers, see ``ask``) differ, as a replay would.

    ``masks`` are JSON paths such as ``$.result.content[*].text~``.
    """
    __tracebackhide__ = True  # pytest shows the test, not us
    found = compare(_answer(was), _answer(now), masks=[Mask(mask) for mask in masks])
    counted = [one for one in found if one.level >= Strictness(level).from_level]
    if counted:
        lines = "\n".join(f"  {difference_line(one)}" for one in counted)
        raise AssertionError(f"the answer is not as it was:\n{lines}")


def _answer(value: Any) -> dict[str, Any]:
    whole = isinstance(value, dict) and len(value) == 1 and not value.keys().isdisjoint(("result", "error"))
    return value if whole else {"result": value}
