"""What the tests with real processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.http_ends import HttpEnds
from tests.program import Program


@pytest.fixture
def ends(program: Program) -> Iterator[HttpEnds]:
    """Servers and proxies on HTTP, ended with the test."""
    made = HttpEnds(program)
    yield made
    made.close()
