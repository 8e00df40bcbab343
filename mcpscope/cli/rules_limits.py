"""``mcpscope rules limits``: what all proxies of this user have spent of their limits."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click

from mcpscope.cli.output import emit_json
from mcpscope.cli.settings import Settings, with_settings
from mcpscope.engine.limits import BookFault
from mcpscope.errors import Exit, ScopeError
from mcpscope.store.limits import LimitBook
from mcpscope.text import safe

SECOND_NS = 1_000_000_000


@click.command("limits")
@click.option("--forget", metavar="KEY", default="", help="Give back all that is spent of one counter.")
@with_settings
def limits(settings: Settings, forget: str) -> None:
    """What is spent of every limit on this machine, and when the first of it is free again.

    A KEY is written as it is listed: the counter or rule, its time, and whose share it is.
    """
    book = LimitBook()
    try:
        gone = book.forget(forget) if forget else 0
        found = book.counted(time.time_ns())
    except BookFault as fault:
        raise ScopeError(f"the limits cannot be read: {fault}", code="no_limits", exit=Exit.STORE) from None
    if settings.json:
        rows = [{**one._asdict(), "used": str(one.used)} for one in found]
        emit_json({"counters": rows, **({"forgotten": gone} if forget else {})})
        return
    if forget:
        click.echo(f"{gone} given back")
    elif not found:
        click.echo("nothing is spent", err=True)
    for one in found if not forget else ():
        free = datetime.fromtimestamp(one.first_free // SECOND_NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        way = f", {one.on_their_way} on their way" if one.on_their_way else ""
        click.echo(safe(f"{one.used:f} spent{way}  first free {free}  {one.key}"))
