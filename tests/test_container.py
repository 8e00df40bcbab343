"""The container file: what it copies is there, what it runs works in a fresh environment of Python alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from mcpscope.cli.options import parse_wrap, read_options
from tests.program import ROOT

TEXT = (ROOT / "Containerfile").read_text()
STEPS = [line for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
COPIED = [
    source
    for step in STEPS
    if step.startswith("COPY ") and "--from" not in step
    for source in step.split()[1:-1]
]


def test_it_builds_from_the_names_of_a_registry_and_runs_as_nobody_special() -> None:
    bases = {step.split()[1] for step in STEPS if step.startswith("FROM ")}
    assert bases == {"docker.io/library/python:3.12-slim"}
    assert STEPS.index("USER mcpscope") < STEPS.index('ENTRYPOINT ["mcpscope"]')


def test_what_it_copies_is_there_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [line[1:] for line in ignored if line.startswith("!")]
    for source in COPIED:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source.rstrip("/"), pattern) for pattern in let_in), source
    project = (ROOT / "pyproject.toml").read_text()
    for named in re.findall(r'"(README\.md|LICENSE|docs/[\w.]+)"', project):
        assert named in COPIED, named


def test_how_it_is_run_is_what_the_command_takes() -> None:
    (told,) = re.findall(r"mcpscope \\\n#\s+(.*)", TEXT)
    *options, url = told.replace("'", "").split()
    assert url.startswith("https://") and read_options(options) is not None
    assert parse_wrap(["--port", "0", "--", "srv"]) is not None


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_its_steps_work_in_a_fresh_environment(tmp_path: Path) -> None:
    for source in COPIED:
        target = tmp_path / "src" / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, target)
    (step,) = [step for step in STEPS if step.startswith("RUN python")]
    command = (
        step.removeprefix("RUN ")
        .replace("/opt/", f"{tmp_path}/")
        .replace("python -m", f"{sys.executable} -m")
    )
    subprocess.run(["sh", "-euc", command], cwd=tmp_path / "src", check=True, timeout=800)
    done = subprocess.run([tmp_path / "mcpscope/bin/mcpscope", "--version"], capture_output=True, timeout=60)
    assert done.stdout.startswith(b"mcpscope, version")
    assert (tmp_path / "mcpscope/share/man/man1/mcpscope.1").is_file()
