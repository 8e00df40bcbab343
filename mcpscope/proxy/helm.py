"""How one stdio proxy is steered: its control socket, and a gate from the first rule or dialler on.

A proxy without rules that nobody looks at imports nothing of this but the socket's few lines.
"""

from __future__ import annotations

import os
from time import time_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mcpscope.control.listening import Listening
    from mcpscope.engine.steering import Steering
    from mcpscope.engine.visibility import View
    from mcpscope.session.desk import Desk
    from mcpscope.session.gate import Gate
    from mcpscope.session.law import Law
    from mcpscope.session.redacting import Redactor
    from mcpscope.session.stdio import StdioSession
    from mcpscope.store.journal import Journal
    from mcpscope.store.standing import Standing
    from mcpscope.transports.connect.process import Child
    from mcpscope.transports.loop import Loop


class Orders:
    """What the command line said about rules; texts of filters, checked by ``check``."""

    __slots__ = (
        "breaks",
        "client_timeout",
        "denies",
        "describes",
        "detached",
        "faults",
        "hides",
        "intercept",
        "law",
        "max_message",
        "narrowed",
        "on_drift",
        "onlys",
        "places",
        "redactor",
        "renames",
        "watches",
    )

    def __init__(self) -> None:
        self.breaks: list[str] = []
        self.denies: list[str] = []
        self.faults: list[str] = []
        self.on_drift = ""
        self.intercept = ""
        self.hides: list[str] = []
        self.onlys: list[str] = []
        self.renames: dict[str, str] = {}
        self.describes: dict[str, str] = {}
        self.client_timeout = 0.0
        self.detached = ""
        self.max_message = 0
        self.narrowed = False
        self.law: Law | None = None
        self.places: list[str] = []
        self.watches: list[str] = []
        self.redactor: Redactor | None = None

    @property
    def any(self) -> bool:
        """Whether rules are there from the first byte."""
        rules = self.breaks or self.denies or self.intercept or self.law or self.faults or self.places
        return bool(rules or self.views or self.narrowed)

    @property
    def views(self) -> bool:
        """Whether something is to be seen otherwise."""
        return bool(self.hides or self.onlys or self.renames or self.describes or self.on_drift)

    def redact(self, redactor: Redactor) -> None:
        """Have ``redactor`` take out what the command line and the policy name."""
        self.redactor = redactor
        redactor.always = tuple(self.places)
        redactor.obey(())
        if self.law is not None:
            self.law.redactor = redactor

    def check(self) -> None:
        """Raises FilterError for the first filter that cannot be understood, ScopeError for a wrong wish."""
        from mcpscope.engine.conditions import condition_of

        for text in (*self.breaks, *self.denies, self.intercept):
            condition_of(text)
        self._check_names()
        if self.faults:
            from mcpscope.session.troubles import read

            for text in self.faults:
                read(text, "fault")

    def _check_names(self) -> None:
        """Two tools cannot have one name. Raises ScopeError."""
        owners: dict[str, str] = {}
        for name, new in self.renames.items():
            if new in owners:
                from mcpscope.errors import Exit, ScopeError

                text = f"--rename gives {owners[new]} and {name} the same name, {new}"
                raise ScopeError(text, code="usage", exit=Exit.USAGE)
            owners[new] = name


