"""The methods of the control socket about what clients may see: ``scope/tools/*``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from mcpscope.control.server import Peer
from mcpscope.engine.decisions import Approve
from mcpscope.engine.engine import Engine
from mcpscope.engine.events import Decided, Event
from mcpscope.engine.holds import HoldState
from mcpscope.engine.steering import Steering
from mcpscope.engine.visibility import Face, Surface
from mcpscope.errors import Exit, ScopeError

_KINDS = {surface.noun: frozenset({surface}) for surface in Surface} | {"": frozenset(Surface)}


class Seer(Protocol):
    """One session, as far as what it sees is concerned."""

    @property
    def engine(self) -> Engine | None: ...
    def now(self) -> int: ...
    def handle(self, event: Event) -> None: ...


class Seeing:
    """Answers ``scope/tools/*`` and lets those who subscribed hear of changes.

    ``sessions`` are those that run; ``tell`` sends an event to those who subscribed.
    """

    def __init__(
        self,
        steering: Steering,
        sessions: Callable[[], Iterable[Seer]],
        tell: Callable[[str, int, dict[str, Any]], None],
    ) -> None:
        self._steering = steering
        self._sessions = sessions
        self._tell = tell
        self.methods: dict[str, Callable[[dict[str, Any], Peer], Any]] = {
            "scope/tools/list": self._list,
            "scope/tools/hide": self._hide,
            "scope/tools/unhide": self._show,
            "scope/tools/only": self._only,
            "scope/tools/rename": self._rename,
            "scope/tools/accept": self._accept,
            "scope/tools/diff": self._diff,
        }
        steering.on_view.append(self._viewed)

    def __repr__(self) -> str:
        return f"<Seeing {self._steering.view!r}>"

    def _viewed(self, surfaces: frozenset[Surface]) -> None:
        self._tell("view", 0, self._steering.view.to_json())

    def _list(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """The wishes in force; of each name asked about (``names``, or all that is listed) what hides it."""
        kinds = [params["kind"]] if params["kind"] else [surface.noun for surface in Surface]
        names = {kind: self._names(kind, params["names"]) for kind in kinds}
        view = self._steering.view
        items = [
            {"kind": kind, "name": name, "hidden_by": view.hidden(next(iter(_KINDS[kind])), name)}
            for kind in kinds
            for name in names[kind]
        ]
        return {"view": view.to_json(), "items": items}

    def _names(self, kind: str, wanted: list[str]) -> list[str]:
        if wanted:
            return [name for name in wanted if isinstance(name, str)]
        catalogs = [one.engine.memory.catalog for one in self._sessions() if one.engine is not None]
        return list(dict.fromkeys(item.name for catalog in catalogs for item in catalog.all(kind)))

    def _hide(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self._steering.view.hide(_globs(params), _KINDS[params["kind"]])
        return self._steering.view.to_json()

    def _show(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self._steering.view.show(_globs(params), _KINDS[params["kind"]])
        return self._steering.view.to_json()

    def _only(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        self._steering.view.show_only(_globs(params))
        return self._steering.view.to_json()

    def _rename(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        name, new, words = params["name"], params["to"] or params["name"], params["description"]
        face = Face(new, words) if new != name or words else None
        self._check_name(name, new)
        self._steering.view.rename(name, face)
        return self._steering.view.to_json()

    def _check_name(self, name: str, new: str) -> None:
        """Two tools cannot have one name. Raises ScopeError."""
        view = self._steering.view
        text = hint = ""
        for other, face in view.faces.items():
            if other != name and face.name == new != other:
                text, hint = f"clients see {other} as {new} already", f"mcpscope tools rename {other}"
        own = view.faces.get(new)
        itself = own is None or own.name == new
        if new != name and new in self._names("tool", []) and itself and not view.hidden(Surface.TOOLS, new):
            text = f"the server has a tool called {new} of its own"
            hint = f"hide that one (mcpscope tools hide tool:{new}) or rename it first"
        if text:
            raise ScopeError(text, code="name_taken", exit=Exit.REFUSED, hint=hint)

    def _accept(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        """What drifted is accepted as it is now, and its calls go on; who asks writes it down."""
        pins = self._steering.pins
        names = params["names"] or (list(pins.drifted) if pins is not None else [])
        found = {name: body for name in names if pins is not None and (body := pins.accept(name)) is not None}
        if found:
            self._steering.view.refresh(frozenset({Surface.TOOLS}))
            self._release({f"drift {name}" for name in found}, peer)
        return {"accepted": found}

    def _release(self, rules: set[str], peer: Peer) -> None:
        for session in tuple(self._sessions()):
            for hold in tuple(session.engine.holds) if session.engine is not None else ():
                if hold.rule in rules and hold.state is not HoldState.GAVE_UP:
                    wish = Approve(hold.digest, why="the definition of the tool was accepted")
                    session.handle(Decided(hold.id, wish, peer.name, session.now()))

    def _diff(self, params: dict[str, Any], peer: Peer) -> dict[str, Any]:
        pins = self._steering.pins
        drifted = {} if pins is None else {name: pins.changes(name) for name in pins.drifted}
        return {
            "on_drift": pins.on_drift.value if pins is not None else "",
            "drifted": {name: [one.to_json() for one in found] for name, found in drifted.items()},
        }


def _globs(params: dict[str, Any]) -> list[str]:
    globs = params["globs"]
    if not globs or not all(isinstance(text, str) and text for text in globs):
        raise ScopeError("globs is a list of texts", code="bad_glob", exit=Exit.USAGE)
    return list(globs)
