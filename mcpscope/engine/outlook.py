"""What one caller sees of one server: what everybody may see, less what is hidden from this caller."""

from __future__ import annotations

from collections.abc import Iterable

from mcpscope.engine.filter.globs import glob
from mcpscope.engine.visibility import Surface, View, Wish


class Outlook(View):
    """A view upon ``base``: what ``base`` hides is hidden here, too, and never shown again.

    The globs are over the server's own names of tools and prompts and over those with ``prefix`` before them.
    """

    def __init__(
        self, base: View, *, hide: Iterable[str] = (), only: Iterable[str] = (), prefix: str = ""
    ) -> None:
        super().__init__()
        self._base = base
        self._prefix = prefix
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

    def _hidden(self, surface: Surface, name: str) -> str:
        faced = name if surface is Surface.RESOURCES else self._prefix + name
        for wish in (*self.policy, *self.wishes):
            if _names(wish, surface, name, faced):
                return wish.glob
        only = [wish for wish in self.only if surface in wish.surfaces]
        if only and not any(_names(wish, surface, name, faced) for wish in only):
            return "only " + " ".join(wish.glob for wish in only)
        return ""

    def taken_by(self, name: str) -> str:
        return self._base.taken_by(name)

    def real(self, name: str) -> str | None:
        return self._base.real(name)

    def forget(self) -> None:
        super().forget()
        self._base.forget()


def _names(wish: Wish, surface: Surface, *names: str) -> bool:
    return surface in wish.surfaces and any(map(glob(wish.glob), names))
