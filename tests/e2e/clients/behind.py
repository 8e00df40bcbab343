"""Runs a client behind a proxy of its own: ``behind.py OPTION... -- CLIENT... SERVER_URL``."""

from __future__ import annotations

import re
import subprocess
import sys

LISTENING = re.compile(rb"listening on (http://\S+)")


def main(words: list[str]) -> int:
    cut = words.index("--")
    options, client, url = words[:cut], words[cut + 1 : -1], words[-1]
    command = [sys.executable, "-m", "mcpscope", "proxy", "--port", "0", *options, url]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as proxy:
        assert proxy.stderr
        try:
            for line in proxy.stderr:
                found = LISTENING.search(line)
                if found:
                    return subprocess.run([*client, found[1].decode()]).returncode
                sys.stderr.buffer.write(line)
            return 70
        finally:
            proxy.terminate()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
