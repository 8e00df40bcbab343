"""Limits of one proxy counted with those of all others of this user."""

from __future__ import annotations

from mcpscope.engine.steering import Steering


def count(steering: Steering) -> None:
    """Have the limits of ``steering`` counted from now on, where it has some."""
    if steering.book is None and any(entry.rule.limits for entry in steering.rules):
        from mcpscope.store.limits import LimitBook  # deferred: only limits need a database on the wire

        steering.book = LimitBook()
