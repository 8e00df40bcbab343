"""A recording that stands in for its server while a test runs: an address, or a command, for any client."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from mcpscope.replay.serving import wait_free

START_SECONDS = 60.0
STOP_SECONDS = 40.0
LINES_KEPT = 200
LOOK_SECONDS = 0.01
_LISTENING = re.compile(r"listening on (\S+)")
Server = str | Sequence[str]
"""A URL, a command in one string, or a command as a list of words."""


class StandIn:
    """``recordings`` are files of ``mcpscope export`` (or files to be, see ``mode``), or names in ``db``.

    ``mode`` is one of none, once, new, all and rewrite, as for ``mcpscope serve``; those that record need the
    ``server``. ``options`` are further words of its command line: ``["--fault", "tool:x error"]``. Use it as
    a context manager: at its end what was recorded is written. Sessions go into ``db``, a database that is
    thrown away unless one is named.
    """

    def __init__(
        self,
        *recordings: str | Path,
        mode: str = "none",
        server: Server = (),
        options: Sequence[str] = (),
        db: Path | None = None,
    ) -> None:
        self.recordings = [str(one) for one in recordings]
        self.mode = mode
        self.server = words_of(server)
        self._options = list(options)
        self._scratch = tempfile.TemporaryDirectory(prefix="mcpscope-test-", ignore_cleanup_errors=True)
        self._db = db or Path(self._scratch.name) / "mcpscope.db"
        self._process: subprocess.Popen[bytes] | None = None
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._listener: threading.Thread | None = None
        self._url = ""

    def __repr__(self) -> str:
        return f"<StandIn {self.recordings} mode={self.mode} {self._url or 'not started'}>"

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address of a stand-in on HTTP, started when it is first asked for."""
        if not self._url:
            self._start()
        return self._url

    @property
    def command(self) -> list[str]:
        """The command of a stand-in on stdio, for a client that starts its servers itself."""
        return self._argv("--stdio")

    @property
    def messages(self) -> list[str]:
        """What it has said about requests that were not recorded, and otherwise on standard error."""
        return list(self._said)

    def close(self) -> None:
        """End it; what it was to record is on disk afterwards."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if self._listener is not None:
                self._listener.join(STOP_SECONDS)
        self._url = ""
        wait_free(self._db, STOP_SECONDS)  # a client may have ended a command of ours by force
        self._scratch.cleanup()

    def _argv(self, *front: str) -> list[str]:
        target = [] if not self.server else self.server if is_url(self.server) else ["--", *self.server]
        words = ["--db", str(self._db), "serve", *self.recordings, "--mode", self.mode]
        return [sys.executable, "-P", "-m", "mcpscope", *words, *front, *self._options, *target]

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._argv("--port", "0"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        end = time.monotonic() + START_SECONDS
        while not self._url and time.monotonic() < end:
            if self._process.poll() is not None:
                self._listener.join(STOP_SECONDS)
                break
            time.sleep(LOOK_SECONDS)
        if not self._url:
            self.close()
            said = "\n".join(self._said) or "it said nothing"
            raise AssertionError(f"the stand-in for {', '.join(self.recordings)} did not start:\n{said}")

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr as pipe:
            for line in pipe:
                text = line.decode("utf-8", "replace").rstrip()
                self._said.append(text)
                if found := _LISTENING.search(text):
                    self._url = self._url or found[1]


def words_of(server: Server) -> list[str]:
    """The words of a command, or the one word of a URL; [] for none."""
    return shlex.split(server) if isinstance(server, str) else [str(word) for word in server]


def is_url(words: Sequence[str]) -> bool:
    """Whether a server is named by its address."""
    return len(words) == 1 and "://" in words[0]
