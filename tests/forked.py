"""Python without its imports: a process that has imported what many runs need forks itself for each of them.

``forked.py ADDRESS MODULE...`` imports the modules and serves on the Unix socket ADDRESS until its standard
input ends; ``start`` asks it for a run. That is a process as ``python ARGS`` would have made it: arguments,
environment, working folder, descriptors and exit code are its own. The peers' interpreters run this, too: it
has nothing but the standard library.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import shutil
import signal
import socket
import sys
import tempfile
from importlib import import_module


def start(address: str, args: list[str], env: dict[str, str], cwd: str, fds: list[int]) -> socket.socket:
    """Run ``python ARGS``; what is returned receives its process id, then its exit code. Closing it kills."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    link.connect(address)
    with tempfile.TemporaryFile() as told:
        told.write(json.dumps({"args": args, "env": env, "cwd": cwd}).encode())
        told.seek(0)
        socket.send_fds(link, [b"."], [*fds, told.fileno()])
    return link


def serve(address: str, modules: list[str]) -> None:
    """Fork for each that connects."""
    for name in modules:
        import_module(name)
    gc.freeze()  # or each fork would copy, at its end, every page of what was imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(address)
        listening.listen(64)
        print("ready", flush=True)
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            link, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _attend(link)
            link.close()
    shutil.rmtree(os.path.dirname(address))


def _attend(link: socket.socket) -> None:
    """Make what ``link`` asks for, and tell how it went; if nobody listens any more, it ends, too."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, fds, _, _ = socket.recv_fds(link, 1, 4)
    alive, lives = os.pipe()
    pid = os.fork()
    if pid == 0:
        link.close()
        os.close(alive)
        _become(fds)
    for fd in (*fds, lives):
        os.close(fd)
    _send(link, pid)
    if alive not in select.select([alive, link], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    _send(link, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _send(link: socket.socket, number: int) -> None:
    try:
        link.send(b"%d" % number)
    except OSError:
        pass  # whoever asked has gone


def _become(fds: list[int]) -> None:
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
        os.close(fd)
    with open(fds[3], "rb") as told:
        wanted = json.load(told)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    _run(wanted["args"])
    raise SystemExit(0)


def _run(args: list[str]) -> None:
    """As ``python ARGS`` does; ``-W ACTION`` was said when this process was started."""
    while args[0] == "-W":
        args = args[2:]
    if args[0] == "-c":
        sys.argv = ["-c", *args[2:]]
        exec(compile(args[1], "<string>", "exec"), {"__name__": "__main__"})
    elif args[0] == "-m":
        sys.argv = args[1:]
        runpy.run_module(args[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = args
        sys.path[0] = os.path.dirname(os.path.abspath(args[0]))
        runpy.run_path(args[0], run_name="__main__")


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2:])
