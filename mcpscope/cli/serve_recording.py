"""What becomes of what ``mcpscope serve`` recorded: sessions of the database, and a file if one was named."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from mcpscope.cli.files import writing_to
from mcpscope.cli.options import Values
from mcpscope.cli.output import report, warn
from mcpscope.cli.serve_modes import Wanted
from mcpscope.engine.filter.language import parse
from mcpscope.errors import ScopeError
from mcpscope.exports.documents import Source as Export
from mcpscope.exports.lines import as_lines
from mcpscope.exports.masks import Masks
from mcpscope.replay.serving import hold
from mcpscope.replay.sources import Source
from mcpscope.store.directory import Directory
from mcpscope.store.gathering import expire, label_of_additions, newest, recorded_since, take_name
from mcpscope.store.query import Query
from mcpscope.store.reading import reading
from mcpscope.store.recovery import abandoned
from mcpscope.store.writing_out import Mask, NoMask
from mcpscope.text import safe

SETTLE_SECONDS = 15.0
LOOK_SECONDS = 0.05
GRACE_SECONDS = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Taking:
    """One recording on its way into ``source``; ``added``: it stands beside what is there, and before it."""

    def __init__(self, source: Source, wanted: Wanted, db: Path, *, added: bool) -> None:
        self._source = source
        self._wanted = wanted
        self._db = db
        self._added = added
        self._before = newest(db)

    def options(self) -> Values:
        """How the proxy is told to record it."""
        found: Values = {"record": self._source.name}
        if self._added:
            found["label"] = label_of_additions(self._source.name)
        return found

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While the proxy runs a process of its own waits for its end, and then keeps the record.

        Clients give their servers a second or two to end, and then kill them.
        """
        lock = hold(self._db)
        end, alive = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._outlive(end, alive)
        os.close(end)
        os.close(lock)
        try:
            yield
        finally:
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # the file is to be there when we are gone
            os.close(alive)
            os.waitpid(pid, 0)

    def _outlive(self, end: int, alive: int) -> NoReturn:
        try:
            os.setsid()
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            os.close(alive)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)  # what a client reads must end with the proxy
            while os.read(end, 1):
                pass
            self.finish()
        except ScopeError as error:
            report(error, as_json=False)
        finally:
            os._exit(0)

    def finish(self) -> None:
        """Behind the end of the proxy: dates, names and the file."""
        ids = self._settled()
        if not ids:
            if not self._added:
                warn(f"nothing was recorded: no client came while {self._source.name} was to be recorded")
            return
        if self._wanted.expires:
            expire(self._db, ids, self._wanted.expires)
        if self._source.file is not None:
            self._write(self._source.file, ids)
        elif self._source.found is not None and not self._added:
            before = [one.id for one in self._source.sessions]
            take_name(self._db, ids, self._source.name, before)

    def _settled(self) -> list[int]:
        """The sessions, when the recorder has brought all of them into the database."""
        begun = time.monotonic()
        while True:
            ids, complete = recorded_since(self._db, self._before, self._source.name)
            waited = time.monotonic() - begun
            nobody_came = not ids and waited > GRACE_SECONDS and not any(abandoned(self._db))
            if (ids and complete) or nobody_came:
                return ids
            if waited > SETTLE_SECONDS:
                warn(f"not all of what {self._source.name} was to hold is stored yet: the rest is left out")
                return ids
            time.sleep(LOOK_SECONDS)

    def _write(self, file: Path, ids: list[int]) -> None:
        kept = file.read_bytes() if self._added and file.exists() else b""
        mask: Mask = NoMask() if self._wanted.with_secrets else Masks()
        with writing_to(str(file)) as target:
            target.write(kept)
            for line in self._lines(ids, mask):
                target.write(line)
        masked = f", {mask.count} values masked" if mask.count else ""
        click.echo(f"mcpscope: {safe(f'wrote {file}{masked}')}", err=True)

    def _lines(self, ids: list[int], mask: Mask) -> Iterator[bytes]:
        with reading(self._db, warn) as connection:
            for id in ids:
                session = Directory(connection).find(f"#{id}")
                query = Query(connection, parse(""), sessions=[id])
                export = Export(connection, session, query, mask, whole=True, steady=self._wanted.steady)
                yield from as_lines(export, shown=False)
