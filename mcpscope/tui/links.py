"""One proxy's control socket on a thread of its own: what it holds and obeys, and what is asked of it."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from mcpscope.control.client import Control
from mcpscope.control.registry import Running
from mcpscope.errors import Exit, ScopeError

IDLE_MS = 60_000
KEPT_NOTICES = 100


@dataclass(frozen=True, slots=True)
class Wish:
    """A call that waits for its turn, and where its answer goes."""

    method: str
    params: dict[str, Any]
    answer: Future[Any]


class Link:
    """A connection that listens; ``changed`` is called on its thread whenever something did.

    ``holds``, ``rules``, ``breakpoints``, ``intercept``, ``attached`` and ``policy`` are replaced, never
    changed: any thread may look.
    """

    def __init__(self, entry: Running, name: str, *, read_only: bool, changed: Callable[[], None]) -> None:
        self.entry = entry
        self.name = name
        self.holds: dict[int, dict[str, Any]] = {}
        self.breakpoints: tuple[dict[str, Any], ...] = ()
        self.intercept: dict[str, Any] = {}
        self.rules: tuple[dict[str, Any], ...] = ()
        self.policy: dict[str, Any] = {}
        self.detached = ""
        self.freeze = False
        self.attached: tuple[str, ...] = ()
        self.notices: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT_NOTICES)  # older ones are lost
        self.alive = True
        self._read_only = read_only
        self._changed = changed
        self._wishes: deque[Wish] = deque()  # as many as a person can ask for
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._closing = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"link {entry.pid}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Link {self.entry.label} {self.entry.pid} holds={list(self.holds)} alive={self.alive}>"

    def ask(self, method: str, **params: Any) -> Future[Any]:
        """The result of a method of the socket, some time; fails with ScopeError as the proxy words it."""
        answer: Future[Any] = Future()
        with self._lock:
            if not self.alive:
                answer.set_exception(_ended(self.entry))
                return answer
            self._wishes.append(Wish(method, params, answer))
            self._rouse()
        return answer

    def look(self) -> None:
        """Take the rules anew: hits are counted without news."""
        self.ask("")

    def close(self) -> None:
        """Let go; the thread ends by itself."""
        with self._lock:
            self._closing = True
            if self.alive:
                self._rouse()

    def _rouse(self) -> None:
        try:
            os.write(self._wake, b"x")
        except BlockingIOError:
            pass  # it is awake

    def _run(self) -> None:
        try:
            with self.entry.dial(self.name) as control:
                self._begin(control)
                while not self._closing:
                    self._turn(control)
        except (ScopeError, OSError):
            pass  # it has ended, or has not begun: whoever looks for proxies tries again
        finally:
            with self._lock:
                self.alive, self.holds = False, {}
                waiting = list(self._wishes)
                os.close(self._wake)
                os.close(self._woken)
            for wish in waiting:
                wish.answer.set_exception(_ended(self.entry))
            self._changed()

    def _begin(self, control: Control) -> None:
        told = control.call("scope/subscribe", read_only=self._read_only)
        self.attached = tuple(told["attached"])
        self.holds = {hold["id"]: hold for hold in control.call("scope/holds/list")}
        self._rules(control)
        self._hear(control)
        self._changed()

    def _turn(self, control: Control) -> None:
        """Wait for an event or a wish, and see to all of them."""
        poll = select.poll()
        poll.register(control.fileno(), select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(IDLE_MS)]
        if self._woken in ready:
            os.read(self._woken, 4096)
        if control.fileno() in ready:
            event = control.event(0)
            if event is not None:
                control.events.appendleft(event)
        while self._wishes:
            self._grant(control, self._wishes.popleft())
        while control.events:
            self._hear(control)
            self._changed()

    def _grant(self, control: Control, wish: Wish) -> None:
        if not wish.answer.set_running_or_notify_cancel():
            return
        try:
            found = control.call(wish.method, **wish.params) if wish.method else self._rules(control)
        except ScopeError as error:
            wish.answer.set_exception(error)
            if error.code == "gone":
                raise
            return
        wish.answer.set_result(found)
        if not wish.method:
            self._changed()

    def _hear(self, control: Control) -> None:
        holds = dict(self.holds)
        stale = False
        while control.events:
            event = control.events.popleft()
            word, data = str(event.get("event")), event.get("data") or {}
            if word == "held" or (word == "changed" and data.get("id") in holds):
                holds[data["id"]] = data
            elif word == "released":
                gone = holds.pop(data.get("id", 0), None)
                data = {**data, "hold": gone}
            elif word == "attached":
                self.attached = tuple(data.get("names") or ())
            policy = word == "note" and str(data.get("kind", "")).startswith("policy")
            if word == "rules" or policy:
                stale = True
            if word in ("held", "released", "changed") or policy:
                self.notices.append((word, data))
        self.holds = holds
        if stale:
            self._rules(control)

    def _rules(self, control: Control) -> tuple[dict[str, Any], ...]:
        self.rules = tuple(control.call("scope/rules/list"))
        self.breakpoints = tuple(rule for rule in self.rules if rule["origin"] == "breakpoint")
        self.intercept = control.call("scope/intercept/get")
        status = control.call("scope/status")
        self.detached, self.freeze = str(status.get("detached", "")), bool(status.get("freeze"))
        try:
            self.policy = control.call("scope/policy/get")
        except ScopeError as error:
            if error.code == "gone":
                raise
            self.policy = {}  # a proxy of an older version
        return self.rules


def _ended(entry: Running) -> ScopeError:
    return ScopeError(f"the proxy {entry.label} has ended", code="gone", exit=Exit.UPSTREAM)
