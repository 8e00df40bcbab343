"""What the ``mcpscope`` fixture gives a test: its recording as a server, and its server under test."""

from __future__ import annotations

import datetime
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcpscope.testing.network import Network
from mcpscope.testing.stand_in import Server, StandIn, words_of

if TYPE_CHECKING:
    from mcpscope.testing.replaying import Replayed


@dataclass(frozen=True, slots=True)
class Asked:
    """The marker, the command line and the configuration, as one."""

    recordings: Sequence[Path]
    mode: str
    server: Server = ()
    masks: Sequence[str] = ()
    level: str = "semantic"
    options: Sequence[str] = ()
    allow: Sequence[str] = field(default_factory=tuple)


class Scope:
    """``url`` and ``command`` are a server for any client, ``replay`` speaks to the one under test."""

    def __init__(self, asked: Asked, network: Network | None) -> None:
        self.mode = asked.mode
        self.recordings = list(asked.recordings)
        self._asked = asked
        self._network = network
        self._stand_in: StandIn | None = None

    def __repr__(self) -> str:
        return f"<mcpscope {[path.name for path in self.recordings]} mode={self.mode}>"

    @property
    def recording(self) -> Path:
        """The file of the recording; where there are several the last one, which is the one written."""
        return self.recordings[-1]

    @property
    def url(self) -> str:
        """The address of the stand-in, or of the recording proxy where the mode records."""
        url = self._started().url
        if self._network is not None:
            self._network.allow(url)
        return url

    @property
    def command(self) -> list[str]:
        """A command that is the same on stdio."""
        return self._started().command

    @property
    def messages(self) -> list[str]:
        """What the stand-in on HTTP said on standard error: what was not recorded, and why."""
        return self._stand_in.messages if self._stand_in is not None else []

    def call(self, tool: str, arguments: dict[str, Any] | None = None, *, server: Server = ()) -> Any:
        """The result of one tool call, to ``server``, else to the stand-in, by the built-in client."""
        asserting = importlib.import_module("mcpscope.testing.asserting")
        return asserting.call(server or self.command, tool, arguments or {})

    def answer(
        self, tool: str, arguments: dict[str, Any] | None = None, *, server: Server = (), modern: bool = False
    ) -> Any:
        """The whole answer to one tool call: ``{"result": …}`` or ``{"error": …}``."""
        asserting = importlib.import_module("mcpscope.testing.asserting")
        return asserting.ask(server or self.command, tool, arguments or {}, modern=modern)

    def check(self, now: Any, was: Any, *, masks: Sequence[str] = ()) -> None:
        """Fail with the places where a result, or an answer, is not as it was."""
        __tracebackhide__ = True  # pytest shows the test, not us
        asserting = importlib.import_module("mcpscope.testing.asserting")
        asserting.assert_same(now, was, masks=[*self._asked.masks, *masks], level=self._asked.level)

    def replay(self, server: Server = (), *, check: bool = True, **how: Any) -> Replayed:
        """Say the recording to the server under test and assert that it answers as it did.

        ``how`` is what ``mcpscope.testing.replay`` takes; ``check=False`` leaves judging to the test.
        """
        __tracebackhide__ = True  # pytest shows the test, not us
        replaying = importlib.import_module("mcpscope.testing.replaying")
        how["masks"] = [*self._asked.masks, *how.get("masks", ())]
        how.setdefault("level", self._asked.level)
        target = words_of(server) or words_of(self._asked.server)
        runs = [one for path in self.recordings for one in replaying.replay(path, target, **how).runs]
        found: Replayed = replaying.Replayed(runs)
        if check:
            found.check()
        return found

    def close(self) -> None:
        """End the stand-in; what was recorded is written."""
        if self._stand_in is not None:
            self._stand_in.close()

    def _started(self) -> StandIn:
        __tracebackhide__ = True  # pytest shows the test, not us
        if self._stand_in is None:
            asked = self._asked
            if asked.mode == "none":
                for path in self.recordings:
                    if not path.exists():
                        hint = "record it with --mcpscope-mode once, with the server named"
                        raise AssertionError(f"there is no recording {path}; {hint}")
            for path in self.recordings:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._stand_in = StandIn(
                *self.recordings, mode=asked.mode, server=asked.server, options=asked.options
            )
        return self._stand_in


def stale(path: Path, now: datetime.datetime) -> str:
    """Since when a recording is old, "" where it is not or says nothing of it."""
    expiry = importlib.import_module("mcpscope.replay.expiry")
    jsonl = importlib.import_module("mcpscope.testing.heads")
    dates = jsonl.expiries(path)
    at = int(now.timestamp() * 1e9)
    return max((date for date in dates if expiry.is_over(date, at)), default="")
