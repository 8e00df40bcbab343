"""The peers are what their pins say, so that a green run means what it seems to mean."""

import subprocess

from tests.peers.found import Peers


def test_sdk_environments_have_the_two_generations(peers: Peers) -> None:
    show = "import importlib.metadata as m; print(m.version('mcp'))"
    found = [
        subprocess.run([python, "-c", show], capture_output=True, text=True, check=True, timeout=30).stdout
        for python in (peers.sdk1_python, peers.sdk2_python)
    ]
    assert found == ["1.30.0\n", "2.3.0\n"]


def test_node_is_new_enough_for_the_inspector(peers: Peers) -> None:
    found = subprocess.run(
        [peers.node22, "--version"], capture_output=True, text=True, check=True, timeout=30
    )
    assert found.stdout.startswith("v24.")


def test_npm_programs_are_where_their_packages_say(peers: Peers) -> None:
    for command in (peers.everything, peers.inspector, peers.conformance):
        assert command[1].endswith((".js", ".mjs", ".cjs"))
