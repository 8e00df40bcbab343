"""Completion as it is used: typed into bash, zsh and fish on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpscope.demo.frozen import build
from tests.program import ROOT, Program

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(mcpscope completion bash)"'),
    "zsh": (["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -D; eval "$(mcpscope completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "mcpscope completion fish | source"),
}
TYPED = (
    ("mcpscope expo", "export"),
    ("mcpscope stats demo-", "demo-2026"),
    ("mcpscope log demo tool:we", "tool:weather"),
    ("mcpscope log demo 'tool:we", "'tool:weather"),
    ("mcpscope call we", "weather"),
    ("mcpscope rules expl", "explain"),
    ("mcpscope check demo --format=sa", "--format=sarif"),
)
SECONDS = 60
_ANSI = re.compile(r"\x1b(\][^\x07\x1b]*(\x07|\x1b\\)|\[[0-9;?>=<]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])")


class Shell:
    """One interactive shell on a terminal of its own."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.pid, self._fd = pty.fork()
        if not self.pid:
            os.execvpe(argv[0], argv, env)
        self.seen = ""

    def types(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def shows(self, wanted: str) -> None:
        """Wait until ``wanted`` stands on the terminal since the last wait."""
        end = time.monotonic() + SECONDS
        while wanted not in _ANSI.sub("", self.seen):
            assert time.monotonic() < end, (wanted, _ANSI.sub("", self.seen)[-600:])
            if select.select([self._fd], [], [], 0.2)[0]:
                data = os.read(self._fd, 65536).decode(errors="replace")
                for question, answer in (("\x1b[c", "\x1b[?62c"), ("\x1b[6n", "\x1b[1;1R")):
                    if question in data:
                        self.types(answer)
                self.seen += data
        self.seen = ""

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@pytest.fixture(params=list(SHELLS))
def shell(request: pytest.FixtureRequest, program: Program, tmp_path: Path) -> Iterator[Shell]:
    argv, setup = SHELLS[request.param]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not on this machine")
    build(program.db)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "mcpscope"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mcpscope "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    env = {**program.env, "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "160", "PS1": "$ "}
    env["PYTHONPATH"] = str(ROOT)
    found = Shell(argv, env)
    found.types(f"{setup}; echo is''-ready\n")
    found.shows("is-ready")
    yield found
    found.close()


@pytest.mark.timeout(300)
def test_what_is_typed_is_completed(shell: Shell) -> None:
    for number, (line, wanted) in enumerate(TYPED):
        word = line.rpartition(" ")[2]
        rest = wanted[next(at for at in range(len(wanted) + 1) if not word.startswith(wanted[: at + 1])) :]
        shell.types(line)
        shell.shows(line[-1:])
        shell.types("\t")
        shell.shows(rest)
        shell.types(f"\x01echo after''-{number}; : \n")  # in front of what is there, which is not run then
        shell.shows(f"after-{number}")
