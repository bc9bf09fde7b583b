"""Copies of a prepared database, put back after each use instead of made anew.

Making a database of PostgreSQL takes some 150 ms, most of it for the catalogue; putting the rows of
one back takes some 15. What cannot be put back is dropped, and the next user gets a new one: a
database whose tables are not those of the prepared one any more, or that somebody is still
connected to.
"""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from tests.support.postgres import PostgresServer

_USES: Final = 100
"""Then a database is made anew, for deleted rows leave gaps behind."""
_PATIENCE_SECONDS: Final = 2.0
_POLL_SECONDS: Final = 0.002

_CATALOGUE: Final = """
SELECT relname::text, relkind::text, relnatts, relchecks, relhastriggers
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i', 'S', 'v')
UNION ALL
SELECT tgname::text, 'trigger', tgenabled::int, 0, tgisinternal FROM pg_trigger
WHERE NOT tgisinternal
UNION ALL
SELECT proname::text, 'function', 0, 0, false FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2
"""
_TABLES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)
_SEQUENCES: Final = (
    "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
)
_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class _Prepared(NamedTuple):
    """What a copy looks like when it is new."""

    catalogue: list[Any]
    rows: dict[str, bytes]
    """By table, in the form of COPY; all tables are in it."""
    sequences: dict[str, tuple[int, bool]]


class SqliteCopies:
    """Lends copies of a file, always in the same few places."""

    def __init__(self, prepared: Path, folder: Path) -> None:
        """Take the prepared file, and a folder for its copies."""
        self._prepared = prepared
        self._folder = folder
        self._free: list[Path] = []
        self._made = 0

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Give the address of a copy until the end of the block."""
        file = self._free.pop() if self._free else self._new()
        shutil.copy(self._prepared, file)
        yield f"sqlite:///{file}"
        for ending in ("", "-wal", "-shm"):
            file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
        self._free.append(file)

    def _new(self) -> Path:
        self._made += 1
        return self._folder / f"vending-{self._made}.db"


class PostgresCopies:
    """Lends copies of a database that nobody may change."""

    def __init__(self, server: PostgresServer, template: str) -> None:
        """Take the name of the prepared database."""
        self._server = server
        self._template = template
        with server.connect(template) as connection:
            self._prepared = _Prepared(
                _rows(connection, _CATALOGUE),
                {name: _copied(connection, name) for (name,) in _rows(connection, _TABLES)},
                {name: _state(connection, name) for (name,) in _rows(connection, _SEQUENCES)},
            )
        self._free: list[tuple[str, int]] = []
        self._made = 0

    @contextmanager
    def lent(self) -> Iterator[str]:
        """Give the address of a copy until the end of the block."""
        name, uses = self._free.pop() if self._free else (self._new(), 0)
        yield self._server.url(name)
        if uses < _USES and self._is_put_back(name):
            self._free.append((name, uses + 1))
        else:
            self._server.drop_database(name)

    def _new(self) -> str:
        self._made += 1
        name = f"{self._template}_{self._made}"
        self._server.create_database(name, template=self._template)
        return name

    def _is_put_back(self, name: str) -> bool:
        with self._server.connect(name) as connection:
            if (
                not _is_alone(connection)
                or _rows(connection, _CATALOGUE) != self._prepared.catalogue
            ):
                return False
            # Rules between tables hold before and after, not in between.
            connection.execute("SET session_replication_role = replica")
            with connection.transaction():
                self._put_back(connection)
        return True

    def _put_back(self, connection: Connection[Any]) -> None:
        tables = self._prepared.rows
        looks = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, sql.Identifier(name))
            for name in tables
        ]
        for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(looks)).fetchall():
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        for name, octets in tables.items():
            if octets:
                into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))
                with connection.cursor().copy(into) as copy:
                    copy.write(octets)
        for name, (value, is_called) in self._prepared.sequences.items():
            connection.execute("SELECT setval(%s, %s, %s)", (name, value, is_called))


def _is_alone(connection: Connection[Any]) -> bool:
    """Return whether nobody else is connected; who has just left takes a moment to be gone."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while _rows(connection, _OTHERS) != [(0,)]:
        if time.monotonic() > limit:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _rows(connection: Connection[Any], query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


def _copied(connection: Connection[Any], table: str) -> bytes:
    out = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    with connection.cursor().copy(out) as copy:
        return b"".join(bytes(block) for block in copy)


def _state(connection: Connection[Any], sequence: str) -> tuple[int, bool]:
    query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(sequence))
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], row[1]
