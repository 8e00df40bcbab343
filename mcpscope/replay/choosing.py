"""Which recorded call answers a live request; where none does, the nearest one and the real reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mcpscope.protocol.message import Message
from mcpscope.protocol.methods import Method
from mcpscope.replay.likeness import contrasts, fits, is_masked, key_of, told
from mcpscope.replay.tape import Call, Tape, name_of

MAX_COMPARED = 2_000
_LISTED_METHODS = 8


@dataclass(frozen=True, slots=True)
class Miss:
    """Why the tape has no answer, in one line; ``nearest`` names the recorded call that came closest."""

    text: str
    nearest: dict[str, Any] = field(default_factory=dict)


class Choosing:
    """The calls of a tape by what they ask for. Not ``repeats``: each is played once."""

    def __init__(self, tape: Tape, *, repeats: bool) -> None:
        self._tape = tape
        self._repeats = repeats
        self._families: dict[str, list[Call]] = {}
        self._masked: list[Call] = []
        for call in tape.calls:
            self._families.setdefault(key_of(call.request), []).append(call)
            if is_masked(call.request):
                self._masked.append(call)

    def __repr__(self) -> str:
        return f"<Choosing {len(self._tape.calls)} calls, {len(self._families)} kinds>"

    def family(self, call: Call) -> Sequence[Call]:
        """The calls that ask for the same."""
        return self._families.get(key_of(call.request), ())

    def choose(self, live: Message) -> Call | Miss:
        """The next recorded call of this kind; the last one again when all have been played."""
        same = self._families.get(key_of(live)) or [one for one in self._masked if fits(one.request, live)]
        usable = [call for call in same if call.answer is not None or call.is_silent]
        fresh = next((call for call in usable if call.played == 0), None)
        if fresh is not None:
            return fresh
        if usable and (self._repeats or live.method in (Method.INITIALIZE, Method.DISCOVER)):
            answered = [call for call in usable if call.answer is not None]
            return (answered or usable)[-1]
        if usable:
            count = f"{len(usable)} of {len(usable)} times"
            return self._miss(usable[-1], f"is the same, but was already played {count}")
        if same:
            return self._miss(same[-1], "is the same, but was never answered")
        return self._nearest(live)

    def title(self, call: Call) -> str:
        """How a recorded call is called in a message: "call #12 of search in base"."""
        name = f" of {call.name}" if call.name else ""
        what = f"call #{call.seq}{name}" if name else f"{call.request.method} #{call.seq}"
        return f"{what} in {call.recording}"

    def _miss(self, call: Call, why: str, differences: list[str] | None = None) -> Miss:
        about = {"recording": call.recording, "seq": call.seq, "method": call.request.method}
        about |= {"name": call.name} if call.name else {}
        about |= {"differences": differences} if differences else {}
        return Miss(f"not recorded; the nearest, {self.title(call)}, {why}", about)

    def _nearest(self, live: Message) -> Miss:
        alike = [call for call in self._tape.calls if call.request.method == live.method]
        if not alike:
            return self._no_such_method(live)
        name = name_of(live)
        named = [call for call in alike if call.name == name]
        best, found, least = alike[0], contrasts(alike[0].request, live), float("inf")
        for call in (named or alike)[-MAX_COMPARED:]:
            found_here = contrasts(call.request, live)
            weight = sum(one.weight for one in found_here)
            if weight < least:
                best, found, least = call, found_here, weight
        if not named and name:
            return self._other_name(best, live, name)
        return self._miss(best, f"differs: {told(found)}", [one.text for one in found])

    def _other_name(self, best: Call, live: Message, name: str) -> Miss:
        what = {"tools/call": "tool", "prompts/get": "prompt", "resources/read": "resource"}.get(live.method)
        found = contrasts(best.request, live)
        if what is None:
            return self._miss(best, f"differs: {told(found)}", [one.text for one in found])
        counts = Counter(c.name for c in self._tape.calls if c.request.method == live.method)
        known = ", ".join(f"{known} ×{count}" for known, count in counts.most_common(_LISTED_METHODS))
        text = f"differs: {told(found)}; no call of the {what} {name} was recorded (there are: {known})"
        return self._miss(best, text, [one.text for one in found])

    def _no_such_method(self, live: Message) -> Miss:
        if not self._tape.calls:
            return Miss("not recorded; the recording holds no request at all")
        counts = Counter(call.request.method for call in self._tape.calls)
        known = ", ".join(f"{method} ×{count}" for method, count in counts.most_common(_LISTED_METHODS))
        where = ", ".join(self._tape.names)
        return Miss(f"not recorded; nobody asked for {live.method} in {where}, but for: {known}")
