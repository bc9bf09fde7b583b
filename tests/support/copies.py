"""Copies of a prepared database, put back after each use instead of made anew.

Making a database of PostgreSQL takes some 150 ms, most of it for the catalogue; putting the rows of
one back takes some 10, by a connection that stays. What cannot be put back is dropped, and the next
user gets a new one: a database whose tables are not those of the prepared one any more, or that
somebody is still connected to.

A copy comes with its engine, which keeps the statements that it has compiled, and on PostgreSQL
connections, too: where each test had its own, they took a third of its time.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg import OperationalError, sql
from sqlalchemy import QueuePool

from vending_api.kit.db import open_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection
    from sqlalchemy import Engine

    from tests.support.postgres import PostgresServer

_CONNECTIONS: Final = 20
"""Of a test at once."""
_MOST_KEPT: Final = 4
"""Of them, for the next test: each knows the catalogue and the statements that it has prepared."""
_USES: Final = 100
"""Then a database is made anew, for deleted rows leave gaps behind."""
_PATIENCE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.002

_CATALOGUE: Final = sql.SQL("""
SELECT md5(string_agg(entry, ' ' ORDER BY entry)) FROM (
    SELECT row(relname, relkind, relnatts, relchecks, relhastriggers)::text AS entry
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'S', 'v')
    UNION ALL
    SELECT row(tgname, tgenabled)::text FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS entries
""")
_NAMES: Final = sql.SQL(
    "SELECT relname FROM pg_class WHERE relkind = {} AND relnamespace = 'public'::regnamespace"
)
_OTHERS: Final = sql.SQL("""
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
""")


class SqliteCopies:
    """Lends copies of a file, always in the same few places."""

    def __init__(self, prepared: Path, folder: Path) -> None:
        """Take the prepared file, and a folder for its copies."""
        self._prepared = prepared
        self._folder = folder
        self._free: list[tuple[Path, Engine]] = []
        self._made = 0

    @contextmanager
    def lent(self) -> Iterator[Engine]:
        """Give the engine of a copy until the end of the block."""
        file, engine = self._free.pop() if self._free else self._new()
        shutil.copy(self._prepared, file)
        yield engine
        engine.dispose()
        for ending in ("", "-wal", "-shm"):
            file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
        self._free.append((file, engine))

    def _new(self) -> tuple[Path, Engine]:
        self._made += 1
        file = self._folder / f"vending-{self._made}.db"
        return file, open_database(f"sqlite:///{file}", connections=_CONNECTIONS)


class _PostgresCopy(NamedTuple):
    """A database that is lent again and again, with what has it open."""

    name: str
    engine: Engine
    own: Connection[Any]
    """Puts it back. One that was just opened would first read the whole catalogue."""
    uses: int = 0


class PostgresCopies:
    """Lends copies of a database that nobody may change."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        """Take the name of the prepared database."""
        self._server = server
        self._template = template
        with server.connect(template) as connection:
            self._catalogue = _value(connection, _CATALOGUE)
            self._putting_back = _putting_back(connection)
        self._free: list[_PostgresCopy] = []
        self._made = 0

    @contextmanager
    def lent(self) -> Iterator[Engine]:
        """Give the engine of a copy until the end of the block."""
        copy = self._free.pop() if self._free else self._new()
        yield copy.engine
        if copy.uses < _USES and self._is_put_back(copy):
            self._free.append(copy._replace(uses=copy.uses + 1))
        else:
            self._drop(copy)

    def close(self) -> None:
        """Drop the copies."""
        for copy in self._free:
            self._drop(copy)

    def _new(self) -> _PostgresCopy:
        self._made += 1
        name = f"{self._template}_{self._made}"
        url = self._server.create_database(name, template=self._template)
        engine = open_database(url, connections=_CONNECTIONS)
        return _PostgresCopy(name, engine, self._server.connect(name))

    def _drop(self, copy: _PostgresCopy) -> None:
        copy.engine.dispose()
        copy.own.close()
        self._server.drop_database(copy.name)

    def _is_put_back(self, copy: _PostgresCopy) -> bool:
        if pool_of(copy.engine).checkedin() > _MOST_KEPT:
            copy.engine.dispose()
        try:
            if not _is_alone(copy) or _value(copy.own, _CATALOGUE) != self._catalogue:
                return False
            copy.own.execute(self._putting_back)
        except OperationalError:  # somebody has ended the connection
            return False
        return True


def pool_of(engine: Engine) -> QueuePool:
    """Return the connections that an engine has open."""
    assert isinstance(engine.pool, QueuePool)
    return engine.pool


def _putting_back(connection: Connection[Any]) -> sql.Composed:
    """Return statements that give all tables of a copy the rows of this database.

    They go in one message; each by itself, with COPY, took three times as long.
    """
    # Rules between tables hold before and after, not in between.
    statements: list[sql.Composable] = [
        sql.SQL("SET session_replication_role = replica"),
        sql.SQL("BEGIN"),
    ]
    for table in map(sql.Identifier, _names(connection, "r")):
        statements.append(sql.SQL("DELETE FROM {}").format(table))
        rows = _value(connection, sql.SQL("SELECT json_agg({0})::text FROM {0}").format(table))
        if rows is not None:
            into = "INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, {1})"
            statements.append(sql.SQL(into).format(table, rows))
    for sequence in _names(connection, "S"):
        of_now = "SELECT last_value, is_called FROM {}"
        state = connection.execute(sql.SQL(of_now).format(sql.Identifier(sequence))).fetchone()
        assert state is not None
        statements.append(sql.SQL("SELECT setval({}, {}, {})").format(sequence, *state))
    statements.append(sql.SQL("COMMIT"))
    return sql.SQL("; ").join(statements)


def _is_alone(copy: _PostgresCopy) -> bool:
    """Return whether nobody is connected but who puts it back and what its engine keeps.

    Who has just left takes a moment to be gone.
    """
    limit = time.monotonic() + _PATIENCE_SECONDS
    while _value(copy.own, _OTHERS) > pool_of(copy.engine).checkedin():
        if time.monotonic() > limit:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _names(connection: Connection[Any], kind: str) -> list[str]:
    """Return the names of the tables ("r") or sequences ("S")."""
    return [name for (name,) in connection.execute(_NAMES.format(kind)).fetchall()]


def _value(connection: Connection[Any], query: sql.SQL | sql.Composed) -> Any:
    """Return the only value of an answer."""
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
