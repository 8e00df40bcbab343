"""References to secrets: what each kind gives, and what is said where there is nothing to give."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest
from keyrings.alt.file import PlaintextKeyring

from mcpscope.errors import ScopeError
from mcpscope.transports.secrets import Template


@pytest.fixture(autouse=True)
def ring(tmp_path: Path) -> object:
    """A real keyring, in a file of this test."""
    before = keyring.get_keyring()
    backend = PlaintextKeyring()
    backend.file_path = str(tmp_path / "keyring.cfg")
    keyring.set_keyring(backend)
    keyring.set_password("service", "user/name", "ring-secret")
    yield backend
    keyring.set_keyring(before)


def kept(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_every_kind_gives_its_value_and_tells_what_was_secret_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "env-secret")
    path = kept(tmp_path / "a file", "file-secret\r\n")
    text = (
        f"1 ${{env:TOKEN}} 2 ${{file:{path}}} 3 ${{keyring:service/user/name}} 4 ${{cmd:printf '%s' 'a b'}}"
    )
    template = Template(text)
    assert template.has_references and template.shown == text
    value, secrets = template.resolve()
    assert value == "1 env-secret 2 file-secret 3 ring-secret 4 a b"
    assert secrets == ("env-secret", "file-secret", "ring-secret", "a b")
    assert not Template("plain ${other:x} $TOKEN").has_references


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("${env:NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE is not set"),
        ("${keyring:service/nobody}", "no entry service/nobody"),
        ("${file:/nowhere/at/all}", "cannot read /nowhere/at/all"),
        ("${cmd:false}", "exited with code 1"),
        ("${cmd:/nowhere/at/all}", "cannot run"),
        ("${cmd:}", "cannot run"),
        ("${cmd:printf '\\377'}", "not UTF-8"),
    ],
)
def test_what_is_missing_is_named(reference: str, words: str) -> None:
    with pytest.raises(ScopeError) as said:
        Template(f"Bearer {reference}").resolve()
    assert words in said.value.message and reference in said.value.message


def test_a_file_that_others_can_read_is_refused_without_showing_it(tmp_path: Path) -> None:
    path = kept(tmp_path / "open", "file-secret", 0o644)
    with pytest.raises(ScopeError, match="chmod 600") as said:
        Template(f"${{file:{path}}}").resolve()
    assert "file-secret" not in said.value.message


def test_a_command_is_no_shell(tmp_path: Path) -> None:
    value, _ = Template(f"${{cmd:echo hello; touch {tmp_path / 'made'}}}").resolve()
    assert value.startswith("hello;") and not (tmp_path / "made").exists()
