"""What the UI reads: pages on its own thread, everything unbounded on threads beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from mcpscope.store.pages import Pages

T = TypeVar("T")


class _Lane:
    """One thread with a connection of its own; its reads run one after another."""

    def __init__(self, path: Path, name: str) -> None:
        self.pages = Pages(path)
        self._thread = ThreadPoolExecutor(1, name)
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise asyncio.CancelledError
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception:
            if self._closed:  # the end of the UI gave it up
                raise asyncio.CancelledError from None
            raise

    def close(self) -> None:
        self._closed = True
        self.pages.interrupt()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.pages.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Source:
    """One database as the UI sees it.

    ``here`` is for the UI thread, for reads by primary key only: a page of a list costs less than the empty
    frame that waiting for it would paint. What may take longer has lanes of its own: ``search`` for lists and
    filters, which ``interrupt`` gives up; ``ask`` for the detail; ``watch`` for the feed; ``beside`` for work
    that takes its time and that no key waits for; and one for writes: who has locked the database holds up
    no read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.here = Pages(path)
        self._file = _identity(path)
        self._search = _Lane(path, "search")
        self._detail = _Lane(path, "detail")
        self._watch = _Lane(path, "watch")
        self._beside = _Lane(path, "beside")
        self._writes = _Lane(path, "writes")

    def __repr__(self) -> str:
        return f"<Source {self.path}>"

    def deleted(self) -> bool:
        """Whether what is read here is not in the file of that name any more; touches the disk."""
        self._file = self._file or _identity(self.path)
        return self._file is not None and _identity(self.path) != self._file

    async def search(self, read: Callable[[Pages], T]) -> T:
        """The result of a read of any length; raises Interrupted where another one took its place."""
        return await self._search.run(lambda: read(self._search.pages))

    async def ask(self, read: Callable[[Pages], T]) -> T:
        """The result of a read about one thing."""
        return await self._detail.run(lambda: read(self._detail.pages))

    async def watch(self, read: Callable[[Pages], T]) -> T:
        """The result of a read of the feed, which no slow filter holds up."""
        return await self._watch.run(lambda: read(self._watch.pages))

    async def beside(self, work: Callable[[], T]) -> T:
        """The result of work that may take long and opens what it reads itself."""
        return await self._beside.run(work)

    async def write(self, what: Callable[[], T]) -> T:
        """The result of a short write, off the UI thread; raises what it raises."""
        return await self._writes.run(what)

    def interrupt(self) -> None:
        """Give up the read that ``search`` runs now."""
        self._search.pages.interrupt()

    def close(self) -> None:
        """End the threads and close the connections; a read that runs is given up."""
        for lane in (self._search, self._detail, self._watch, self._beside, self._writes):
            lane.close()
        self.here.close()
