"""What one caller sees of one server: what everybody may see, less what is hidden from this caller."""

from __future__ import annotations

from collections.abc import Iterable

from mcpscope.engine.visibility import Surface, View


class Outlook(View):
    """A view upon ``base``: what ``base`` hides is hidden here, too, and never shown again."""

    def __init__(self, base: View, *, hide: Iterable[str] = (), only: Iterable[str] = ()) -> None:
        super().__init__()
        self._base = base
        self.faces = base.faces
        self.hide(hide)
        self.show_only(only)
        self.touched = frozenset(Surface)
        base.narrow()

    @property
    def hides(self) -> bool:
        return True

    def hidden(self, surface: Surface, name: str) -> str:
        return self._base.hidden(surface, name) or super().hidden(surface, name)

    def taken_by(self, name: str) -> str:
        return self._base.taken_by(name)

    def real(self, name: str) -> str | None:
        return self._base.real(name)

    def forget(self) -> None:
        super().forget()
        self._base.forget()
