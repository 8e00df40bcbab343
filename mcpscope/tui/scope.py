"""Which sessions the UI shows: those a person chose, else whatever is live, else the newest recording."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcpscope.store.listed import SessionRow

ALL = "all"
EVERYTHING = (-1,)


@dataclass(slots=True)
class Scope:
    """``shown`` are ids of sessions; None until the store was looked at."""

    all: tuple[SessionRow, ...] = ()
    shown: tuple[int, ...] | None = None
    _chosen: tuple[int, ...] | None = None
    _followed: set[int] = field(default_factory=set)
    _watching: bool = False
    everything: bool = False

    @property
    def rows(self) -> list[SessionRow]:
        """The sessions that are shown, newest first."""
        return [session for session in self.all if self.shown and session.id in self.shown]

    def take(self, sessions: tuple[SessionRow, ...], *, wanted: str = "") -> None:
        """Sessions as they are now; ``wanted`` chooses one by number, name or label once it is there."""
        self.all = sessions
        if wanted == ALL:
            self.everything = True
        elif wanted and self._chosen is None:
            found = self.find(wanted)
            if found is not None:
                self._chosen = (found.id,)
        self._settle()

    def find(self, wanted: str) -> SessionRow | None:
        """The newest session with this number, name, label or uid."""
        word = wanted.removeprefix("#")
        return next((s for s in self.all if word in (str(s.id), s.name, s.label, s.uid)), None)

    def choose(self, sessions: tuple[int, ...] | None) -> None:
        """Show these; None follows what is live again, and ``EVERYTHING`` is every session."""
        self.everything = sessions == EVERYTHING
        self._chosen = sessions
        self._followed.clear()
        self._watching = False
        self._settle()

    @property
    def asked(self) -> tuple[int, ...] | None:
        """The sessions to ask the store for; None for all of them."""
        return None if self.everything else self.shown

    def _settle(self) -> None:
        if self.everything:
            self.shown = tuple(session.id for session in self.all)
            return
        if self._chosen is not None:
            self.shown = self._chosen
            return
        live = {session.id for session in self.all if session.ended_at is None}
        known = {session.id for session in self.all}
        # What ended while it was watched stays in the list; a mere recording goes when something lives.
        if live and not self._watching:
            self._followed, self._watching = set(), True
        self._followed = (self._followed & known) | live or {session.id for session in self.all[:1]}
        self.shown = tuple(sorted(self._followed))
