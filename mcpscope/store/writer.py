"""A thread that writes one part of a transaction while the next is being read.

SQLite and zstd let the interpreter's lock go, so a second core stores a backlog of large messages nearly
twice as fast. Small ones are mostly Python's work: two threads would only take the lock from each other.
At most one part is being written and none waits: whoever has the next one waits until it can be taken.
"""

from __future__ import annotations

import sqlite3
import sys
import threading

from mcpscope.store.bodies import BlockWriter
from mcpscope.store.rows import Part

LARGE_BYTES = 2000
SWITCH_SECONDS = 0.0002  # how soon the writer gets the lock back after a statement


class Writer:
    """Writes the parts given to ``put``, in their order, over ``connection``, which it shares with its owner.

    An error shows at the next ``put`` or ``wait``; the transaction is then to be rolled back.
    """

    def __init__(self, connection: sqlite3.Connection, bodies: BlockWriter) -> None:
        self._connection = connection
        self._bodies = bodies
        self._given = threading.Semaphore(0)
        self._done = threading.Semaphore(0)
        self._part: Part | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Writer {'busy' if self._part else 'idle'}>"

    def put(self, part: Part) -> None:
        """Have ``part`` written, meanwhile or at once."""
        self.wait()
        if part.size < LARGE_BYTES * len(part.messages):
            part.write(self._connection, self._bodies)
            return
        if self._thread is None:
            sys.setswitchinterval(SWITCH_SECONDS)
            self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
            self._thread.start()
        self._part = part
        self._given.release()

    def wait(self) -> None:
        """Until everything given is written; raises what the writing raised."""
        if self._part is not None:
            self._done.acquire()
            self._part = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Let the thread end; an error that nobody waited for is dropped with its transaction."""
        if self._part is not None:
            self._done.acquire()
            self._part = None
        if self._thread is not None:
            self._given.release()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            self._given.acquire()
            part = self._part
            if part is None:
                return
            try:
                part.write(self._connection, self._bodies)
            except BaseException as error:  # raised where the owner waits, who rolls back
                self._error = error
            self._done.release()
