"""Rules: what one proxy obeys, in order, with its hits; a change is in force at once and can be undone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mcpscope.engine.policy.load import in_force, load
from mcpscope.engine.policy.matching import LAST_EXCHANGES
from mcpscope.engine.rule import Rule
from mcpscope.errors import ScopeError
from mcpscope.session.law import read_policies
from mcpscope.store.matching import matched
from mcpscope.store.opened import Interrupted
from mcpscope.tui.clock import Clock
from mcpscope.tui.links import Link
from mcpscope.tui.messages import FilterBy
from mcpscope.tui.present import chrome, rules
from mcpscope.tui.present.spans import Line, Span
from mcpscope.tui.screens.base import Act, ScopeScreen, bindings
from mcpscope.tui.screens.ruling import Ruling
from mcpscope.tui.source import Source
from mcpscope.tui.steer import Steer
from mcpscope.tui.undoing import Undo
from mcpscope.tui.widgets.painted import Bar, glyphs_of
from mcpscope.tui.widgets.rowlist import RowList
from mcpscope.tui.working import begin

TICK_SECONDS = 1.0
SHOWN_MATCHES = 200
FACT_LINES = 6


class RuleRows:
    """``Rows`` over the rules of one proxy; a rule's key is its name, for as long as the screen lives."""

    def __init__(self, found: Sequence[dict[str, Any]], screen: RulesScreen) -> None:
        self.rules = found
        self._screen = screen

    def __len__(self) -> int:
        return len(self.rules)

    def key(self, position: int) -> int:
        return self._screen.key_of(self.rules[position]["name"])

    def position(self, key: int) -> int:
        keys = (self.key(at) for at in range(len(self.rules)))
        return next(
            (at for at, one in enumerate(keys) if one == key), min(self._screen.rows.cursor, len(self) - 1)
        )

    def line(self, position: int, width: int, *, here: bool) -> Line:
        zone, glyphs = self._screen.clock.zone, glyphs_of(self._screen)
        return rules.rule_line(self.rules[position], position + 1, width, zone, glyphs, here=here)


