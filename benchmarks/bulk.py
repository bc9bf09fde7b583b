"""Writes rows by the million: by COPY on PostgreSQL, by one prepared INSERT on SQLite."""

from __future__ import annotations

import json
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON

from benchmarks.opening import open_database
from vending_api.kit.db import WRITES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Connection, Dialect, Table

_QUICK_SQLITE: Final = (
    "journal_mode=OFF",  # whoever stops the filling begins again with a new file
    "synchronous=OFF",
    "foreign_keys=OFF",  # every row follows from one that was sold
    "cache_size=-4000000",  # 4 GB: what random ids touch of the indexes of 5 million sales
)
_QUICK_POSTGRESQL: Final = ("statement_timeout = 0", "session_replication_role = replica")


class Rows:
    """Rows of a table that are to be written: ones that were read, with other values."""

    def __init__(self, table: Table, dialect: Dialect) -> None:
        """Take the table and the dialect of the database that gets the rows."""
        self.table = table
        self.names = [column.name for column in table.columns]
        self._conversions = {one.name: _conversion(one.type, dialect) for one in table.columns}
        self._in_order: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*self.names)
        self._rows: list[tuple[Any, ...]] = []

    def convert(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return values of its columns as the driver takes them."""
        return {name: self._conversions[name](value) for name, value in row.items()}

    def add(self, converted: Mapping[str, Any], **changes: Any) -> None:
        """Keep a row with other values; the driver takes them all as they are."""
        self._rows.append(self._in_order({**converted, **changes}))

    def write(self, connection: Connection) -> None:
        """Write what was kept since the last time."""
        rows, self._rows = self._rows, []
        if not rows:
            return
        cursor: Any = connection.connection.cursor()
        names = ", ".join(self.names)
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" for _ in self.names)
            sql = f"INSERT INTO {self.table.name} ({names}) VALUES ({marks})"  # noqa: S608 (our own names)
            cursor.executemany(sql, rows)
        else:
            with cursor.copy(f"COPY {self.table.name} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.close()


@contextmanager
def quickly(url: str) -> Iterator[Connection]:
    """Give a connection that writes without care, and commits at the end of the block."""
    engine = open_database(url, connections=1)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver: Any = connection.connection.dbapi_connection
            for pragma in _QUICK_SQLITE:
                driver.execute(f"PRAGMA {pragma}")
        writing = connection.execution_options(**{WRITES: True})
        with writing.begin():
            if writing.dialect.name == "postgresql":
                for setting in _QUICK_POSTGRESQL:
                    writing.exec_driver_sql(f"SET LOCAL {setting}")
            yield writing
    engine.dispose()


def tidy(url: str) -> None:
    """Leave a filled database as its own upkeep would leave it."""
    engine = open_database(url, connections=1)
    autocommit = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    with autocommit as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM ANALYZE")
            connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()


def _conversion(type_: Any, dialect: Dialect) -> Callable[[Any], Any]:
    """Return what makes of a value what the driver takes; a document becomes its text."""
    if isinstance(type_, JSON):
        return lambda value: None if value is None else json.dumps(value)
    found = type_.dialect_impl(dialect).bind_processor(dialect)
    return found or (lambda value: value)
