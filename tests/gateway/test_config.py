"""The gateway's file: what it may say, and every problem of one that says something else, at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpscope.errors import ScopeError
from mcpscope.gateway.config import ConfigError, load_config, read_config

WHOLE = """
version: 1
label: team
separator: "."
start_timeout: 3s
policy: [a.yaml, /etc/b.yaml]
upstreams:
  git: {command: [uvx, mcp-server-git], env: {TOKEN: "${env:T}"}, cwd: work, policy: git.yaml, processes: 4}
  docs: {url: "https://docs.example/mcp", headers: {authorization: "Bearer x"}, prefix: d, hide: [a, b]}
  bare: {url: "http://127.0.0.1/x", transport: sse, prefix: false}
callers:
  ann: {bearer: "${env:ANN}", upstreams: [git], only: "git.log*"}
"""


def test_a_whole_file() -> None:
    found = load_config(WHOLE, "/etc/gateway/g.yaml")
    git, docs, bare = found.upstreams
    assert (git.prefix, docs.prefix, bare.prefix) == ("git.", "d.", "")
    assert (git.command, git.env, git.processes) == (("uvx", "mcp-server-git"), ("TOKEN=${env:T}",), 4)
    assert (git.cwd, git.policy) == ("/etc/gateway/work", "/etc/gateway/git.yaml")
    assert (docs.headers, docs.hide, bare.transport) == (("authorization: Bearer x",), ("a", "b"), "sse")
    assert found.policies == ("/etc/gateway/a.yaml", "/etc/b.yaml")
    assert (found.label, found.start_seconds) == ("team", 3.0)
    ann = found.callers["ann"]
    assert (ann.upstreams, ann.only) == (frozenset({"git"}), ("git.log*",))


def test_prefixes_are_left_out_where_nobody_wants_them() -> None:
    text = "version: 1\nprefix: false\nupstreams: {a: {command: [x]}, b: {command: [y], prefix: true}}"
    assert [one.prefix for one in load_config(text).upstreams] == ["", "b__"]


WRONG = """
version: 2
upstreams:
  mcp: {command: [x]}
  both: {command: [x], url: "http://h/mcp"}
  none: {}
  odd: {command: [], headers: {a: b}}
  typo: {comand: [x], url: "http://h/mcp"}
callers:
  a: {bearer: same-token-1}
  b: {bearer: same-token-1, upstreams: [nowhere]}
  c: {}
"""


def test_all_problems_are_told_at_once_each_with_its_line() -> None:
    with pytest.raises(ConfigError) as raised:
        load_config(WRONG, "g.yaml")
    text = str(raised.value)
    for line, said in (
        (2, "version must be 1"),
        (4, "'mcp' cannot name an upstream"),
        (5, "either a command or a url"),
        (6, "either a command or a url"),
        (7, "headers is not for the upstream odd"),
        (7, "command needs a program"),
        (8, "did you mean 'command'"),
        (11, "the callers a and b have the same token"),
        (11, "there is no upstream 'nowhere'"),
        (12, "the caller c needs a bearer token"),
    ):
        assert any(f"g.yaml:{line}:" in one and said in one for one in text.splitlines()), (line, said)
    assert int(raised.value.exit) == 6


@pytest.mark.parametrize("text", ["", "[1]", "version: 1", "version: 1\nupstreams: {}", "a: [", "\x00"])
def test_what_is_no_gateway_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError):
        load_config(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScopeError, match="cannot be read: No such file"):
        read_config(str(tmp_path / "none.yaml"))
