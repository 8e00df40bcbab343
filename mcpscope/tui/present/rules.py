"""The rules of one proxy as a table, and the one under the cursor in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

from mcpscope.tui.present import figures, masking
from mcpscope.tui.present.glyphs import Glyphs
from mcpscope.tui.present.spans import Line, Span, clip, cut, pad

MAX_PATH_CHARACTERS = 44
MAX_FAULT_LINES = 4
_ORIGINS = {
    "policy": "file",
    "live": "live",
    "option": "start",
    "breakpoint": "break",
    "intercept": "icept",
}
_ROLES = {"deny": "error", "drop": "error", "allow": "success", "ask": "warning", "break": "warning"}
_DOES = {
    "allow": "lets it pass; no rule behind it is asked",
    "deny": "refuses it: the client is told by the rule's name, the server sees nothing",
    "ask": "holds it until a person decides; undecided it is denied",
    "answer": "answers in the server's place",
    "drop": "answers with an error, the server sees nothing",
    "break": "holds it while a UI is attached, else it passes",
    "log": "writes a line into the Log",
    "edit": "changes it on its way; edits add up",
    "delay": "lets it wait",
    "tag": "gives the row a flag",
    "timeout": "never answers",
    "disconnect": "closes the connection",
    "truncate": "cuts the answer",
    "corrupt": "breaks the answer",
    "empty": "answers with nothing",
    "rate-limit": "refuses what is over the limit",
    "limit": "refuses what is over the limit, else the rules behind it judge",
}


def rules_heading(width: int) -> Line:
    """The titles of the columns."""
    when, does = _widths(width)
    text = f"    ON  # {pad('WHEN', when)} {pad('DO', does)} {'HITS':>6} {'LAST':<8} FROM"
    return cut([(text, "muted")], width)


def rule_line(
    rule: Mapping[str, Any], number: int, width: int, zone: tzinfo | None, glyphs: Glyphs, *, here: bool
) -> Line:
    """One row."""
    when, does = _widths(width)
    on = rule["enabled"]
    role = "" if on else "muted"
    last = figures.time_of_day(rule["last_hit"], zone, digits=0) if rule["last_hit"] else "-"
    return cut(
        [
            (f" {glyphs.cursor if here else ' '}  ", "accent"),
            (f"{glyphs.live if on else glyphs.idle} ", "success" if on else "muted"),
            (f"{number:>3} ", "muted"),
            (pad(masking.text(when_of(rule)), when) + " ", role),
            (
                pad(masking.text(does_of(rule)), does) + " ",
                (_ROLES.get(rule["action"], "") if on else "muted"),
            ),
            (f"{rule['hits'] or '-':>6} ", role),
            (f"{last:<8} ", "muted"),
            (
                _ORIGINS.get(rule["origin"], rule["origin"]),
                "warning" if rule["origin"] == "live" else "muted",
            ),
        ],
        width,
    )


def _widths(width: int) -> tuple[int, int]:
    """Of WHEN and DO."""
    room = max(24, width - 34)
    return room - room * 2 // 5, room * 2 // 5


def when_of(rule: Mapping[str, Any]) -> str:
    """What it looks for, and on which leg where that is said."""
    text = str(rule["match"]) or "everything"
    on = {"answer": " response", "both": " request and response", "request": " request"}
    return text + on.get(rule["on"], "")


def does_of(rule: Mapping[str, Any]) -> str:
    """Action and what belongs to it, in few words."""
    spelled = rule.get("spelled") or {}
    detail = {
        "deny": spelled.get("message", ""),
        "drop": f"{spelled.get('code', '')} {spelled.get('message', '')}".strip(),
        "tag": spelled.get("tag", ""),
        "delay": str(spelled.get("for", "")),
        "rate-limit": spelled.get("limit", ""),
        "break": "(UI only)",
        "edit": _changes(spelled),
        "answer": _answer(spelled.get("answer")),
    }.get(rule["action"], "") or _limits(spelled.get("limit"))
    would = "would " if rule["shadow"] else ""
    return clip(f"{would}{rule['action']} {detail}".strip(), 200)


def _changes(spelled: Mapping[str, Any]) -> str:
    sets = [
        f"{path}={masking.MASK if masking.is_secret(path.rpartition('.')[2]) else repr(value)}"
        for path, value in (spelled.get("set") or {}).items()
    ]
    return " ".join([*sets, *(f"{one['op']} {one['path']}" for one in spelled.get("patch") or ())])


def _limits(limits: object) -> str:
    """``20 in 3600s, 500 of args.amount in 86400s utc by caller``."""
    said = []
    for one in limits if isinstance(limits, list) else ():
        place = str(one.get("of", "")).replace("$.params.arguments.", "args.").removeprefix("$.params.")
        words = [f"{one['most']}", f"of {place}" if place else "", f"in {one['per']}", one.get("window", "")]
        words.append(f"by {' and '.join(one['by'])}" if one.get("by") else "")
        said.append(" ".join(filter(None, words)))
    return ", ".join(said)


def _answer(answer: object) -> str:
    if isinstance(answer, dict):
        return "with an error" if "error" in answer else "with a result"
    return "last good" if answer else ""


def proxy_line(
    label: str, place: tuple[int, int], policy: Mapping[str, Any], unsaved: int, saved_to: str, width: int
) -> Line:
    """Which proxy, which file, what no file has; ``saved_to`` is a file that the proxy does not follow."""
    files = [home_of(path) for path in policy.get("files") or ()]
    if not files and saved_to:
        files = [f"{home_of(saved_to)}, not followed"]
    which = f"  {place[0]} of {place[1]} ([ ] others)" if place[1] > 1 else ""
    spans: Line = [(f"  {label}", "strong"), (which, "muted")]
    if unsaved:
        spans.append((f"   {unsaved} unsaved", "warning"))
    spans += [("   file ", "muted"), (", ".join(files) or "none", "" if files else "muted")]
    if policy.get("shadow"):
        spans.append(("  shadow: nothing is enforced", "warning"))
    if policy.get("default") == "deny":
        spans.append(("  default deny", "muted"))
    if policy.get("hide"):
        spans.append((f"  hides {' '.join(policy['hide'])}", "muted"))
    return cut(spans, width)


def facts(
    rule: Mapping[str, Any], number: int, matched: tuple[int, int] | None, detached: str, glyphs: Glyphs
) -> list[Line]:
    """The rule in words: what it does, what it would have matched, how it stands to the others."""
    action = str(rule["action"])
    words = _DOES.get(action, action)
    if action == "break" and detached == "wait":
        words = "holds it, also while no UI is attached"
    elif action == "break" and detached == "error":
        words = "holds it while a UI is attached, else it is answered with an error"
    lines: list[Line] = [
        [(f"  {number}  {rule['name']}", "strong"), (f"   {action}", _ROLES.get(action, ""))]
    ]
    lines.append([(f"  {words}", "")])
    if rule["shadow"]:
        lines.append([("  shadow: it only records what it would have done", "warning")])
    if not rule["enabled"]:
        lines.append([(glyphs.keyed("  off: it does nothing until {rule.toggle} switches it on"), "warning")])
    if matched is not None:
        found, of = matched
        text = f"  Would have matched {figures.count(found)} of the last {figures.plural(of, 'exchange')}"
        lines.append(
            [
                (text, "info" if found else ""),
                (glyphs.keyed("   ({rule.matches} shows them)") if found else "", "muted"),
            ]
        )
    lines.append([(f"  {_more(rule)}", "muted")])
    return lines


ORDER: Span = ("  The first allow, deny, ask, answer or drop decides; edits and tags add up.", "muted")


def _more(rule: Mapping[str, Any]) -> str:
    parts = [
        f"skips {rule['skip']}" if rule["skip"] else "",
        "once" if rule["once"] else "",
        f"holds {rule['timeout']:g} s" if rule["timeout"] else "",
        f"then {rule['fallback']}" if rule["fallback"] else "",
        "only on errors" if rule["errors"] else "",
        f"“{clip(masking.text(str(rule['message'])), 80)}”" if rule["message"] else "",
    ]
    origin = {
        "policy": "of the policy file: changed there, in force a second later",
        "live": "made live: gone with the proxy unless ^s saves it",
        "option": "given when the proxy was started",
        "breakpoint": "a breakpoint",
        "intercept": "the intercept filter",
    }.get(rule["origin"], "")
    return " · ".join(part for part in (origin, *parts) if part)


def fault_lines(policy: Mapping[str, Any]) -> list[Line]:
    """Why a changed file was not taken; the old rules stay in force."""
    text = str(policy.get("fault") or "")
    for path in policy.get("files") or ():
        text = text.replace(path, Path(path).name)
    lines = [f"  {line}" for line in text.splitlines()[:MAX_FAULT_LINES]]
    return [[(line, "error")] for line in lines] + (
        [[("  the old rules stay in force", "warning")]] if lines else []
    )


def counted(rules: Sequence[Mapping[str, Any]], unsaved: int) -> list[Span]:
    """The parts of the status line."""
    off = sum(not rule["enabled"] for rule in rules)
    parts: list[Span] = [(figures.plural(len(rules), "rule"), "")]
    parts += [(f"{off} off", "muted")] if off else []
    parts.append((f"unsaved: {unsaved or 'none'}", "warning" if unsaved else "muted"))
    return parts


def home_of(path: str) -> str:
    """A path as people write it; of a long one its end."""
    home = str(Path.home())
    short = "~" + path.removeprefix(home) if path.startswith(home + "/") else path
    return short if len(short) <= MAX_PATH_CHARACTERS else "…/" + "/".join(Path(path).parts[-2:])
