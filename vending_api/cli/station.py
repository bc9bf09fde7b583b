"""The database of VENDING_DATABASE_URL, as the daily commands open it.

Each command reads one view of the database, or writes in one transaction: all of it or nothing.
Here it is asked who gives the command, and noted what became of it (`admission.py`).
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from vending_api import migrations
from vending_api.cli.admission import admit, is_noted, note_outcome
from vending_api.database import database_of
from vending_api.kit.db import WRITES, one_view
from vending_api.settings import SettingsInvalid, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine


class CommandRefused(Exception):
    """What a command will not do, or cannot; the text says why, and what would be right."""


_MEND = "run `vending database upgrade`"


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection that sees the database as it is now, until the end of the block.

    Raises SettingsInvalid for a database that does not have the schema of this version;
    PassRejected and NotAllowed where there are operators, and this is none who may.
    """
    with _engine() as engine:
        with _refusal_noted(engine), engine.connect() as connection:
            admit(connection, changes=False)
        with engine.connect() as connection:
            yield one_view(connection)
        if is_noted():
            with _transaction(engine) as connection:
                note_outcome(connection)


@contextmanager
def writing() -> Iterator[Connection]:
    """Give a connection whose work is stored at the end of the block, or not at all if it raises.

    So is the row of the audit trail that says so; a refusal leaves one, too. Raises as `reading`.
    """
    with (
        _engine() as engine,
        _refusal_noted(engine),
        _transaction(engine) as connection,
    ):
        admit(connection, changes=True)
        yield connection
        note_outcome(connection)


@contextmanager
def _transaction(engine: Engine) -> Iterator[Connection]:
    with (
        engine.connect().execution_options(**{WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _refusal_noted(engine: Engine) -> Iterator[None]:
    """Note in the audit trail what is raised, in a transaction of its own, and let it pass."""
    try:
        yield
    except DBAPIError:
        raise  # the database cannot be used, so it takes no note either
    except Exception as error:
        with _transaction(engine) as connection:
            note_outcome(connection, error)
        raise


@contextmanager
def _engine() -> Iterator[Engine]:
    settings = read_settings()
    _require_file(settings.database_url.get_secret_value())
    engine = database_of(settings, connections=1)
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
