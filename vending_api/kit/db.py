"""The database: SQLite for one machine, PostgreSQL for a country, one set of SQL for both."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Engine,
    Integer,
    bindparam,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.types import TypeDecorator

from vending_api.kit.errors import StorageUnavailable
from vending_api.kit.group import settle_before_core
from vending_api.kit.impatience import connect_impatiently, end_long_transactions, link_of
from vending_api.kit.private_files import write_private
from vending_api.kit.statements import Statement
from vending_api.kit.vault import OPEN, VAULT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Dialect, Insert, Table

    from vending_api.kit.vault import Vault

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
_MOST_PREPARED: Final = 400
"""Statements that a connection to PostgreSQL keeps; all forms of a sale's are over a hundred."""
_WITHOUT_ZONE: Final = len("2026-11-21 13:04:05.000000")
_SQLITE_PAGE_OCTETS: Final = 2_048
"""Of a new file. A sale changes ten pages at random places, and each goes to the disk whole."""
_SQLITE_CACHE_KIBIBYTES: Final = 32_768
"""Of pages, for each connection that uses them: a sale of a big site touches a dozen at random."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC; SQLite, which knows no zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return what makes the database's form of a moment; SQLite's is text."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC; raises ValueError for a naive one."""
        moment = None if value is None else _in_utc(value)
        return moment.replace(tzinfo=None) if moment and dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("moments in the database are aware; this one has no time zone")
    return value.astimezone(UTC)


@lru_cache(maxsize=1024)
def _as_text(value: datetime | None) -> str | None:
    """Return a moment as SQLite keeps it, in the form of SQLAlchemy and a fifth of its time.

    A sale writes its moment into four rows, each with the rows of other sales between.
    """
    if value is None:
        return None
    return _in_utc(value).isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


def _as_json(document: Any) -> str:
    return to_json(document).decode()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for a block that reads; raises StorageUnavailable if the database fails it.

    So it does where no connection of the engine gets free in time.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except (OperationalError, InterfaceError, NoConnectionFree):
        raise StorageUnavailable from None


def open_database(
    url: str, *, connections: int, vault: Vault = OPEN, is_quick: bool = False
) -> Engine:
    """Return the engine for a database address; connects when first used.

    A commit that has returned is on disk: SQLite runs with synchronous=FULL in
    WAL mode, PostgreSQL with its own default. `connections` bounds the pool;
    `vault` has the keys of what is stored encrypted. `is_quick` says that nothing asked of it takes
    long, and no transaction pauses: who waits for PostgreSQL gives it up after some seconds, and
    it ends a transaction whose process may be gone without a word, so that others get its locks.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            json_serializer=_as_json,
            hide_parameters=True,  # errors are logged, and parameters may be tokens
        )
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            json_serializer=_as_json,
            hide_parameters=True,
            connect_args=link_of(url)
            | {"options": f"-c statement_timeout={_STATEMENT_TIMEOUT_MS}"},
        )
        event.listen(engine, "connect", _keep_all_prepared)
        if is_quick:
            event.listen(engine, "do_connect", connect_impatiently)
            event.listen(engine, "connect", end_long_transactions)
    engine.update_execution_options(**{VAULT: vault})
    event.listen(engine, "before_cursor_execute", settle_before_core)
    return engine


def one_view(connection: Connection) -> Connection:
    """Let a connection that has begun nothing read one state of the database, and write nothing.

    SQLite reads one by itself.
    """
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def give_way_in_the_server(connection: Connection) -> None:
    """Let what a transaction reads of PostgreSQL take one processor of the server, and no more.

    The priority of the process that asks says nothing to the one that works for it there.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")


def insert_into(dialect_name: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that can be told what to do where a unique key already stands.

    Whoever builds a statement from it keeps that by dialect: building takes longer than sending.
    """
    return sqlite.insert(table) if dialect_name == "sqlite" else postgresql.insert(table)


def reserve_keys(connection: Connection, table: Table, count: int) -> list[int]:
    """Return keys for so many new rows, in ascending order; nobody else gets them.

    To insert rows by the thousand and know their keys, this is several times as fast as to
    have each returned. On SQLite the connection must be a writer's, and a group must have no
    row of the table to write yet.
    """
    if connection.dialect.name == "sqlite":
        last = _last_key(table).row(connection, {}).key
        return list(range(last + 1, last + 1 + count))
    return sorted(row.key for row in _next_keys(table).rows(connection, {"how_many": count}))


@cache
def _last_key(table: Table) -> Statement:
    newest = func.coalesce(func.max(table.c.key), 0)
    return Statement(select(newest.label("key")), is_apart=True)


@cache
def _next_keys(table: Table) -> Statement:
    sequence = func.pg_get_serial_sequence(table.name, "key")
    numbers = func.generate_series(1, bindparam("how_many", type_=Integer)).table_valued("number")
    return Statement(
        select(func.nextval(sequence).label("key")).select_from(numbers), is_apart=True
    )


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


def _make_private(_dialect: Any, _record: Any, arguments: list[Any], _named: Any) -> None:
    """Make the file that SQLite is about to open, if there is none, readable by its owner alone."""
    path = arguments[0]
    if path != ":memory:":
        with suppress(OSError):  # it is there, or SQLite will say what is wrong
            write_private(Path(path), b"")


def _keep_all_prepared(connection: Any, _record: object) -> None:
    connection.prepared_max = _MOST_PREPARED


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own idea of when to BEGIN breaks savepoints; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    for pragma in (
        f"page_size={_SQLITE_PAGE_OCTETS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"cache_size=-{_SQLITE_CACHE_KIBIBYTES}",
        f"busy_timeout={_BUSY_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that begins as a reader can fail when it first writes; so it says so at once.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
