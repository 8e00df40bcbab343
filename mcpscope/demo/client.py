"""The scripted client as a process: ``python -m mcpscope.demo.client [OPTIONS] -- COMMAND``."""

from __future__ import annotations

import argparse
import subprocess
import sys

from mcpscope.demo.player import DemoClient
from mcpscope.demo.process import StdioStage
from mcpscope.demo.scripts import SCRIPTS

LEAVING_SECONDS = 10


def main(arguments: list[str]) -> int:
    """Play a script against the command behind ``--``; its exit code, or 1 if it did not leave."""
    parser = argparse.ArgumentParser(prog="mcpscope.demo.client")
    parser.add_argument("--script", choices=SCRIPTS, default="tour")
    parser.add_argument("--modern", action="store_true", help="speak 2026-07-28")
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args(arguments)
    script = SCRIPTS[asked.script](asked)
    with subprocess.Popen(asked.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout
        with StdioStage(read=child.stdout.fileno(), write=child.stdin.fileno()) as here:
            client = DemoClient(here, script, here.stop, modern=asked.modern, pace=asked.pace)
            here.later(0, client.start)
            here.run(client.receive)
        child.stdin.close()
        try:
            return child.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            child.terminate()
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
