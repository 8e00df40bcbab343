"""A real browser for the page: headless Chromium where the machine has one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell")


def opened(page: Path, profile: Path, *, fragment: str = "") -> str:
    """The document of ``page`` after its script has run; skips the test where there is no browser."""
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    done = subprocess.run(
        [program, *arguments, f"--user-data-dir={profile}", "--window-size=1400,800", "--dump-dom",
         f"{page.as_uri()}{fragment}"],
        capture_output=True,
        timeout=90,
    )  # fmt: skip
    return done.stdout.decode()
