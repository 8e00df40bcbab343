"""A Python that starts at once: ``launch.py ADDRESS ARGS`` has the ``forked.py`` at ADDRESS run ARGS.

It stands where the interpreter would, takes the signals meant for it, and ends as that ended. Half of the
time of the tests with real peers was the import of an SDK.
"""

from __future__ import annotations

import os
import signal
import sys

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

import forked  # noqa: E402

link = forked.start(sys.argv[1], sys.argv[2:], dict(os.environ), os.getcwd(), [0, 1, 2])
pid = int(link.recv(20))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda sent, _: os.kill(pid, sent))
null = os.open(os.devnull, os.O_RDWR)
for fd in (0, 1, 2):
    os.dup2(null, fd)  # so that a pipe ends with the one who uses it
code = int(link.recv(20))
if code < 0:
    if code != -signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code & 0xFF)
