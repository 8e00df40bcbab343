"""What is held, in lines: the queue, the badge of the header, what may safely be done, the schema's hints."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mcpscope.tui.present import figures
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, Span, clip, cut, pad, wrap
from mcpscope.tui.steer import SECOND_NS, Held

SOON_SECONDS, NOW_SECONDS = 15, 5
WHAT, WHY, CLIENT = 30, 24, 8
_NUMBERED = re.compile(r"b\d+")
_SEEN = {
    "unseen": "the server has not seen this request",
    "answer": "the server has already done the work; the client has not seen the answer",
    "unseen-client": "the client has not seen this request of the server",
    "notice": "the server has sent this; the client has not seen it",
}


_FALLBACKS = {
    "discard": "dropped, never run",
    "continue": "continued",
    "error": "answered with an error",
    "deny": "denied",
}
_VERBS = (
    "{hold.continue} continue   {hold.step} continue, stop at the answer",
    "{hold.edit} edit   {hold.editor} edit in $EDITOR",
    "{hold.answer} answer with a mock   {hold.drop} drop with an error",
)


def seen(data: Mapping[str, Any]) -> str:
    """The sentence that decides what may safely be done with a hold."""
    if not data["server_has_seen"]:
        return _SEEN["unseen"]
    if data["phase"] == "answer":
        if data["dir"] == "c2s":
            return "the client has answered; the server has not seen the answer"
        return _SEEN["answer"]
    return _SEEN["unseen-client"] if data["rpc_id"] else _SEEN["notice"]


def badge(holds: Sequence[Held], now: int, glyphs: Glyphs) -> Line:
    """``‖ HELD 2  0:38 left`` for the header; nothing where nothing is held."""
    if not holds:
        return []
    left = [found for held in holds if (found := held.left(now)) is not None]
    line: Line = [("  ", ""), (f"{glyphs.held}HELD {len(holds)}", "hold")]
    if left:
        line += [(" ", ""), _clock(min(left))]
    return line


def _clock(left: float) -> Span:
    text = f"{figures.clock(left)} left"
    if left < NOW_SECONDS:
        return (text, "hold")
    return (f"{text} soon", "warning") if left < SOON_SECONDS else (text, "strong")


def holds_heading(width: int) -> Line:
    """The titles of the queue's columns."""
    what, why = _widths(width)
    text = f"    {'LEFT':>6}  {'WAITED':>6}  {pad('WHAT', what)}  {pad('WHY', why)}  CLIENT"
    return cut([(text, "muted")], width)


def hold_line(held: Held, width: int, now: int, glyphs: Glyphs, *, here: bool) -> Line:
    """One row of the queue."""
    what, why = _widths(width)
    left = held.left(now)
    role = "" if left is None or left >= SOON_SECONDS else "warning" if left >= NOW_SECONDS else "hold"
    arrow = glyphs.to_server if held.data["dir"] == "c2s" else glyphs.to_client
    phase = "response" if held.answers else "request" if held.data["rpc_id"] else "notice"
    waited = (now - held.data["held_at"]) / SECOND_NS
    line: Line = [
        (f" {glyphs.cursor if here else ' '}  ", "accent"),
        (f"{'-' if left is None else figures.clock(left):>6}", role),
        (f"  {figures.clock(waited):>6}  ", "muted"),
        (f"{arrow} {pad(held.name, what - 11)} {phase:<8}  ", ""),
        (pad(_why(held), why) + "  ", "muted"),
        ("GAVE UP", "error") if held.gave_up else ("waiting", ""),
    ]
    if held.data["edited"]:
        line.append((" edited", "info"))
    return cut(line, width)


