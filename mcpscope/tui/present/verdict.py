"""The verdict of an exchange: word, glyph and role of ux.md 2.4, colour third."""

from __future__ import annotations

from dataclasses import dataclass

from mcpscope.tui.present.glyphs import ASCII, Glyphs


@dataclass(frozen=True, slots=True)
class Verdict:
    """``text`` is glyph and word; ``role`` its colour."""

    text: str
    role: str


_WORDS: dict[str, tuple[str, str, str]] = {
    "ok": ("ok", "ok", "success"),
    "rpc-error": ("error", "error", "error"),
    "tool-error": ("error", "tool-error", "error"),
    "waiting": ("waiting", "waiting", "info"),
    "held": ("held", "HELD", "hold"),
    "denied": ("refused", "denied", "warning"),
    "mock": ("ok", "ok (mock)", "info"),
    "dropped": ("refused", "dropped", "warning"),
    "cancelled": ("late", "cancel", "muted"),
    "late": ("late", "late", "warning"),
    "input": ("open", "input", "info"),
    "task": ("open", "task", "info"),
    "malformed": ("malformed", "malformed", "malformed"),
    "lost": ("error", "lost", "error"),
    "noted": ("note", "text", "muted"),
}
STATUSES = tuple(_WORDS)
"""Every word the store writes as a status."""

PROBLEMS = frozenset({"rpc-error", "tool-error", "malformed", "late", "held", "lost"})
"""What ``{`` and ``}`` jump to."""

_ASCII_WORDS = {"tool-error": "tool-err", "malformed": "bad", "ok (mock)": "ok mock"}


def verdict(
    status: str, glyphs: Glyphs, *, code: int | None = None, at: str = "", sent: bool = False
) -> Verdict:
    """How ``status`` reads; ``code`` is the number of a JSON-RPC error, ``at`` is req or res of a hold.

    ``sent`` is for a notification: nobody answers it, so it is passed on rather than ok.
    """
    if sent and status in ("ok", "noted"):
        return Verdict(f"{glyphs.dot} sent", "muted")
    sign, word, role = _WORDS.get(status, ("note", status or "unknown", "muted"))
    if status == "rpc-error":
        word = str(code) if code is not None else "rpc-error"
    if status == "held" and at:
        word = f"HELD {at}"
    if glyphs is ASCII:
        word = _ASCII_WORDS.get(word, word)
    return Verdict(getattr(glyphs, sign) + word, role)
