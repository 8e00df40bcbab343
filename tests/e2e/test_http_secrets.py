"""Secrets that a proxy fetches and adds: from each place they may lie in, and never to where they may not."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bare_client import Client, called
from tests.e2e.http_ends import SERVERS, HttpEnds
from tests.program import Program, files_in, until

pytestmark = pytest.mark.timeout(120)
PLAIN_HTTP = (sys.executable, str(SERVERS / "plain_http_server.py"))
SECRETS = {
    "keyring": "ring/of+keys-12345",
    "file": "a-file's\\secret-67890",
    "cmd": 'out of a "command" 24680',
}


@pytest.fixture
def vault(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Path:
    """A folder outside of all that the program writes, with a keyring and two files."""
    folder = tmp_path_factory.mktemp("vault")
    program.env["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    program.env["XDG_DATA_HOME"] = str(folder)
    store = "import keyring, sys; keyring.set_password(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", store, "service", "user", SECRETS["keyring"]], env=program.env, check=True
    )
    for name in ("file", "cmd"):
        (folder / name).write_text(SECRETS[name] + "\n")
        (folder / name).chmod(0o600)
    return folder


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    made = HttpEnds(program)
    yield made
    made.close()


def references(vault: Path) -> list[str]:
    places = {
        "keyring": "service/user",
        "file": str(vault / "file"),
        "cmd": f"cat {shlex.quote(str(vault / 'cmd'))}",
    }
    return [
        word for kind, place in places.items() for word in ("--header", f"X-{kind}: of ${{{kind}:{place}}}")
    ]


def forms(secret: str) -> list[bytes]:
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
    return [secret.encode(), escaped.encode()]


def without_secrets(what: bytes, where: object) -> None:
    for secret in SECRETS.values():
        for form in forms(secret):
            assert form not in what, where


def test_secrets_of_every_place_reach_the_upstream_and_nothing_else(ends: HttpEnds, vault: Path) -> None:
    url = ends.proxy(*references(vault), ends.server(*PLAIN_HTTP))

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            _, _, said = await client.ask(called(1, "echo"), "X-File: of the client's own")
            text = said.decode()
            for kind, secret in SECRETS.items():
                assert f"X-{kind}: of {secret}".replace("\\", "\\\\").replace('"', '\\"') in text
            assert "of the client's own" not in text
            assert (await client.ask(called(2, "json", text=" ".join(SECRETS.values()))))[0] == 200
            assert (await client.ask(called(3, "status", code=401)))[0] == 401

    asyncio.run(scenario())

    def stored() -> bool:
        return ends.program.db.exists() and bool(ends._ask("SELECT 1 FROM messages WHERE rpc_id = '2'"))

    until(lambda: ends.program.db.exists() and ends._ask("SELECT 1 FROM sqlite_master WHERE name='messages'"))
    until(stored)
    for path, data in files_in(ends.program.folder).items():
        without_secrets(data, path)  # the journal and SQLite's own log too, while all runs
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == os.getuid():
                without_secrets((process / "cmdline").read_bytes(), process)
        except OSError:
            pass  # it has ended
    ends.rows("SELECT 1")
    for form in ("jsonl", "md"):
        exported = ends.program.run("export", "1", "--format", form)
        without_secrets(exported.stdout + exported.stderr, form)
    for path, data in files_in(ends.program.folder).items():
        without_secrets(data, path)


def test_a_secret_changed_meanwhile_is_fetched_again_when_the_upstream_refuses_the_old(
    ends: HttpEnds, vault: Path
) -> None:
    url = ends.proxy("--header", f"X-Key: ${{file:{vault / 'file'}}}", ends.server(*PLAIN_HTTP))
    (vault / "file").write_text("another-secret-13579")

    async def scenario() -> None:
        async with asyncio.timeout(60), Client(url) as client:
            assert SECRETS["file"].replace("\\", "\\\\") in (await client.ask(called(1, "echo")))[2].decode()
            assert (await client.ask(called(2, "status", code=401)))[0] == 401
            assert b"another-secret-13579" in (await client.ask(called(3, "echo")))[2]

    asyncio.run(scenario())
    ends.rows("SELECT 1")
    for path, data in files_in(ends.program.folder).items():
        assert b"another-secret-13579" not in data, path
