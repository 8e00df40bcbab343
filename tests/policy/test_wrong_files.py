"""A wrong policy stops the start, with all that is wrong and where; a wrong change changes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcpscope.engine.policy.load import load
from mcpscope.engine.policy.problems import PolicyError
from mcpscope.errors import Exit, ScopeError
from mcpscope.session.law import read_policies
from tests.policy.places import Place
from tests.program import Program, until

RULE = "version: 1\nrules:\n  - "
BOMB = "".join(
    f"  {new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)
WRONG = {
    "empty": ("", "1:1: is empty"),
    "only a comment": ("# nothing\n", "1:1: is empty"),
    "a text": ("hello\n", "1:1: must be a mapping"),
    "a list": ("- a\n", "1:1: must be a mapping"),
    "two documents": ("version: 1\n---\nversion: 1\n", "2:1: but found another document"),
    "no version": ("rules: []\n", "1:1: a policy needs version: 1"),
    "another version": ("version: 2\n", "1:10: version must be 1"),
    "a key twice": ("version: 1\nversion: 1\n", "2:10: the key 'version' is there twice"),
    "a key of a rule twice": (
        RULE + "{action: deny, action: allow}\n",
        "3:28: the key 'action' is there twice",
    ),
    "a key in a set twice": (RULE + "{action: edit, set: {a: 1, a: 2}}\n", "the key 'a' is there twice"),
    "an unknown key": ("version: 1\nruls: []\n", "2:7: a policy has no key 'ruls', did you mean 'rules'"),
    "a number as key": ("version: 1\n1: x\n", "2:1: a key must be a text"),
    "a list as key": ("version: 1\n? [a, b]\n: c\n", "2:3: a key must be a text"),
    "a tab": ("version: 1\nrules:\n\t- action: deny\n", "3:1: found character"),
    "a control character": ('version: 1\ndescription: "a\x01b"\n', "2:16: the character U+0001"),
    "an open bracket": (RULE + "{action: deny\n", "4:1: expected"),
    "an open quote": ("version: 1\ndescription: 'abc\n", "3:1: found unexpected end"),
    "an alias to nothing": ("version: 1\nrules: *nothing\n", "2:8: found undefined alias"),
    "an alias in itself": (RULE + "&r {action: answer, answer: {result: {x: *r}}}\n", "is nested deeper"),
    "aliases that multiply": ("version: 1\nx:\n  a: &a [1, 2, 3]\n" + BOMB, "an alias repeats too much"),
    "deep nesting": ("version: 1\nrules: " + "[" * 9000 + "]" * 9000, "2:1007: is nested deeper"),
    "code in a tag": ("version: 1\ndescription: !!python/object/apply:os.system [x]\n", "2:14: "),
    "another tag": ("version: !x 1\n", "1:10: the tag !x is not allowed"),
    "a merge": (RULE + "&a {action: deny}\n  - {<<: *a, name: x}\n", "a rule has no key '<<'"),
    "an action misspelled": (RULE + "{action: deni}\n", "3:14: action must be one of"),
    "no action": (RULE + "{match: 'tool:x'}\n", "3:5: a rule needs an action"),
    "a filter without a value": (
        RULE + "{action: deny, match: 'tool:'}\n",
        "3:27: match: a value is missing",
    ),
    "a filter with a bracket": (RULE + "{action: deny, match: '(tool:x'}\n", "3:27: match: this ( is never"),
    "a wrong expression": (RULE + "{action: deny, match: 'args.x~['}\n", "3:27: match: not a regular"),
    "CEL that ends early": (RULE + "{action: deny, when: 'args.x =='}\n", "3:26: when: Syntax error"),
    "CEL that is no condition": (RULE + "{action: deny, when: '1 + 1'}\n", "3:26: when: gives INT"),
    "CEL of an unknown name": (RULE + "{action: deny, when: 'foo == 1'}\n", "3:26: when: undeclared"),
    "CEL without end": (RULE + f"{{action: deny, when: '{'(' * 4000}'}}\n", "3:26: when: "),
    "not a number": (RULE + "{action: drop, code: .nan}\n", "3:26: "),
    "no duration": (RULE + "{action: delay, for: soon}\n", "3:26: for must be a duration"),
    "an edit of the id": (RULE + "{action: edit, set: {id: 1}}\n", "an edit does not change its id"),
    "one name twice": (RULE + "{name: a, action: deny}\n  - {name: a, action: deny}\n", "4:5: another rule"),
    "one token twice": ("version: 1\ncallers: {a: {bearer: x}, b: {bearer: x}}\n", "same token"),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load(text, "law.yaml")
    assert caught.value.exit is Exit.POLICY
    assert said in str(caught.value.message)
    assert all(problem.line > 0 and problem.column > 0 for problem in caught.value.problems)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    rules = "".join(
        f"  - {{{rule}}}\n"
        for rule in (
            "action: deni",
            "match: x",
            "action: delay",
            "action: edit",
            "action: tag",
            "acton: deny",
        )
    )
    with pytest.raises(PolicyError) as caught:
        load(f"version: 3\ndefault: maybe\nfoo: 1\nrules:\n{rules}", "law.yaml")
    assert {problem.line for problem in caught.value.problems} == {1, 2, 3, 5, 6, 7, 8, 9, 10}


def test_what_is_no_text_file_is_said_to_be_none(tmp_path: Path) -> None:
    folder, pipe, bytes_ = tmp_path / "folder", tmp_path / "pipe", tmp_path / "bytes"
    folder.mkdir()
    os.mkfifo(pipe)
    bytes_.write_bytes(b"version: 1\ndescription: caf\xe9\n")
    huge = tmp_path / "huge"
    huge.write_text("version: 1\n#" + "x" * (5 << 20))
    said = {
        folder: "directory",
        pipe: "not a file",
        bytes_: "2:17: ",
        huge: "larger than",
        tmp_path / "no": "No such",
    }
    for path, text in said.items():
        with pytest.raises(ScopeError, match=text) as caught:
            read_policies([str(path)])
        assert caught.value.exit is Exit.POLICY


def test_nothing_starts_and_nothing_is_traced(program: Program, tmp_path: Path) -> None:
    law, started = tmp_path / "law.yaml", tmp_path / "started"
    law.write_text("version: 1\nrules: &a [*a, {action: deny, when: 'x +'}, {action: deni}]\n")
    done = program.run("--policy", str(law), "--", "touch", str(started))
    assert done.returncode == 6 and done.stdout == b"" and not started.exists()
    assert b"Traceback" not in done.stderr and f"{law}:2:".encode() in done.stderr


@pytest.mark.timeout(90)
def test_callers_are_let_in_and_shut_out_while_running(tmp_path: Path) -> None:
    law = "version: 1\ncallers: {ci: {bearer: the-first-token}}\n"
    place = Place("HTTP to HTTP", tmp_path, law, token="the-first-token")
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    try:
        assert place.post(ping)[0] == 200
        place.policy.write_text(law.replace("first", "second"))
        until(lambda: place.post(ping)[0] == 401)
        place.token = "the-second-token"
        assert place.post(ping)[0] == 200
        place.policy.write_text(law.replace("the-first-token", "short"))
        log = tmp_path / "proxy-0.log"
        until(lambda: "the old one stays in force" in log.read_text())
        assert place.post(ping)[0] == 200
    finally:
        place.close()
