"""An exchange as an export may show it: each message masked once, its summary told from what is left."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from mcpscope.engine import summary
from mcpscope.protocol.message import Message
from mcpscope.protocol.parsing import parse
from mcpscope.store.subjects import Recorded, Said
from mcpscope.store.writing_out import Mask


class Masked:
    """The bytes and texts of ``one`` behind ``mask``; None and nothing where there is none."""

    def __init__(self, one: Recorded, mask: Mask) -> None:
        self._one = one
        self._mask = mask

    def __repr__(self) -> str:
        return f"<Masked {self._one!r}>"

    @cached_property
    def request(self) -> bytes | None:
        return self._raw(self._one.request)

    @cached_property
    def answer(self) -> bytes | None:
        return self._raw(self._one.answer)

    @cached_property
    def others(self) -> Sequence[Said]:
        """Its messages between request and answer: progress, cancellations, what came of retries."""
        one = self._one
        known = [message.raw for message in (one.request, one.answer) if message is not None]
        found = []
        for said in one.said:
            if said.raw in known:
                known.remove(said.raw)
            else:
                found.append(said._replace(raw=self._mask.message(said.raw)))
        return found

    @cached_property
    def notes(self) -> Sequence[str]:
        return [self._mask.text(note) for note in self._one.notes]

    @cached_property
    def name(self) -> str:
        return self._mask.text(self._one.name)

    @cached_property
    def summary(self) -> str:
        """As recorded where nothing is masked; it is cut, so a secret in it cannot be found by its end."""
        one = self._one
        whole = [message.raw for message in (one.request, one.answer) if message is not None]
        if whole == [raw for raw in (self.request, self.answer) if raw is not None] and (
            list(self.notes) == list(one.notes)
        ):
            return one.summary
        if one.kind in ("stderr", "note", "malformed"):
            raw = self.notes[0].encode("utf-8", "replace") if self.notes else self.request or b""
            return summary.of_bytes(raw)
        parts = (self._asked(), self._told())
        return " → ".join(part for part in parts if part)

    def _asked(self) -> str:
        request = None if self.request is None else parse(self.request)
        return "" if request is None else summary.asked(request.method, request.params)

    def _told(self) -> str:
        answer = None if self.answer is None else parse(self.answer)
        if answer is None:
            return ""
        return summary.failed(answer.error) if answer.error else summary.told(self._one.method, answer.result)

    def _raw(self, message: Message | None) -> bytes | None:
        return None if message is None else self._mask.message(message.raw)
