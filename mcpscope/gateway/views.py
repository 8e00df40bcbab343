"""What each caller may see of one upstream: what its file and the callers' own hide, now and later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mcpscope.engine.outlook import Outlook
from mcpscope.gateway.config import CallerSpec, Spec

if TYPE_CHECKING:
    from mcpscope.engine.visibility import View


class Views:
    """``hides`` gives the globs that the policy in a file hides now."""

    def __init__(
        self, spec: Spec, callers: Mapping[str, CallerSpec], hides: Callable[[str], list[str]]
    ) -> None:
        self._spec = spec
        self._callers = callers
        self._hides = hides
        self._views: dict[str, View] = {}
        self._obeying: list[tuple[View, str]] = []

    def __repr__(self) -> str:
        return f"<Views {self._spec.name} {sorted(self._views)}>"

    def of(self, caller: str, all_see: View) -> View | None:
        """What ``caller`` may see; None for all that anybody may."""
        if caller not in self._views:
            spec, found = self._spec, self._callers.get(caller)
            view = self._narrowed(all_see, spec)
            if found is not None:
                view = self._narrowed(view, found, spec.prefix)
            self._views[caller] = view
        found_view = self._views[caller]
        return None if found_view is all_see else found_view

    def obey(self) -> None:
        """A policy is another one now: so is what it hides."""
        for view, path in self._obeying:
            view.obey(self._hides(path))

    def _narrowed(self, view: View, by: Spec | CallerSpec, prefix: str = "") -> View:
        """``view`` without what ``by`` and its policy hide, now and after a change of that."""
        if not (by.hide or by.only or by.policy):
            return view
        made = Outlook(view, hide=by.hide, only=by.only, prefix=prefix)
        if by.policy:
            made.obey(self._hides(by.policy))
            self._obeying.append((made, by.policy))
        return made
