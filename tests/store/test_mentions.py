"""Where what is hidden is still named, over a recording made by the program itself."""

from __future__ import annotations

import json
import sys
from contextlib import closing

import pytest

from mcpscope.store.mentions import INSTRUCTIONS, Mention, mentions
from mcpscope.store.offered import latest, offered
from mcpscope.store.reader import Reader
from tests.program import Program, until

pytestmark = pytest.mark.timeout(60)

SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    tools = [{"name": "pay", "description": "Pay"}, {"name": "list", "description": "See pay, or pay-later"}]
    info = {"name": "p", "version": "1"}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    hello["instructions"] = "Call pay first."
    found = hello if message["method"] == "initialize" else {"tools": tools}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": found}), flush=True)
"""


def test_instructions_and_descriptions_that_name_it_are_found(program: Program) -> None:
    says = [{"method": "initialize", "params": {"protocolVersion": "2025-11-25"}}, {"method": "tools/list"}]
    lines = [json.dumps({"jsonrpc": "2.0", "id": id, **one}).encode() for id, one in enumerate(says)]
    program.run("--", sys.executable, "-c", SERVER, input=b"\n".join(lines) + b"\n")
    until(lambda: b"pay" in program.run("tools", "list").stdout)
    with closing(Reader(program.db)) as reader:
        sessions = latest(reader.connection)
        found = mentions(reader, sessions, offered(reader.connection, sessions), {"pay"})
    assert found == [Mention(INSTRUCTIONS, "pay"), Mention("the description of the tool list", "pay")]
