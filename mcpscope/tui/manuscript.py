"""What is written in place of a held message: which part, how the text begins, what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcpscope.engine.schema_check import SchemaChecks
from mcpscope.tui.jsontext import first_value, part_of, place_of, problem_of
from mcpscope.tui.present import figures
from mcpscope.tui.present.changes import changed_words
from mcpscope.tui.steer import Held

MAX_CHARACTERS = 400_000
WHOLE = ""
"""The pointer to the whole message."""
Problem = tuple[int, int, str]
"""Line and column, from 1, and what is wrong there."""


class Manuscript:
    """One message that is edited, or the ``answer`` that is given in its place.

    ``part`` is a JSON Pointer, ``original`` the part as it stands, ``text`` what the person begins with: the
    ``draft`` (part and text) where there is one. ``got`` is what ``scope/holds/get`` says of the hold.
    """

    def __init__(
        self,
        held: Held,
        got: Mapping[str, Any],
        *,
        answer: bool = False,
        draft: tuple[str, str] | None = None,
    ) -> None:
        self.answer = answer
        self.answers = held.answers or answer
        self.schema: dict[str, Any] | None = got.get("answer_schema" if self.answers else "schema")
        self._method = str(held.data["method"])
        self._message = str(got["message"].get("text", "")).encode()
        self._received = str(got["received"].get("text", "")).encode()
        self._is_text = "text" in got["message"]
        self._checks = SchemaChecks()
        self.parts = (WHOLE,) if answer else self._parts()
        self.part = draft[0] if draft is not None and draft[0] in self.parts else self.parts[0]
        self.original = self.fresh()
        self.text = draft[1] if draft is not None and draft[0] in self.parts else self.original

    def __repr__(self) -> str:
        return f"<Manuscript {'answer' if self.answer else self.part or 'whole'}>"

    def fresh(self, *, received: bool = False) -> str:
        """The part as it stands (``received``: as it came in), laid out."""
        if not self.answer:
            return part_of(self._received if received else self._message, self.part) or "{}"
        if self._method != "tools/call":
            return "{}"
        more = ',\n  "structuredContent": {}' if self.schema is not None else ""
        return f'{{\n  "content": []{more}\n}}'

    def revert(self) -> str:
        """Back to what was received."""
        self.original = self.fresh(received=True)
        return self.original

    def turn(self) -> str:
        """To the next part, as it stands."""
        self.part = self.parts[(self.parts.index(self.part) + 1) % len(self.parts)]
        self.original = self.fresh()
        return self.original

    def unfit(self, *, outside: bool) -> str:
        """Why it cannot be edited here (``outside``: nor in $EDITOR); empty where it can."""
        if not self._is_text or problem_of(self.original) is not None:
            return "only JSON can be edited: continue or drop it"
        if len(self.original) > MAX_CHARACTERS and not outside:
            size = figures.size(len(self.original))
            return f"{size} are too much to edit here: {{hold.editor}} edits it in $EDITOR"
        return ""

    def first(self, text: str) -> tuple[tuple[int, int], tuple[int, int]] | None:
        """Where the value lies that is most likely meant, while ``text`` is as it was."""
        if text != self.original:
            return None
        places = [("content", "0", "text"), ()] if self.answers else [()]
        if self.part == WHOLE and not self.answer:
            within = ("result",) if self.answers else ("params", "arguments")
            places = [*(within + place for place in places if place), within, within[:1], ()]
        found = (first_value(text, place) for place in places)
        return next((place for place in found if place is not None), None)

    @staticmethod
    def is_json(text: str) -> bool:
        """Whether it could be sent."""
        return problem_of(text) is None

    def problems(self, text: str) -> list[Problem]:
        """Everything that is wrong with ``text``."""
        broken = problem_of(text)
        if broken is not None:
            return [(broken[1], broken[2], broken[0])]
        within, warnings = self._warnings(json.loads(text))
        return [(*place_of(text, one.partition(": ")[0], within), one) for one in warnings]

    def fits(self) -> str:
        """What is said of a text without problems."""
        return "JSON" if self.schema is None else "fits the schema"

    def changed(self, text: str, arrow: str) -> str:
        """What the person changed, in few words."""
        if text == self.original and self.answer:
            return "nothing is written yet"
        return changed_words(self.original, text, arrow)

    def outgoing(self, text: str) -> str:
        """The answer as the proxy takes it: a bare result is one, too."""
        body = json.loads(text)
        whole = isinstance(body, dict) and ("result" in body or "error" in body)
        return text if whole else f'{{"result":{text}}}'

    def _warnings(self, value: Any) -> tuple[tuple[str, ...], list[str]]:
        """Where the schema's value lies in ``value``, and what does not fit in it."""
        if self.schema is None or self.part == "/error":
            return (), []
        within: tuple[str, ...] = ()
        inside = ("result",) if self.answers else ("params", "arguments")
        bare = self.part != WHOLE or (self.answer and not _is_answer(value))
        for step in () if bare else inside:
            value = value.get(step) if isinstance(value, dict) else None
            within = (*within, step)
        if not self.answers:
            return within, self._checks.check("input", self.schema, {} if value is None else value)
        if value is None:
            return within, []
        return (*within, "structuredContent"), self._checks.of_result("output", self.schema, value)

    def _parts(self) -> tuple[str, ...]:
        """What can be edited, the usual part first."""
        if self.answers:
            usual = "/result" if part_of(self._message, "/result") is not None else "/error"
        else:
            usual = "/params/arguments" if self._method == "tools/call" else "/params"
        return (usual, WHOLE)


def _is_answer(value: Any) -> bool:
    return isinstance(value, dict) and ("result" in value or "error" in value)
