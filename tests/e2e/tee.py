"""A transparent witness: ``tee.py FOLDER COMMAND...`` runs COMMAND and keeps the bytes of both directions.

Writes ``<pid>.up`` (what the client sent) and ``<pid>.down`` (what it got) into FOLDER. Standard library
only: any Python may run it, between any two parties.
"""

import os
import subprocess
import sys
import threading


def copy(source: int, target: int, path: str) -> None:
    """Pass everything on and keep it."""
    with open(path, "wb", buffering=0) as kept:
        while data := os.read(source, 1 << 16):
            kept.write(data)
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(target, view) :]
                except BrokenPipeError:
                    return  # the other party has left; what it did not take is kept all the same


def main(folder: str, command: list[str]) -> int:
    """Run until the command ends; its exit code."""
    name = os.path.join(folder, str(os.getpid()))
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin and child.stdout

    def up() -> None:
        copy(0, child.stdin.fileno(), name + ".up")
        child.stdin.close()

    threading.Thread(target=up, daemon=True).start()
    copy(child.stdout.fileno(), 1, name + ".down")
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
