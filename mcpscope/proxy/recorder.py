"""The recorder process of a proxy, and the sender of spans that follows what it stores."""

from __future__ import annotations

import os

from mcpscope.proxy.companion import Companion
from mcpscope.store.layout import APPLICATION_ID, SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mcpscope.transports.loop import Loop

_SQLITE = b"SQLite format 3\0"
WILL_NEVER_DO = 5  # the recorder's exit code for a database it must leave alone


class Recorder(Companion):
    """Keeps one recorder at work on ``folder`` for ``db``. What it says goes to ``say``."""

    def __init__(self, loop: Loop, folder: str, db: str, say: Callable[[bytes], None]) -> None:
        super().__init__(loop, "recorder", "mcpscope.store.recorder", [folder, db], say)
        self.done = (WILL_NEVER_DO,)
        self._folder = folder
        self._db = db

    def start(self) -> None:
        """Start it unless it runs or will never do."""
        if self._pid or self._over:
            return
        if reason := never_takes(self._db):
            self._over = True
            told = f"mcpscope: NOT STORED: {self._db} {reason}; the journal stays in {self._folder}\n"
            self._say(told.encode(errors="backslashreplace"))
        elif os.path.isdir(self._folder):
            self._launch()
        else:
            self._again()  # the journal could not be begun; it tries again by itself


def sender(loop: Loop, folder: str, db: str, url: str, say: Callable[[bytes], None]) -> Companion:
    """Who sends what is recorded from the journal ``folder`` to the collector at ``url``."""
    arguments = [str(os.getpid()), folder, db, url]
    made = Companion(loop, "sender of spans", "mcpscope.exports.otlp.live", arguments, say)
    made.done = (0, 1)
    return made


def never_takes(db: str) -> str:
    """Why no recorder of ours will write into ``db``, as its header tells; the recorder looks closer."""
    try:
        with open(db, "rb") as file:
            header = file.read(100)
    except OSError:
        return ""
    if not header:
        return ""
    if not header.startswith(_SQLITE):
        return "is no database"
    application, version = header[68:72], int.from_bytes(header[60:64], "big")
    if application == APPLICATION_ID.to_bytes(4, "big"):
        return "was written by a newer mcpscope" if version > SCHEMA_VERSION else ""
    return "is a database of another program" if any(application) else ""