def _widths(width: int) -> tuple[int, int]:
    """Of the columns WHAT and WHY."""
    room = width - 20 - CLIENT - 4
    what = max(22, min(48, room * 3 // 5))
    return what, max(8, room - what)


def _why(held: Held) -> str:
    data = held.data
    kinds = {"break": "breakpoint", "ask": "asked by", "step": "step", "delay": "delayed by"}
    if data["rule"] == "intercept":
        return "intercept filter"
    if data["kind"] == data["rule"]:
        return str(data["rule"])
    return f"{kinds.get(data['kind'], data['kind'])} {_called(held)}".strip()


def _called(held: Held) -> str:
    """The rule by its name; one that a key made has a number only, and is called by what it matches."""
    name = str(held.data["rule"])
    if not _NUMBERED.fullmatch(name):
        return name
    return next((str(rule["match"]) for rule in held.link.rules if rule["name"] == name), "") or name


def facts(held: Held, width: int, now: int, glyphs: Glyphs) -> list[Line]:
    """What stands below the message: checks, the client's clock, and what the server knows."""
    data = held.data
    lines: list[Line] = []
    for warning in data["warnings"][:3]:
        lines.append([(f"   {glyphs.error}{warning}", "warning")])
    if held.gave_up:
        lines.append([("   the client gave up and no longer waits; continuing asks first", "error")])
    else:
        settable = "" if data["clock_source"] == "set" else glyphs.keyed("  ({hold.timeout} set)")
        lines.append([(f"   {clock_words(held)}{settable}", "muted")])
    lines.append([("   " + seen(data), "strong")])
    lines.append([("   " + _later(data, now, glyphs), "muted")])
    if data["behind"]:
        waits = figures.plural(data["behind"], "message")
        lines.append(
            [(f"   {waits} of the session {'waits' if data['behind'] == 1 else 'wait'} behind it", "info")]
        )
    return [cut(line, width) for line in lines]


def written(held: Held, width: int, glyphs: Glyphs, *, draft: bool, answer: bool) -> list[Line]:
    """What people have written of it: a draft or an ``answer`` by hand of this UI, an edit that is held."""
    texts: list[str] = []
    if draft:
        texts.append(
            glyphs.keyed("a draft is kept: {hold.edit} opens it again, {hold.revert} throws it away")
        )
    elif held.data["editor"]:
        texts.append(f"edited by {held.data['editor']}" + glyphs.keyed("; {hold.revert} reverts it"))
    if answer:
        kept = "an answer by hand is kept: {hold.answer} h opens it, {hold.revert} throws it away"
        texts.append(glyphs.keyed(kept))
    return [cut([(f"   {text}", "info")], width) for text in texts]


def panel(held: Held, width: int, now: int, glyphs: Glyphs, *, editor: bool) -> list[Line]:
    """What stands in place of an answer that is not there because something is held, and what can be done.

    ``editor``: its key is bound here.
    """
    data = held.data
    where = "on its way back" if held.answers else "before it reached the server"
    if not held.answers and data["dir"] == "s2c":
        where = "before it reached the client"
    left, waited = held.left(now), figures.clock((now - data["held_at"]) / SECOND_NS)
    clocks: Line = [(f"  waited {waited}", "")]
    if left is not None and not held.gave_up:
        text, role = _clock(left)
        clocks += [("   ", ""), (text, role)]
    lines: list[Line] = [
        [],
        [("  HELD", "hold"), (f" {where}", "strong")],
        [(f"  by {_why(held)}", "muted")],
        clocks,
        [],
    ]
    undecided = _FALLBACKS.get(data["fallback"], data["fallback"])
    waits = "the client gave up and no longer waits" if held.gave_up else clock_words(held)
    for text, role in (
        (waits, "error" if held.gave_up else ""),
        (seen(data), "strong"),
        (f"left undecided it is {undecided}", "muted"),
    ):
        lines += [[(f"  {part}", role)] for part in wrap(text, width - 3)]
    verbs = [part if editor else part.partition("   {hold.editor}")[0] for part in _VERBS]
    return [*lines, [], *[[(f"  {glyphs.keyed(part)}", "muted")] for part in verbs]]


def clock_words(held: Held) -> str:
    """How long the client waits, and how we know."""
    data = held.data
    if data["clock_ns"] is None:
        return f"this client is {data['clock_source']} to wait as long as it takes"
    tenths = round(data["clock_ns"], -8)  # what was learned is no exact time
    limit = (
        re.sub(r"\.?0+s$", "s", figures.duration(tenths)) if tenths >= SECOND_NS else figures.duration(tenths)
    )
    words = {
        "assumed": f"{limit} is assumed for this client; the real limit may differ",
        "learned": f"learned {limit}: this client gave up after that before",
        "known": f"{limit} is known of this client",
        "set": f"{limit} is set",
    }
    return words.get(data["clock_source"], limit)


def _later(data: Mapping[str, Any], now: int, glyphs: Glyphs) -> str:
    left = figures.clock((data["deadline"] - now) / SECOND_NS)
    alive = (
        "{hold.keep-alive} sends progress" if data["can_keep_alive"] else "no keep-alive (no progressToken)"
    )
    if data["keep_alive"]:
        alive = "progress every 10 s ({hold.keep-alive} stops it)"
    return (
        f"undecided in {left}: {_FALLBACKS.get(data['fallback'], data['fallback'])} · {glyphs.keyed(alive)}"
    )


def notice(word: str, data: Mapping[str, Any], own: str) -> str:
    """What to say of an event; empty where there is nothing to say."""
    if word == "note":
        return str(data.get("text", "")).partition("\n")[0]
    hold = data.get("hold") or data
    name = hold.get("tool") or hold.get("method") or "a message"
    if word == "released" and data.get("by") != own:
        outcomes = {"forwarded": "continued", "answered": "mocked", "abandoned": "given up"}
        outcome = outcomes.get(str(data.get("outcome")), data.get("outcome"))
        return f"{name}: {outcome} by {data.get('by')}"
    if word == "changed" and data.get("state") == "gave-up":
        return f"{name}: the client GAVE UP"
    return ""


def counted(holds: Sequence[Held]) -> list[Span]:
    """The parts of the status line."""
    parts: list[Span] = [(f"{figures.count(len(holds))} held", "hold" if holds else "")]
    gone = sum(1 for held in holds if held.gave_up)
    if gone:
        parts.append((f"{gone} gave up", "error"))
    return parts


def obeyed(breaks: Sequence[Mapping[str, Any]], intercepts: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Breakpoints and intercept filter, for the status line of every screen that shows traffic."""
    parts: list[Span] = []
    for rule in list(breaks)[:3]:
        if not rule["enabled"]:
            continue
        on = {"answer": " (res)", "both": " (both)"}.get(rule["on"], "")
        parts.append((f"break {rule['match'] or '*'}{on}", "warning"))
    if len(breaks) > 3:
        parts.append((f"+{len(breaks) - 3} breaks", "warning"))
    for intercept in list(intercepts)[:1]:
        if intercept.get("filter") or intercept.get("enabled"):
            word = "intercept" if intercept["enabled"] else "intercept off:"
            text = f"{word} {clip(str(intercept['filter']) or '*', 40)}"
            parts.append((text, "warning" if intercept["enabled"] else "muted"))
    return parts


def title(held: Held) -> Line:
    """The rule above the held message."""
    data = held.data
    phase = "response" if held.answers else "request"
    part = "result" if held.answers else "arguments" if data["method"] == "tools/call" else "message"
    facts = f"  {phase}  id {data['rpc_id'] or '-'}  {part}  {figures.size(data['size'])}"
    return [(held.name, "strong"), (facts, "muted")]
