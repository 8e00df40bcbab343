"""The gateway itself: its upstreams, and who is served from them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mcpscope.errors import Exit, ScopeError
from mcpscope.gateway.asked import Client
from mcpscope.gateway.fan import Fan
from mcpscope.gateway.hub import Hub
from mcpscope.gateway.naming import Names
from mcpscope.gateway.upstream import Upstream
from mcpscope.session.http_sessions import Identity


class Gateway:
    """``note`` tells people (and the record) what they should know."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        upstreams: Sequence[Upstream],
        label: str,
        start_seconds: float,
        note: Callable[[str], None],
    ) -> None:
        self.loop = loop
        self.upstreams = list(upstreams)
        self.label = label
        self.start_seconds = start_seconds
        self._note = note
        self._by_name = {upstream.name: upstream for upstream in upstreams}
        self._hubs: dict[Identity, Hub] = {}
        self._reported: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<Gateway {self.label} {self.upstreams}>"

    def upstream(self, name: str) -> Upstream:
        return self._by_name[name]

    def find(self, name: str) -> Upstream | None:
        """The upstream called ``name``."""
        return self._by_name.get(name)

    def restart(self, name: str) -> int:
        """Let every line to the upstream called so ("" for all) begin anew; raises ScopeError for none."""
        upstream = self._by_name.get(name)
        if name and upstream is None:
            raise ScopeError(
                f"there is no upstream {name!r}",
                code="no_upstream",
                exit=Exit.USAGE,
                hint=f"there are {', '.join(self._by_name)}",
            )
        return sum(one.restart() for one in ([upstream] if upstream is not None else self.upstreams))

    def fan(self, client: Client, identity: Identity, number: int) -> Fan:
        """The server of one client; ``number`` is its recorded session."""
        return Fan(self, client, identity, number)

    def hub(self, fan: Fan) -> Hub:
        """What all clients share that cannot be told from this one."""
        hub = self._hubs.get(fan.identity)
        if hub is None:
            hub = self._hubs[fan.identity] = Hub(self, fan.identity, fan.number)
        hub.joined(fan)
        return hub

    def forget(self, identity: Identity) -> None:
        self._hubs.pop(identity, None)

    def report(self, names: Names) -> None:
        """Say once of each name that several upstreams claim it, and that nobody gets it."""
        for (member, name), claimed in names.dropped.items():
            if (member, name) not in self._reported and len(self._reported) < 1000:
                self._reported.add((member, name))
                who = " and ".join(sorted(claimed))
                self._note(
                    f"{name!r} of {member} is left out: {who} both offer it; give one of them a prefix"
                )
