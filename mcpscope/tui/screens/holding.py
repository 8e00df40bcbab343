"""The verbs of a hold: continue, step, edit, answer, drop and the rest, wherever a held row can be chosen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from mcpscope.errors import ScopeError
from mcpscope.store.last_approved import last_approved
from mcpscope.tui import later
from mcpscope.tui.clock import Clock
from mcpscope.tui.screens.base import Act, ScopeScreen
from mcpscope.tui.screens.menu import Ask, Entry, Menu
from mcpscope.tui.steer import Held, Steer, reason

MAX_FILE_BYTES = 4 << 20
ERRORS = (
    ("1", -32603, "Internal error"),
    ("2", -32602, "Invalid params"),
    ("3", -32601, "Method not found"),
    ("4", -32000, "Dropped by a person"),
)
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)$")
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


class Holding:
    """Decides on the hold that ``chosen`` gives; ``why_none`` says why there is none."""

    def __init__(
        self, screen: ScopeScreen, steer: Steer, clock: Clock, chosen: Callable[[], Held | None]
    ) -> None:
        self._screen = screen
        self._steer = steer
        self._clock = clock
        self._chosen = chosen

    def acts(self) -> dict[str, Act]:
        """What can be done with a hold, by the id of the action."""
        verbs: dict[str, Callable[[Held], Any]] = {
            "hold.continue": self._continue,
            "hold.step": partial(self._step, any=False),
            "hold.step-any": partial(self._step, any=True),
            "hold.edit": self._edit,
            "hold.editor": partial(self._edit, outside=True),
            "hold.answer": self._answer,
            "hold.drop": self._drop,
            "hold.revert": self._revert,
            "hold.timeout": self._timeout,
            "hold.keep-alive": self._keep_alive,
        }
        found = {name: Act(partial(self._with, verb), self.why_not) for name, verb in verbs.items()}
        found["hold.all"] = Act(self._all, self._why_not_all)
        return found

    def why_not(self) -> str:
        """Why nothing can be decided."""
        if self._steer.read_only:
            return "this UI is read-only"
        if self._chosen() is not None:
            return ""
        there = self._screen.keyed(": {urgent} goes to what is") if self._steer.holds() else ""
        return f"nothing is held here{there}"

    def _why_not_all(self) -> str:
        if self._steer.read_only:
            return "this UI is read-only"
        return "" if self._steer.holds() else "nothing is held"

    async def _with(self, verb: Callable[[Held], Any]) -> None:
        held = self._chosen()
        if held is None:
            return
        try:
            await verb(held)
        except ScopeError as error:
            self._screen.say(reason(error), severity="error")

    async def _ask(self, held: Held, verb: str, **params: Any) -> bool:
        """Ask the proxy; where the client gave up, the person first. False where nothing was done."""
        try:
            await self._steer.decide(held, verb, **params)
        except ScopeError as error:
            if error.code != "gave_up":
                raise
            entries = [Entry("r", "run", "run it all the same"), Entry("x", "drop", "drop it")]
            title = "The client no longer waits. Run it on the server anyway?"
            chosen = await self._screen.app.push_screen_wait(Menu(title, entries, "Esc leaves it held"))
            if chosen == "run":
                return await self._ask(held, verb, **{**params, "confirmed": True})
            if chosen == "drop":
                await self._steer.ask(held.link, "scope/holds/drop", id=held.id)
                self._screen.say(f"{held.name}: dropped")
            return False
        self._steer.forget_drafts(held)
        return True

    async def _continue(self, held: Held) -> None:
        if held.asked:
            got = await self._steer.ask(held.link, "scope/holds/get", id=held.id)
            if "last_approved" not in got:
                asked = (Path(held.link.entry.db), got["method"], got["name"])
                got["last_approved"] = await asyncio.to_thread(last_approved, *asked)
            self._screen.app.push_screen(later.approving.ApproveScreen(self._steer, self._clock, held, got))
            return
        if not await self._draft_given_up(held):
            return
        if await self._ask(held, "continue", digest=held.data["digest"]):
            self._screen.say(f"{held.name}: sent, cannot be undone")

    async def _draft_given_up(self, held: Held) -> bool:
        """Whether nothing was written, or the person lets it go; opens it if that is wished."""
        edits, answers = held.key in self._steer.drafts, held.key in self._steer.answers
        if not (edits or answers):
            return True
        entries = [Entry("e", "edit", "open the draft")] if edits else []
        entries += [Entry("m", "answer", "open the answer by hand")] if answers else []
        entries.append(Entry("r", "received", "let it go as received, what was written is lost"))
        chosen = await self._screen.app.push_screen_wait(Menu("There is a draft.", entries))
        if chosen == "edit":
            await self._edit(held)
        elif chosen == "answer":
            await self._by_hand(held)
        return bool(chosen == "received")

    async def _step(self, held: Held, *, any: bool) -> None:
        if held.asked:
            self._screen.say(
                self._screen.keyed("a policy asks about it: {hold.continue} shows and approves it")
            )
            return
        if not await self._draft_given_up(held):
            return
        if await self._ask(held, "step", any=any, digest=held.data["digest"]):
            what = "the next message" if any else "its answer"
            self._screen.say(f"{held.name}: sent, stops at {what}")

    async def _edit(self, held: Held, *, outside: bool = False) -> None:
        got = await self._steer.ask(held.link, "scope/holds/get", id=held.id)
        screen = later.editing.EditScreen(self._steer, self._clock, held, got, outside=outside)
        if why := screen.unfit:
            self._screen.say(self._screen.keyed(why))
        else:
            self._screen.app.push_screen(screen)

    async def _answer(self, held: Held) -> None:
        none = "" if held.data["rpc_id"] else "a notification has no answer"
        last = none or ("" if held.data["method"] == "tools/call" else "only for tools")
        entries = [
            Entry("l", "last", "the last good answer of this tool", last),
            Entry("m", "empty", "an empty result", none),
            Entry("h", "hand", "write it by hand", none),
            Entry("f", "file", "from a file: a result, or {result} or {error}", none),
        ]
        chosen = await self._screen.app.push_screen_wait(
            Menu(f"Answer {held.name} in the server's place with", entries, "Esc leaves it held")
        )
        if chosen == "last":
            await self._mock(held, last_good=True)
        elif chosen == "empty":
            await self._mock(held, result={"content": []} if held.data["method"] == "tools/call" else {})
        elif chosen == "hand":
            await self._by_hand(held)
        elif chosen == "file":
            await self._from_file(held)

    async def _from_file(self, held: Held) -> None:
        path = await self._screen.app.push_screen_wait(Ask("Answer from the file"))
        if not path:
            return
        try:
            with Path(path).expanduser().open(encoding="utf-8") as file:
                text = file.read(MAX_FILE_BYTES)
        except (OSError, UnicodeDecodeError) as error:
            self._screen.say(f"{path} cannot be read: {error}", severity="error")
            return
        await self._by_hand(held, text.strip())

    async def _by_hand(self, held: Held, text: str = "") -> None:
        """Write the answer, from ``text`` on or from what was written of it before."""
        got = await self._steer.ask(held.link, "scope/holds/get", id=held.id)
        screen = later.editing.EditScreen(self._steer, self._clock, held, got, answer=True, text=text)
        self._screen.app.push_screen(screen)

    async def _mock(self, held: Held, **params: Any) -> None:
        if await self._ask(held, "answer", **params):
            self._screen.say(f"{held.name}: answered with a mock")

    async def _drop(self, held: Held) -> None:
        what = "with which error?" if held.data["rpc_id"] else "it?"
        entries = [Entry(key, str(code), f"{code}  {text}") for key, code, text in ERRORS]
        entries.append(Entry("o", "other", "another code and text"))
        if not held.data["rpc_id"]:
            entries = [Entry("x", "0", "drop it; nobody is told")]
        chosen = await self._screen.app.push_screen_wait(
            Menu(f"Drop {held.name} {what}", entries, "Esc leaves it held")
        )
        texts = {str(code): text for _, code, text in ERRORS}
        code, text = chosen, texts.get(chosen, "")
        if chosen == "other":
            code, text = await self._code()
        if code and await self._ask(held, "drop", code=int(code), text=text):
            self._screen.say(f"{held.name}: dropped" + (f" with {code}" if code != "0" else ""))

    async def _code(self) -> tuple[str, str]:
        """A code and a text, typed, and then confirmed by a key that is not Enter."""
        line = await self._screen.app.push_screen_wait(Ask("Code and text", "-32000 "))
        code, _, text = line.partition(" ")
        if not re.fullmatch(r"-?\d{1,9}", code):
            if line:
                self._screen.say(f"{code!r} is no code", severity="error")
            return "", ""
        sure = await self._screen.app.push_screen_wait(
            Menu("Drop it so?", [Entry("x", "drop", f"drop with {code} {text.strip()}")])
        )
        return (code, text.strip()) if sure else ("", "")

    async def _revert(self, held: Held) -> None:
        draft = self._steer.forget_drafts(held)
        if held.data["edited"]:
            await self._steer.ask(held.link, "scope/holds/revert", id=held.id)
        said = "as received again" if draft or held.data["edited"] else "is as it was received"
        self._screen.say(f"{held.name}: {said}")

    async def _timeout(self, held: Held) -> None:
        line = await self._screen.app.push_screen_wait(
            Ask("Decide it within", "5m", "30s, 5m, 1h; then its fallback. Enter keeps it, Esc leaves")
        )
        found = _SECONDS.match(line)
        if found is not None:
            seconds = float(found[1]) * _UNITS[found[2]]
            await self._steer.ask(held.link, "scope/holds/extend", id=held.id, seconds=seconds)
            self._screen.say(f"{held.name}: {line} from now")
        elif line:
            self._screen.say(f"{line!r} is no time; 30s, 5m or 1h are", severity="error")

    async def _keep_alive(self, held: Held) -> None:
        if not held.data["can_keep_alive"]:
            self._screen.say("not possible: the client sent no progressToken")
            return
        on = not held.data["keep_alive"]
        await self._steer.ask(held.link, "scope/holds/keep-alive", id=held.id, on=on)
        said = "the client gets progress every 10 s; not every client waits longer for it"
        self._screen.say(said if on else "no more progress is sent")

    async def _all(self) -> None:
        holds = self._steer.holds()
        entries = [Entry("c", "all", "continue all whose client still waits")]
        for held in holds[:8]:
            stays = "the client gave up: stays" if held.gave_up else "a policy asks: stays"
            kept = held.gave_up or held.asked
            entries.append(Entry("", "", held.name, stays if kept else "continues"))
        if await self._screen.app.push_screen_wait(
            Menu(f"Continue all {len(holds)}?", entries, "Esc leaves them held")
        ):
            await self.continue_all()

    async def continue_all(self) -> None:
        """Continue what can be continued without asking."""
        released = kept = 0
        for link in {held.link for held in self._steer.holds()}:
            try:
                done = await self._steer.ask(link, "scope/holds/continue-all")
            except ScopeError as error:
                self._screen.say(reason(error), severity="error")
                continue
            released, kept = released + len(done["released"]), kept + len(done["kept"])
        self._screen.say(f"{released} sent, cannot be undone" + (f"; {kept} stay held" if kept else ""))
