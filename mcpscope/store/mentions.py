"""Where a server's own words still name what is hidden: that takes it off the lists, not out of the prose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcpscope.protocol.methods import Method
from mcpscope.store.offered import Offered
from mcpscope.store.reader import Reader

_GREETINGS = """
    SELECT answer_id FROM exchanges
    WHERE session_id IN (SELECT value FROM json_each(?)) AND method IN (?, ?) AND answer_id IS NOT NULL
    ORDER BY id DESC LIMIT 20
"""
INSTRUCTIONS = "the server's instructions"


@dataclass(frozen=True, slots=True)
class Mention:
    """``where`` (the instructions, or a description) names ``name``."""

    where: str
    name: str


def mentions(
    reader: Reader, sessions: Sequence[int], items: Iterable[Offered], hidden: set[str]
) -> list[Mention]:
    """Every text that clients see in which one of ``hidden`` stands as a word."""
    if not hidden:
        return []
    texts = [(INSTRUCTIONS, text) for text in _instructions(reader, sessions)]
    for item in items:
        said = item.body.get("description")
        if item.name not in hidden and isinstance(said, str):
            texts.append((f"the description of the {item.kind} {item.name}", said))
    words = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, sorted(hidden))) + r")(?![\w-])")
    found = [Mention(where, name) for where, text in texts for name in words.findall(text)]
    return list(dict.fromkeys(found))


def _instructions(reader: Reader, sessions: Sequence[int]) -> list[str]:
    asked = (json.dumps(list(sessions)), Method.INITIALIZE.value, Method.DISCOVER.value)
    found: dict[str, None] = {}
    for (answer,) in reader.connection.execute(_GREETINGS, asked).fetchall():
        try:
            result = json.loads(reader.body(answer)).get("result")
        except (ValueError, AttributeError, RecursionError):
            continue
        text = result.get("instructions") if isinstance(result, dict) else None
        if isinstance(text, str):
            found[text] = None
    return list(found)