class RulesScreen(ScopeScreen):
    """One proxy at a time; ``[`` and ``]`` go to the others."""

    place = "rules"
    BINDINGS: ClassVar[list[BindingType]] = bindings("rules")

    def __init__(self, source: Source, steer: Steer, clock: Clock, undo: Undo) -> None:
        super().__init__()
        self.clock = clock
        self._source = source
        self._steer = steer
        self._pid = 0
        self._names: dict[str, int] = {}
        self._sessions: tuple[int, ...] | None = None
        self._matched: tuple[int, int] | None = None
        self._asked: object = None
        self.ruling = Ruling(self, steer, undo, self.link, self.selected)

    def body(self) -> ComposeResult:
        yield Bar(id="proxy")
        yield Bar(id="heading")
        yield RowList(id="list")
        yield Bar(id="rule-line")
        yield Bar(id="rule-facts")

    @property
    def rows(self) -> RowList:
        return self.query_one(RowList)

    def on_mount(self) -> None:
        self.set_interval(TICK_SECONDS, self._tick)
        self.steered()

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._tick()

    async def show_sessions(self, sessions: tuple[int, ...] | None) -> None:
        """What Traffic shows is what rules are tried on."""
        self._sessions = sessions
        self._try()

    def steered(self) -> None:
        """Rules may have changed."""
        link = self.link()
        self.ruling.look()
        self.rows.show(RuleRows(link.rules if link is not None else (), self))
        self._try()
        self._paint()

    def link(self) -> Link | None:
        """The proxy whose rules are shown: the one chosen, else the first."""
        links = self._steer.links
        found = next((link for link in links if link.entry.pid == self._pid), None)
        return found or (links[0] if links else None)

    def key_of(self, name: str) -> int:
        """One number for a name."""
        return self._names.setdefault(name, len(self._names))

    def selected(self) -> dict[str, Any] | None:
        """The rule under the cursor."""
        found = self.rows.rows
        return found.rules[self.rows.cursor] if isinstance(found, RuleRows) and len(found) else None

    def select(self, name: str) -> None:
        """Put the cursor on a rule."""
        self.rows.select(self.key_of(name))

    def on_row_list_moved(self) -> None:
        self._try()
        self._paint()

    def on_resize(self) -> None:
        super().on_resize()
        self._paint()

    def _tick(self) -> None:
        link = self.link()
        if self.is_current and link is not None:
            link.look()

    def _try(self) -> None:
        """Find out what the rule would have matched, where it is another one or its hits have changed."""
        rule = self.selected()
        asked = (json.dumps(rule.get("spelled")), rule["hits"], self._sessions) if rule is not None else None
        if asked == self._asked:
            return
        self._asked, self._matched = asked, None
        made = None if rule is None else self._compiled(rule)
        if made is not None:
            begin(self, self._count, made, asked, group="matches", exclusive=True)

    def _compiled(self, rule: dict[str, Any]) -> Rule | None:
        """The rule itself, from its spelling or its file; None where it has neither."""
        link = self.link()
        try:
            if rule.get("foreign") and link is not None:
                found = in_force(read_policies(link.policy.get("files") or ()))
                return next((one for one in found if one.name == rule["name"]), None)
            (made,) = load(json.dumps({"version": 1, "rules": [rule["spelled"]]})).rules
        except ScopeError:
            return None
        return made

    async def _count(self, rule: Rule, asked: object) -> None:
        sessions = self._sessions
        try:
            found, of = await self._source.ask(lambda pages: matched(pages, rule, sessions, LAST_EXCHANGES))
        except Interrupted:
            return
        if asked == self._asked:
            self._matched = (len(found), of)
            self._paint()

    def _paint(self) -> None:
        if not self.is_mounted or not self.query("#rule-facts"):  # not there yet, or taken down
            return
        width, glyphs, link, rule = self.size.width, glyphs_of(self), self.link(), self.selected()
        lines: list[Line] = []
        if link is None:
            top: Line = [("  no proxy runs: rules are made and changed where one does", "muted")]
        else:
            links = self._steer.links
            place = (links.index(link) + 1, len(links)) if link in links else (1, 1)
            unsaved, path = len(self.ruling.unsaved()), str(self.ruling.path() or "")
            top = rules.proxy_line(link.entry.label, place, link.policy, unsaved, path, width)
            if rule is not None:
                lines = rules.facts(rule, self.rows.cursor + 1, self._matched, link.detached, glyphs)
            else:
                lines = [
                    [
                        (
                            glyphs.keyed(
                                "  no rules: {rule.new} makes one, {rule.always} in Traffic and Holds"
                                " makes one of what stands there"
                            ),
                            "muted",
                        )
                    ]
                ]
            lines.append([rules.ORDER])
            lines = [*rules.fault_lines(link.policy), *lines]
        self.query_one("#proxy", Bar).show([top])
        self.query_one("#heading", Bar).show([rules.rules_heading(width)])
        self.query_one("#rule-line", Bar).show([chrome.rule(width, glyphs)])
        facts = self.query_one("#rule-facts", Bar)
        facts.styles.height = max(FACT_LINES, len(lines))
        facts.show(lines)
        self.refresh_chrome()

    def status_parts(self) -> tuple[Sequence[Span], str]:
        link = self.link()
        return rules.counted(link.rules if link else (), len(self.ruling.unsaved())), ""

    def acts(self) -> dict[str, Act]:
        return {
            **self.ruling.acts(),
            "rule.matches": Act(
                self._show_matches, lambda: "" if self._matched else "nothing would have matched"
            ),
            "tab.previous": Act(lambda: self._other(-1), self._why_no_other),
            "tab.next": Act(lambda: self._other(1), self._why_no_other),
        }

    def _why_no_other(self) -> str:
        return "" if len(self._steer.links) > 1 else "there is no other proxy"

    def _other(self, by: int) -> None:
        links, now = self._steer.links, self.link()
        if now in links:
            self._pid = links[(links.index(now) + by) % len(links)].entry.pid
            self.steered()

    async def _show_matches(self) -> None:
        """By the rule's own filter where that is all it says, else by number."""
        rule = self.selected()
        made = None if rule is None else self._compiled(rule)
        if rule is None or made is None:
            return
        spelled, sessions = rule["spelled"], self._sessions
        if not rule.get("foreign") and spelled.get("match") and "when" not in spelled and "on" not in spelled:
            self.post_message(FilterBy(spelled["match"], add=False))
            return
        found, _ = await self._source.ask(lambda pages: matched(pages, made, sessions, LAST_EXCHANGES))
        ids = ",".join(map(str, found[-SHOWN_MATCHES:]))
        self.post_message(FilterBy(f"seq:({ids})", add=False))