class Helm:
    """Steers ``session``. ``about`` are the proxy's facts for those who dial."""

    def __init__(
        self,
        loop: Loop,
        session: StdioSession,
        journal: Journal | None,
        orders: Orders,
        about: Callable[[], dict[str, Any]],
        start: Callable[[], Child],
    ) -> None:
        self._loop = loop
        self._begin = start
        self._session = session
        self._journal = journal
        self._orders = orders
        self._about = about
        self._listening: Listening | None = None
        self._steering: Steering | None = None
        self._gate: Gate | None = None

    def __repr__(self) -> str:
        return f"<Helm {self._listening} {self._gate}>"

    def start(self) -> None:
        """Before the first byte is read: put the rules of the command line in force, if there are any."""
        if self._orders.any:
            from mcpscope.session.presence import note_presence

            gate = self._take()
            gate.enter_fresh()
            note_presence(gate.steering, [gate])
        if self._orders.watches:
            from mcpscope.session.watching import Watching

            Watching(self._loop, self._orders.watches, self._changed)

    def listen(self, path: str) -> str | None:
        """Open the control socket at ``path``; the path, or None where it cannot be."""
        from mcpscope.control.listening import Listening

        self._listening = Listening(self._loop, path, _load, self._desk)
        return path if self._listening.open() else None

    def close(self) -> None:
        if self._listening is not None:
            self._tell("session-ended", self._session.number, {})
            self._listening.close()

    def restart(self, server: str = "") -> int:
        """Let another server take the place of the one that runs; raises ScopeError where that cannot be."""
        from mcpscope.errors import Exit, ScopeError
        from mcpscope.session.restarting import Restarting

        if self._journal is None:
            text = "nothing is recorded, so a new server could not be told what the client has said"
            raise ScopeError(text, code="no_restart", exit=Exit.REFUSED, hint="leave out --no-record")
        about = self._about()
        began = time_ns()
        Restarting(
            self._loop,
            self._session,
            self._take(),
            self._journal,
            self._begin,
            lambda: _standing(about, self._session.number),
            lambda: _is_stored(about, began),
        ).begin()
        return 1

    def _changed(self) -> None:
        """A file that is watched has changed."""
        from mcpscope.errors import ScopeError

        try:
            self.restart()
        except ScopeError as error:
            self._session.stderr.say(error.message)

    def _take(self) -> Gate:
        """The steering and the gate of the one session, made when they are first needed."""
        if self._gate is not None:
            return self._gate
        from mcpscope.session.gate import Gate

        steering = self._steering = steering_of(self._orders, self._about())
        gate = self._gate = Gate(
            self._loop, steering, self._session, self._journal, self._tell, self._names()
        )
        self._session.on_closing = gate.end
        if self._orders.law is not None:
            self._orders.law.follow(self._loop, steering, self._told)
        return gate

    def _told(self, kind: str, text: str) -> None:
        """News of the policy: in the record, to those attached, and on standard error."""
        if self._gate is not None:
            self._gate.note(text, kind)
        self._session.stderr.say(text.partition("\n")[0])

    def _names(self) -> tuple[str, ...]:
        about = self._about()
        found = (str(self._session.number), about.get("label"), about.get("record_name"), about.get("uid"))
        return tuple(str(name) for name in found if name)

    def _desk(self) -> Desk:
        from mcpscope.session.desk import Desk

        gate = self._take()
        desk = Desk(gate.steering, self._about, self._tell)
        desk.obey(self._orders.law)
        desk.on_restart = self.restart
        desk.conversations[gate.number] = gate
        return desk

    def _tell(self, event: str, session: int, data: dict[str, Any]) -> None:
        if self._listening is not None and self._listening.server is not None:
            self._listening.server.tell(event, session, data)


def _standing(about: dict[str, Any], number: int) -> Standing:
    from pathlib import Path

    from mcpscope.store.standing import read_standing

    return read_standing(Path(about["db"]), str(about["uid"]), number)


def _is_stored(about: dict[str, Any], began: int) -> bool:
    from pathlib import Path

    from mcpscope.store.standing import is_stored

    return is_stored(Path(about["db"]), Path(about["journal"]), str(about["uid"]), began)


def steering_of(orders: Orders, about: dict[str, Any]) -> Steering:
    """The steering of a proxy with the rules of its command line in force; ``about`` are its facts."""
    from mcpscope.engine.steering import MAX_MESSAGE_BYTES, Detached, Steering, certain
    from mcpscope.session import wishes

    steering = Steering(
        detached=Detached(orders.detached or "pass"),
        client_timeout_ns=int(orders.client_timeout * 1e9) or None,
        max_message=orders.max_message or MAX_MESSAGE_BYTES,
    )
    if orders.denies:
        steering.strict = certain
    wishes.obey(steering.rules, orders.breaks, orders.intercept, orders.denies)
    if orders.redactor is not None and orders.places:
        steering.redact(orders.redactor.message, by_place=True)
    if orders.law is not None:
        orders.law.put_in_force(steering)
    _look(steering.view, orders)
    wishes.trouble(steering.rules, orders.faults)
    if orders.on_drift:
        _pin(steering, orders.on_drift, about)
    return steering


def _pin(steering: Steering, on_drift: str, about: dict[str, Any]) -> None:
    """Hold tools against what was accepted; the database is read here once and never again."""
    from pathlib import Path

    from mcpscope.engine.drift import OnDrift
    from mcpscope.store.pins import read_baseline

    known = read_baseline(Path(about["db"]), str(about["label"]))
    bodies = {name: body for name, (body, _) in known.bodies.items()}
    steering.pin(OnDrift(on_drift), bodies, accepted=known.accepted)


def _look(view: View, orders: Orders) -> None:
    """Let clients see what the command line wants them to."""
    from mcpscope.engine.visibility import Face

    if orders.hides:
        view.hide(orders.hides)
    if orders.onlys:
        view.show_only(orders.onlys)
    for name in dict.fromkeys((*orders.renames, *orders.describes)):
        view.rename(name, Face(orders.renames.get(name, name), orders.describes.get(name, "")))


def socket_path(folder: str) -> str:
    """Where this process listens in the runtime ``folder``."""
    return f"{folder}/{os.getpid()}.sock"


def _load() -> None:
    """What a first dialler makes necessary; runs in a thread."""
    import mcpscope.control.server
    import mcpscope.session.desk
    import mcpscope.session.gate  # noqa: F401
