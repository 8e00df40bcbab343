"""Recordings to files, and out of the database: what the export menu and the delete key do."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from mcpscope.engine.filter.language import Filter, parse
from mcpscope.errors import ScopeError
from mcpscope.exports import forms
from mcpscope.exports.documents import Source
from mcpscope.exports.masks import Masks, configured_keys
from mcpscope.exports.suite_files import write_suite
from mcpscope.paths import private_dir, state_dir
from mcpscope.store.directory import Directory
from mcpscope.store.query import Query
from mcpscope.store.reading import reading, writing
from mcpscope.store.removing import remove_session
from mcpscope.store.writing_out import Mask, NoMask

FORMS = tuple(forms.FORMS)


def export(db: Path, session: int, asked: Filter | None, form: str, path: str) -> str:
    """Write what passes of a session to a new file, secrets masked; returns what to say of it."""
    mask = Masks(configured_keys())
    try:
        target = Path(path).expanduser()
        _write(db, session, asked, form, target, mask)
    except FileExistsError:
        return f"{path} exists already, nothing was written"
    except OSError as error:
        return f"{path} could not be written: {error.strerror}"
    except ScopeError as error:
        return error.message
    masked = f", masked {mask.count} {'value' if mask.count == 1 else 'values'}" if mask.count else ""
    return f"{form} written to {target}{masked}"


def delete(db: Path, session: int) -> str:
    """Put a recording into the trash folder, every byte of it, and take it out of the database."""
    folder = private_dir(state_dir() / "trash")
    target = folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{session}.mcpscope.jsonl"
    _write(db, session, None, "jsonl", target, NoMask())
    with writing(db) as connection:
        remove_session(connection, session)
    return f"deleted; mcpscope import {target} brings it back"


def _write(db: Path, session: int, asked: Filter | None, form: str, target: Path, mask: Mask) -> None:
    wanted = asked or parse("")
    with reading(db) as connection:
        info = Directory(connection).find(str(session))
        query = Query(connection, wanted, sessions=[info.id])
        source = Source(connection, info, query, mask, wanted.is_empty)
        if form == "pytest":
            write_suite(source, target)
            return
        _save(target, forms.FORMS[form](source, False))


def _save(target: Path, lines: Iterator[bytes]) -> None:
    fd = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.writelines(lines)
