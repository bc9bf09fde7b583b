"""The database of VENDING_DATABASE_URL, as the daily commands open it.

Each command reads one view of the database, or writes in one transaction: all of it or nothing.
"""

from __future__ import annotations

import getpass
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from vending_api import migrations
from vending_api.kit.db import WRITES, open_database
from vending_api.settings import SettingsInvalid, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


class CommandRefused(Exception):
    """What a command will not do, or cannot; the text says why, and what would be right."""


_LONGEST_NAME = 40
_MEND = "run `vending database upgrade`"


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection that sees the database as it is now, until the end of the block.

    Raises SettingsInvalid for a database that does not have the schema of this version.
    """
    with _engine() as engine, engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """Give a connection whose work is stored at the end of the block, or not at all if it raises.

    Raises SettingsInvalid as `reading`.
    """
    with (
        _engine() as engine,
        engine.connect().execution_options(**{WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


def operator() -> str:
    """Return who gives the orders: the name of this machine's user, cut to what is recorded."""
    return getpass.getuser()[:_LONGEST_NAME]


@contextmanager
def _engine() -> Iterator[Engine]:
    url = read_settings().database_url.get_secret_value()
    _require_file(url)
    engine = open_database(url, connections=1)
    try:
        if not migrations.is_current(engine):
            raise SettingsInvalid(
                f"VENDING_DATABASE_URL: its schema is not the one of this version; {_MEND}"
            )
        yield engine
    finally:
        engine.dispose()


def _require_file(url: str) -> None:
    # SQLite would make an empty database of a name that was mistyped.
    address = make_url(url)
    name = address.database
    is_file = address.get_backend_name() == "sqlite" and name not in {None, "", ":memory:"}
    if is_file and not Path(str(name)).exists():
        raise SettingsInvalid(f"VENDING_DATABASE_URL: there is no database {name} here; {_MEND}")
