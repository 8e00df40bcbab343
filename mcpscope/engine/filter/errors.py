"""What is wrong with a filter's text, and where, in a form that can be shown under the text."""

from __future__ import annotations

from mcpscope.errors import Exit, ScopeError
from mcpscope.text import safe


class FilterError(ScopeError):
    """A filter that cannot be understood.

    ``start`` and ``end`` are character positions in ``text``; ``hint`` is what to try, or empty.
    """

    def __init__(self, message: str, text: str, start: int, end: int = 0, hint: str = "") -> None:
        super().__init__(message, code="bad_filter", exit=Exit.USAGE, hint=hint)
        self.text = text
        self.start = start
        self.end = max(end, start + 1)
        self.where = self.pointed()

    @property
    def summary(self) -> str:
        """A few words for a status line: ``error at 4``."""
        return f"error at {self.start}"

    def pointed(self) -> str:
        """The text, and below it carets under what is wrong."""
        before, wrong = self.text[: self.start], self.text[self.start : self.end]
        return f"{safe(self.text)}\n{' ' * len(safe(before))}{'^' * max(1, len(safe(wrong)))}"

    def render(self) -> str:
        """``pointed``, then the reason and the suggestion, a line each."""
        lines = [self.pointed(), safe(self.message)]
        return "\n".join([*lines, safe(self.hint)] if self.hint else lines)
