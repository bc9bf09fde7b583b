"""Copies an SQLite database while it sells, and puts a copy back where there is none."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vending_api.cli.backup_file import appearing, require_schema
from vending_api.cli.station import CommandRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_PAGES_AT_ONCE: Final = 2_000
_LEFTOVERS: Final = ("-wal", "-journal")


def copy_database(
    connection: Connection, target: Path, progress: Callable[[int, int], None]
) -> None:
    """Write what a connection sees into an empty file; `progress` hears pages done and all pages.

    The connection must have begun to read: then every page is of that moment, however long the
    copy takes and whatever is sold meanwhile. Raises CommandRefused.
    """
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection) or not source.in_transaction:
        raise TypeError("give a connection to SQLite that has begun to read")

    def heard(_status: int, remaining: int, total: int) -> None:
        progress(total - remaining, total)

    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            source.backup(copy, pages=_PAGES_AT_ONCE, progress=heard)
            # One file that can be carried about, without a log beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
            _require_sound(copy)
    except sqlite3.Error as error:
        raise CommandRefused(f"the backup failed, and nothing of it is kept: {error}") from None


def put_back(backup: Path, database: Path) -> None:
    """Make a database of a backup, where there is none or one without tables.

    Raises CommandRefused, with nothing changed.
    """
    is_there = database.exists()
    require_empty(database)
    try:
        with appearing(database, replace=is_there) as partial:
            shutil.copyfile(backup, partial)
            with closing(sqlite3.connect(partial)) as copy:
                _require_sound(copy)
                _require_schema(copy)
    except sqlite3.Error as error:
        raise CommandRefused(f"{backup} is damaged: {error}") from None


def require_empty(database: Path) -> None:
    """Make sure that a restore would overwrite nothing; raises CommandRefused."""
    if database.exists():
        _require_no_tables(database)
    for leftover in _LEFTOVERS:
        # A log that another database left would be replayed into this one.
        if Path(f"{database}{leftover}").exists():
            raise CommandRefused(f"{database}{leftover} is in the way: restore to another file")


def _require_no_tables(database: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=rw", uri=True)) as opened:
            (tables,) = opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise CommandRefused(f"{database} is no empty database: {error}") from None
    if tables:
        raise CommandRefused(f"{database} has tables; a restore goes into an empty database only")


def _require_sound(copy: sqlite3.Connection) -> None:
    (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise CommandRefused(f"the file is damaged: {found}")


def _require_schema(copy: sqlite3.Connection) -> None:
    try:
        row = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        row = None
    require_schema(None if row is None else row[0])
