"""A stand-in on HTTP, started and ended as a person does."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.program import Program, until

_LISTENING = re.compile(r"listening on (\S+)")


@contextmanager
def serving(program: Program, *args: str) -> Iterator[str]:
    """``mcpscope serve ARGS`` on a free port; gives its address, and ends it with SIGTERM."""
    said: list[str] = []
    front = ["--port", "0"]
    place = args.index("--") if "--" in args else len(args)
    process = program.popen("serve", *args[:place], *front, *args[place:])
    assert process.stderr is not None
    errors = process.stderr

    def listen() -> None:
        for line in errors:
            said.append(line.decode(errors="replace"))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()

    def address() -> str:
        assert process.poll() is None, said
        found = _LISTENING.search("".join(said))
        return found[1] if found else ""

    try:
        yield until(address, timeout=60)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        thread.join(10)
