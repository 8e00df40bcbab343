"""A project outside this repository uses the pytest plugin: records once, passes offline, fails readably."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT

pytestmark = pytest.mark.timeout(600)
PROJECT = Path(__file__).parent / "project"


@pytest.fixture(scope="module", params=["here", pytest.param("installed", marks=pytest.mark.soak)])
def python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has the plugin: ours, or one of an environment of its own."""
    if request.param == "here":
        return sys.executable
    home = tmp_path_factory.mktemp("venv")
    source = home / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "mcpscope", source / "mcpscope", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-m", "venv", str(home / "env")], check=True)
    found = str(home / "env" / "bin" / "python")
    pip = [found, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, str(source), "pytest"], check=True, timeout=500)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, which knows nothing of this repository."""
    made = tmp_path / "shop"
    made.mkdir()
    shutil.copy(PROJECT / "shop.py", made)
    shutil.copy(PROJECT / "shop_tests.py", made / "test_shop.py")
    return made


def run(python: str, project: Path, *args: str) -> tuple[int, str]:
    """``pytest`` in the project, in an environment without ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env = {**kept, "XDG_STATE_HOME": str(project / "state"), "PYTHONDONTWRITEBYTECODE": "1"}
    if python == sys.executable:
        env["PYTHONPATH"] = str(ROOT)
    argv = [python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", *args]
    done = subprocess.run(argv, cwd=project, env=env, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def test_a_project_records_once_and_passes_offline_until_its_server_changes(
    python: str, project: Path
) -> None:
    recording = project / "recordings" / "shop.mcpscope.jsonl"
    code, said = run(python, project, "--mcpscope-mode", "once", "-k", "tea")
    assert (code, recording.exists()) == (0, True), said
    kept = recording.read_bytes()

    (project / "dearer").touch()  # whoever asks the server itself sees that
    code, said = run(python, project)
    assert (code, recording.read_bytes()) == (1, kept)
    assert "1 failed, 3 passed" in said, said
    assert "≠ price: changed" in said and "$.result.content[0].text.price changed: 5 → 7" in said


@pytest.mark.soak
def test_what_is_not_there_and_what_is_old_is_told(python: str, project: Path) -> None:
    recording = project / "recordings" / "shop.mcpscope.jsonl"
    code, said = run(python, project, "-k", "tea or stdio")
    assert code == 1 and "record it with --mcpscope-mode once" in said and not recording.exists()

    assert run(python, project, "--mcpscope-mode", "rewrite", "-k", "tea")[0] == 0
    kept = recording.read_bytes()
    recording.write_bytes(kept.replace(b'"expires":"20', b'"expires":"19'))
    code, said = run(python, project, "-k", "stdio")
    assert (code, "StaleRecording" in said) == (0, True), said
    code, said = run(python, project, "-k", "stdio", "--mcpscope-stale", "error")
    assert code == 1 and "renew it with --mcpscope-mode rewrite" in said

    code, said = run(python, project, "--mcpscope-mode", "new", "-k", "tea")
    assert (code, recording.read_bytes() != kept) == (0, True), said
