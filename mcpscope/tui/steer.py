"""All running proxies as one: found as they come, heard on threads of their own, asked without waiting."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcpscope.control.registry import Running, running
from mcpscope.errors import ScopeError
from mcpscope.tui.links import Link

LOOK_SECONDS = 0.3
AGAIN_SECONDS = 2.0
LINK_BITS = 32
SECOND_NS = 1_000_000_000

News = tuple[Link, str, dict[str, Any]]
"""Where something happened, the event's word, and its data."""


@dataclass(frozen=True, slots=True)
class Held:
    """One hold of one proxy. ``data`` is what ``scope/holds/list`` says of it."""

    link: Link
    data: dict[str, Any]

    @property
    def id(self) -> int:
        return int(self.data["id"])

    @property
    def key(self) -> int:
        """One number for it among all proxies, for as long as the UI runs."""
        return self.link.entry.pid << LINK_BITS | self.id

    @property
    def gave_up(self) -> bool:
        return bool(self.data["state"] == "gave-up")

    @property
    def asked(self) -> bool:
        """Whether a policy asks about it, so that it passes by an approval only."""
        return bool(self.data["kind"] == "ask")

    @property
    def name(self) -> str:
        return str(self.data["tool"] or self.data["method"] or "a message")

    @property
    def answers(self) -> bool:
        """Whether the answer is what is held."""
        return bool(self.data["phase"] == "answer")

    @property
    def limit_at(self) -> int | None:
        """When its client is thought to give up (unix ns); None where nothing says so."""
        if self.gave_up or self.data["clock_ns"] is None:
            return None
        return int(self.data["held_at"]) + int(self.data["clock_ns"])

    def left(self, now: int) -> float | None:
        """Seconds until its client gives up, or its own deadline where that is sooner; None: nobody knows."""
        limit = self.limit_at
        return None if limit is None else max(0.0, (min(limit, self.data["deadline"]) - now) / SECOND_NS)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person just did to ``request``, or to its answer (``answers``): the verb and its parameters."""

    link: Link
    verb: str
    wish: dict[str, Any]
    request: dict[str, Any]
    answers: bool
    name: str

    @property
    def shown(self) -> str:
        """In two words."""
        words = {"answer": "mock", "edit": "edit"}
        return f"{words.get(self.verb, self.verb)} {self.name}"


def own_name() -> str:
    """How this UI signs its decisions: by its terminal."""
    for fd in (0, 1, 2):
        try:
            return "ui " + os.ttyname(fd).removeprefix("/dev/")
        except OSError:
            continue
    return f"ui {os.getpid()}"


class Steer:
    """What is held everywhere, and how to decide it. Used from the UI's loop only.

    ``tell`` is called on the loop with what happened since, coalesced: (event, data) pairs.
    """

    def __init__(self, *, name: str = "", read_only: bool = False) -> None:
        self.name = name or own_name()
        self.read_only = read_only
        self.drafts: dict[int, tuple[str, str]] = {}
        """By the hold's key: which part of the message is edited, and the text so far."""
        self.answers: dict[int, str] = {}
        """By the hold's key: an answer by hand, so far."""
        self.decided: Decided | None = None
        self.policy_file: Path | None = None
        self._links: dict[int, Link] = {}
        self._retry: dict[int, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._context: contextvars.Context | None = None
        self._told = False
        self._tell: Callable[[list[News]], object] = lambda news: None

    def __repr__(self) -> str:
        return f"<Steer {self.name} links={list(self._links.values())}>"

    async def run(self, tell: Callable[[list[News]], object]) -> None:
        """Look for proxies until cancelled."""
        self._loop, self._tell = asyncio.get_running_loop(), tell
        self._context = contextvars.copy_context()  # a link's thread has none of the app's
        try:
            while True:
                self._found(await asyncio.to_thread(running))
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of every proxy; what is held stays with its own fallback."""
        self._loop = None
        for link in self._links.values():
            link.close()

    @property
    def links(self) -> tuple[Link, ...]:
        """The proxies that listen."""
        return tuple(link for link in self._links.values() if link.alive)

    def holds(self) -> list[Held]:
        """What is held, the most urgent first; those that nobody waits for last."""
        found = [Held(link, data) for link in self.links for data in link.holds.values()]
        return sorted(found, key=_urgency)

    def forget_drafts(self, held: Held) -> bool:
        """What was written of it and not sent; whether there was anything."""
        edit, answer = self.drafts.pop(held.key, None), self.answers.pop(held.key, None)
        return edit is not None or answer is not None

    def find(self, key: int) -> Held | None:
        """The hold with this key."""
        return next((held for held in self.holds() if held.key == key), None)

    async def ask(self, link: Link, method: str, **params: Any) -> Any:
        """The result of a method; raises ScopeError in the proxy's words."""
        return await asyncio.wrap_future(link.ask(method, **params))

    async def decide(self, held: Held, verb: str, **wish: Any) -> Any:
        """Decide on a hold, and remember it, so that a rule can be made of it."""
        got = await self.ask(held.link, "scope/holds/get", id=held.id)
        found = await self.ask(held.link, f"scope/holds/{verb}", id=held.id, **wish)
        asked = got["request"] if held.answers and got["request"] else got["received"]
        request, before = _json(asked), _json(got["received"])
        if verb == "edit" and "text" in wish:
            wish = {"before": before, "after": _edited(before, wish["part"], wish["text"])}
        self.decided = Decided(held.link, verb, wish, request, held.answers, held.name)
        return found

    def breakpoints(self) -> Iterator[tuple[Link, dict[str, Any]]]:
        """The breakpoints of every proxy."""
        for link in self.links:
            for rule in link.breakpoints:
                yield link, rule

    def _found(self, entries: list[Running]) -> None:
        now = asyncio.get_running_loop().time()
        here = {entry.pid for entry in entries}
        for pid, link in list(self._links.items()):
            if not link.alive:
                del self._links[pid]
                self._retry[pid] = now + AGAIN_SECONDS
            elif pid not in here:
                link.close()
        for entry in entries:
            if entry.socket and entry.pid not in self._links and self._retry.get(entry.pid, 0) <= now:
                self._links[entry.pid] = Link(
                    entry, self.name, read_only=self.read_only, changed=self._changed
                )
        self._retry = {pid: at for pid, at in self._retry.items() if pid in here}

    def _changed(self) -> None:
        """Called on a link's thread: the loop hears of it once, however often it happens."""
        loop = self._loop
        if loop is None or self._told:
            return
        self._told = True
        try:
            loop.call_soon_threadsafe(self._deliver, context=self._context)
        except RuntimeError:
            self._told = False  # the loop has closed

    def _deliver(self) -> None:
        self._told = False
        news: list[News] = []
        for link in self._links.values():
            while link.notices:
                news.append((link, *link.notices.popleft()))
        if self._loop is not None:
            self._tell(news)


def _urgency(held: Held) -> tuple[int, int, int]:
    if held.gave_up:
        return (2, int(held.data["held_at"]), held.key)
    limit = held.limit_at
    return (0 if limit is not None else 1, limit or int(held.data["held_at"]), held.key)


def _json(shown: Mapping[str, str]) -> dict[str, Any]:
    """A message as the socket shows it; empty for what is no object."""
    try:
        found = json.loads(shown.get("text", ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _edited(body: dict[str, Any], part: str, text: str) -> Any:
    """``body`` with the JSON ``text`` at the JSON Pointer ``part``."""
    value = json.loads(text)
    if not part:
        return value
    made = copy.deepcopy(body)
    place: Any = made
    *parents, last = part.split("/")[1:]
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return made


def reason(error: ScopeError) -> str:
    """A refusal as one line."""
    return f"{error}" + (f" ({error.hint})" if error.hint else "")
