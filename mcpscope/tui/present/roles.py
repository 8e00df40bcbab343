"""The roles of colour and what each theme gives them: chrome, identity and verdict, never a bare colour."""

from __future__ import annotations

from dataclasses import dataclass

ROLES = (
    "accent",
    "muted",
    "strong",
    "success",
    "error",
    "warning",
    "info",
    "hold",
    "malformed",
    "diff-add",
    "diff-del",
    "match",
    "cursor",
    "key",
    "literal",
    "tab",
)
"""Every role a span may name."""

VERDICTS = ("success", "error", "warning", "info", "hold", "malformed", "muted")


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme: a foreground (and style) for each role. ``background`` None leaves the terminal's own."""

    name: str
    dark: bool
    foreground: str
    background: str
    colours: dict[str, str]
    styles: dict[str, str]
    ansi: bool = False


_STYLES = {
    "hold": "bold reverse",
    "cursor": "reverse",
    "match": "reverse",
    "strong": "bold",
    "tab": "bold underline",
    "key": "bold",
}

_DARK = {
    "accent": "#7cb7ff",
    "muted": "#9aa4b2",
    "strong": "#f2f5f9",
    "success": "#7bd88f",
    "error": "#ff8080",
    "warning": "#f2c14e",
    "info": "#6fd3e0",
    "hold": "#ffb86c",
    "malformed": "#e39cf2",
    "diff-add": "#7bd88f",
    "diff-del": "#ff8080",
    "match": "#f2c14e",
    "cursor": "#f2f5f9",
    "key": "#7cb7ff",
    "literal": "#c5b3ff",
    "tab": "#7cb7ff",
}
_LIGHT = {
    "accent": "#1d4f91",
    "muted": "#586069",
    "strong": "#101418",
    "success": "#17692c",
    "error": "#a61b1b",
    "warning": "#7a4f00",
    "info": "#0b5c6b",
    "hold": "#8a3f00",
    "malformed": "#7a1f8a",
    "diff-add": "#17692c",
    "diff-del": "#a61b1b",
    "match": "#7a4f00",
    "cursor": "#101418",
    "key": "#1d4f91",
    "literal": "#4a36a0",
    "tab": "#1d4f91",
}
_CONTRAST = {
    "accent": "#8fd0ff",
    "muted": "#d0d0d0",
    "strong": "#ffffff",
    "success": "#7dff9b",
    "error": "#ffa0a0",
    "warning": "#ffe066",
    "info": "#7df0ff",
    "hold": "#ffc766",
    "malformed": "#ffb3ff",
    "diff-add": "#7dff9b",
    "diff-del": "#ffa0a0",
    "match": "#ffe066",
    "cursor": "#ffffff",
    "key": "#8fd0ff",
    "literal": "#d9ccff",
    "tab": "#8fd0ff",
}
_ANSI = {
    "accent": "ansi_blue",
    "muted": "ansi_default",
    "strong": "ansi_default",
    "success": "ansi_green",
    "error": "ansi_red",
    "warning": "ansi_yellow",
    "info": "ansi_cyan",
    "hold": "ansi_yellow",
    "malformed": "ansi_magenta",
    "diff-add": "ansi_green",
    "diff-del": "ansi_red",
    "match": "ansi_yellow",
    "cursor": "ansi_default",
    "key": "ansi_blue",
    "literal": "ansi_cyan",
    "tab": "ansi_blue",
}
_MONO = dict.fromkeys(ROLES, "ansi_default")
_MONO_STYLES = {**_STYLES, "muted": "dim", "error": "bold", "malformed": "bold", "diff-add": "bold"}
_ANSI_STYLES = {**_STYLES, "muted": "dim"}

_BRIGHT = {role: colour.replace("ansi_", "ansi_bright_") for role, colour in _ANSI.items()}
_ANSI_DARK = {role: _ANSI[role] if colour.endswith("default") else colour for role, colour in _BRIGHT.items()}

PALETTES = (
    Palette("ansi-dark", True, "ansi_default", "ansi_default", _ANSI_DARK, _ANSI_STYLES, ansi=True),
    Palette("ansi-light", False, "ansi_default", "ansi_default", _ANSI, _ANSI_STYLES, ansi=True),
    Palette("mcpscope-dark", True, "#e3e8ef", "#12161c", _DARK, _STYLES),
    Palette("mcpscope-light", False, "#1b1f24", "#fbfcfd", _LIGHT, _STYLES),
    Palette("high-contrast", True, "#ffffff", "#000000", _CONTRAST, _STYLES),
    Palette("mono", True, "ansi_default", "ansi_default", _MONO, _MONO_STYLES, ansi=True),
)
"""``auto`` is ``ansi-dark`` or ``ansi-light``: the terminal's own sixteen colours, no background painted."""


def contrast(one: str, two: str) -> float:
    """The WCAG contrast ratio of two ``#rrggbb`` colours."""
    bright, dim = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
