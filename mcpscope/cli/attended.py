"""``mcpscope -- COMMAND`` typed in a terminal: the proxy as a process of its own, and the UI on it.

The client is ours, so that there is something to see: it says hello and asks for the tools. The proxy ends
with the UI.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

from mcpscope.cli.options import HTTP_OPTIONS, WRAP_OPTIONS, Values
from mcpscope.cli.ui import open_ui
from mcpscope.paths import db_file
from mcpscope.tui.app import Options
from mcpscope.tui.caller import Caller
from mcpscope.tui.theming import wants_ascii

STOP_SECONDS = 5.0
LISTENING = "listening on "


def run_attended(values: Values, command: list[str]) -> int:
    """Run the proxy and the UI; returns the server's code if it ended first, else the UI's."""
    db = Path(str(values.get("db") or db_file())).absolute()
    proxy = subprocess.Popen(
        [sys.executable, "-P", "-m", "mcpscope", *_options(values), "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    caller = Caller(proxy)
    caller.hello()
    try:
        code = open_ui(
            Path(db),
            Options(theme=_theme(values), ascii=bool(values.get("ascii")) or wants_ascii()),
            _config(values),
        )
    finally:
        ended = proxy.poll()
        _stop(proxy, caller)
    return ended if ended is not None else code


def run_attended_url(values: Values, url: str) -> int:
    """Run the proxy in front of ``url`` and the UI, which says where clients find the proxy."""
    db = Path(str(values.get("db") or db_file())).absolute()
    proxy = subprocess.Popen(
        [sys.executable, "-P", "-m", "mcpscope", *_options(values), url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert proxy.stderr is not None
    first = proxy.stderr.readline().decode("utf-8", "replace").strip()
    if LISTENING not in first:  # it says why it cannot
        rest = proxy.stderr.read().decode("utf-8", "replace")
        sys.stderr.write(f"{first}\n{rest}")
        return proxy.wait()
    threading.Thread(target=proxy.stderr.read, name="proxy's words", daemon=True).start()
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, partial(_taken_along, proxy))
    look = Options(theme=_theme(values), ascii=bool(values.get("ascii")) or wants_ascii(), note=first)
    try:
        return open_ui(db, look, _config(values))
    finally:
        proxy.terminate()
        proxy.wait()


def _taken_along(proxy: subprocess.Popen[bytes], number: int, frame: object) -> None:
    """The terminal was closed, or somebody ended us: a proxy that nobody else knows ends, too."""
    del frame
    proxy.terminate()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _config(values: Values) -> str | None:
    return str(values["config"]) if values.get("config") else None


def _theme(values: Values) -> str:
    return "mono" if values.get("no_color") else str(values.get("theme") or "auto")


def _options(values: Values) -> list[str]:
    """The options as they were typed, for the proxy."""
    found: list[str] = []
    for option in (*WRAP_OPTIONS, *HTTP_OPTIONS):
        value = values.get(option.name)
        if value is True:
            found.append(option.flags[-1])
        elif isinstance(value, list):
            found += [word for one in value for word in (option.flags[-1], one)]
        elif isinstance(value, str):
            found += [option.flags[-1], value]
    return found


def _stop(proxy: subprocess.Popen[bytes], caller: Caller) -> None:
    """End the proxy as a client does: by the end of its input."""
    caller.close()
    try:
        proxy.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        proxy.terminate()
        proxy.wait()
