"""The palettes as Textual themes: each role becomes a variable that ``app.tcss`` may name."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.theme import Theme

from mcpscope.tui.present.roles import PALETTES, ROLES, Palette

AUTO = "auto"
NAMES = (AUTO, *(palette.name for palette in PALETTES))


def themes() -> list[Theme]:
    """Every shipped theme."""
    return [_theme(palette) for palette in PALETTES]


def variables(palette: Palette) -> dict[str, str]:
    """The variables of a palette's roles, for what is styled by ``app.tcss``."""
    return {f"role-{role}": palette.colours[role] for role in ROLES}


def _theme(palette: Palette) -> Theme:
    plain = palette.background
    return Theme(
        name=palette.name,
        primary=palette.colours["accent"],
        foreground=palette.foreground,
        background=plain,
        surface=plain,
        panel=plain,
        boost=plain,
        warning=palette.colours["warning"],
        error=palette.colours["error"],
        success=palette.colours["success"],
        accent=palette.colours["accent"],
        dark=palette.dark,
        ansi=palette.ansi,
        variables={
            **variables(palette),
            "ansi-background": "ansi_black" if palette.dark else "ansi_white",
            "ansi-foreground": "ansi_white" if palette.dark else "ansi_black",
            "input-cursor-text-style": "reverse",
            "input-cursor-background": plain,
            "input-cursor-foreground": palette.foreground,
            "input-selection-background": palette.colours["accent"],
            "input-selection-foreground": plain,
        },
    )


def chosen(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The theme to use: mono where no colours are wanted, else as asked; ``auto`` by the terminal."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return "mono"
    if name and name != AUTO:
        return name
    # rxvt and its heirs tell their colours; 7 and 15 are light backgrounds.
    background = environment.get("COLORFGBG", "").rpartition(";")[2]
    return "ansi-light" if background in ("7", "15") else "ansi-dark"


def wants_ascii(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether signs beyond ASCII would not be shown: the locale is not UTF-8, or somebody said so."""
    if environment.get("MCPSCOPE_ASCII"):
        return True
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or ""
    return "utf" not in locale.lower()
