"""README is always true: its commands run, its files exist, its Makefile targets are there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from mcpscope.demo.frozen import build
from mcpscope.engine.policy.load import load
from mcpscope.gateway.config import load_config
from tests.program import ROOT, Program

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if line.strip()]
OURS = [line for line in COMMANDS if line.startswith("mcpscope ")]


@pytest.mark.parametrize("line", OURS)
def test_a_command_of_ours_runs(line: str, program: Program) -> None:
    build(program.db)
    done = program.run(*shlex.split(line, comments=True)[1:])
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout


def test_every_other_command_is_a_make_target_or_the_install() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    others = [shlex.split(line) for line in COMMANDS if line not in OURS]
    unknown = [words for words in others if not (words[0] == "make" and words[1] in targets)]
    assert unknown == [["pip", "install", "mcpscope-proxy"]]


def test_json_is_json() -> None:
    for kind, text in BLOCKS:
        if kind == "json":
            json.loads(text)


def test_a_policy_is_one() -> None:
    policies = [load(text) for kind, text in BLOCKS if kind == "yaml" and text.startswith("version:")]
    assert policies and all(policy.rules for policy in policies)


def test_a_gateway_is_one() -> None:
    gateways = [load_config(text) for kind, text in BLOCKS if kind == "yaml" and "\nupstreams:" in text]
    assert gateways and all(gateway.upstreams and gateway.callers for gateway in gateways)


def test_files_and_pictures_it_names_exist() -> None:
    named = re.findall(r"\]\((?!https?:)([^)#]+)\)", README) + re.findall(r"\b([A-Z]{4,}\.md)\b", README)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_no_document_is_as_wide_as_to_be_unreadable(name: str) -> None:
    lines = Path(ROOT / name).read_text().splitlines()
    assert [
        line for line in lines if len(line) > 130 and not line.startswith("|")
    ] == []  # tables may be wide
