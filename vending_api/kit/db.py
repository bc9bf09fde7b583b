"""The database: SQLite for one machine, PostgreSQL for a country, one set of SQL for both."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Integer,
    create_engine,
    event,
    func,
    select,
)
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


def insert_into(dialect_name: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can be told what to do where a unique key already stands.

    Whoever builds a statement from it keeps that by dialect: building takes longer than sending.
    """
    return sqlite.insert(table) if dialect_name == "sqlite" else postgresql.insert(table)


def reserve_keys(connection: Connection, table: Table, count: int) -> list[int]:
    """Return keys for so many new rows, in ascending order; nobody else gets them.

    To insert rows by the thousand and know their keys, this is several times as fast as to
    have each returned. On SQLite the connection must be a writer's.
    """
    key = table.c.key
    if connection.dialect.name == "sqlite":
        last = connection.execute(select(func.coalesce(func.max(key), 0))).scalar_one()
        return list(range(last + 1, last + 1 + count))
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    numbers = func.generate_series(1, count).table_valued("number")
    taken = connection.execute(select(func.nextval(sequence)).select_from(numbers)).scalars()
    return sorted(taken)


@cache
def insert_or_ignore(dialect_name: str, table: Table) -> Insert:
    """Return an INSERT that does nothing where a unique key already stands.

    On PostgreSQL it first waits for a transaction that is inserting the same key.
    """
    return insert_into(dialect_name, table).on_conflict_do_nothing()


@cache
def insert_or_update(dialect_name: str, table: Table, *only: str) -> Insert:
    """Return an INSERT of a whole row that replaces the one with the same primary key.

    With `only`, a row that stands already gets no more than these columns of the new one.
    """
    new = insert_into(dialect_name, table)
    return new.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={
            column.name: column
            for column in new.excluded
            if not column.primary_key and (not only or column.name in only)
        },
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
