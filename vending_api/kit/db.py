"""The database: SQLite for one machine, PostgreSQL for a country, one set of SQL for both."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Engine, Integer, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy import Connection, Dialect, Insert, Table

RowKey: Final = BigInteger().with_variant(Integer(), "sqlite")
"""The type of our own row numbers; SQLite only counts up by itself in an INTEGER."""

JsonDocument: Final = JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)
"""The type of a document that is read whole and that SQL can look into; None is NULL."""

WRITES: Final = "vending_writes"
"""Execution option of a connection that will write; SQLite then locks at once."""

_STATEMENT_TIMEOUT_MS: Final = 10_000
_BUSY_TIMEOUT_MS: Final = 10_000


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite, which knows no zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC; raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("moments in the database are aware; this one has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def open_database(url: str, *, connections: int) -> Engine:
    """Return the engine for a database address; connects when first used.

    A commit that has returned is on disk: SQLite runs with synchronous=FULL in
    WAL mode, PostgreSQL with its own default. `connections` bounds the pool.
    """
    if url.startswith("sqlite"):
        engine = create_engine(url, pool_size=connections, max_overflow=0)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS}"},
    )


def insert_or_ignore(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that does nothing where a unique key already stands.

    On PostgreSQL it first waits for a transaction that is inserting the same key.
    """
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


def insert_or_update(connection: Connection, table: Table) -> Insert:
    """Return an INSERT of a whole row that replaces the one with the same primary key."""
    return _insert_or_update(connection.dialect.name, table)


@cache
def _insert_or_update(dialect_name: str, table: Table) -> Insert:
    new = sqlite.insert(table) if dialect_name == "sqlite" else postgresql.insert(table)
    return new.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={column.name: column for column in new.excluded if not column.primary_key},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own idea of when to BEGIN breaks savepoints; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins as a reader can fail when it first writes; so it says so at once.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
