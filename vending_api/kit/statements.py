"""Statements of the hot path: written in SQLAlchemy Core, run on the driver itself.

Core's own execution costs some 30 microseconds a statement, four times what SQLite takes for
it, and a sale has a dozen. Here a statement is compiled once for each database; parameters and
columns are converted by the types of the tables, and nothing else stands between.
"""

from __future__ import annotations

from collections import namedtuple
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.sql.dml import Insert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import NoReturn

    from sqlalchemy import ClauseElement, Connection, Dialect


class Statement:
    """A statement that is compiled when a database first runs it.

    What it is run with names the same values each time. It raises the errors of SQLAlchemy,
    without the values: they may be tokens.
    """

    def __init__(self, statement: ClauseElement | Callable[[str], ClauseElement]) -> None:
        """Take a statement, or what makes one for the name of a database."""
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it for its effect, and return how many rows it changed."""
        return int(self._for(connection, values).execute(connection, values).rowcount)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for its effect with each row of values; one row at least."""
        compiled = self._for(connection, rows[0])
        if len(rows) == 1:
            compiled.execute(connection, rows[0])
        else:
            compiled.execute_many(connection, rows)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return its rows, whose columns are attributes."""
        compiled = self._for(connection, values)
        found = compiled.execute(connection, values).fetchall()
        return [compiled.row(one) for one in found]

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return its first row, whose columns are attributes, or None."""
        compiled = self._for(connection, values)
        found = compiled.execute(connection, values).fetchone()
        return None if found is None else compiled.row(found)

    def _for(self, connection: Connection, values: Mapping[str, Any]) -> _Compiled:
        name = connection.dialect.name
        compiled = self._compiled.get(name)
        if compiled is None:
            made = self._statement(name) if callable(self._statement) else self._statement
            compiled = _Compiled(made, connection.dialect, values)
            self._compiled[name] = compiled
        return compiled


@contextmanager
def undoable(connection: Connection) -> Iterator[None]:
    """Undo what the block has done to the database if it raises; such blocks may be nested."""
    driver: Any = connection.connection.dbapi_connection
    errors: Any = connection.dialect.loaded_dbapi
    _on_driver(driver.execute, errors, "SAVEPOINT undoable")
    try:
        yield
    except BaseException:
        _on_driver(driver.execute, errors, "ROLLBACK TO SAVEPOINT undoable")
        _on_driver(driver.execute, errors, "RELEASE SAVEPOINT undoable")
        raise
    _on_driver(driver.execute, errors, "RELEASE SAVEPOINT undoable")


class _Compiled:
    """A statement as one database takes it."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, values: Iterable[str]) -> None:
        keys = list(values) if isinstance(statement, Insert) else None
        compiled: Any = statement.compile(dialect=dialect, column_keys=keys)
        self._sql = str(compiled)
        self._errors: Any = dialect.loaded_dbapi
        self._is_positional = compiled.positiontup is not None
        self._names = compiled.positiontup if self._is_positional else list(compiled.binds)
        binds = [(name, compiled.binds[name]) for name in self._names]
        self._constants = {
            name: bind.value for name, bind in binds if not bind.required and bind.value is not None
        }
        self._in = [
            (place, name, processor)
            for place, (name, bind) in enumerate(binds)
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]
        columns = compiled._result_columns  # noqa: SLF001 (no public name says which there are)
        self._make_row = _row_type([one.name for one in columns])._make
        processors = [
            one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns
        ]
        self._out = [(place, one) for place, one in enumerate(processors) if one is not None]

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        driver: Any = connection.connection.dbapi_connection
        return _on_driver(driver.execute, self._errors, self._sql, self._given(values))

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        driver: Any = connection.connection.dbapi_connection
        given = [self._given(values) for values in rows]
        _on_driver(driver.cursor().executemany, self._errors, self._sql, given)

    def row(self, found: Sequence[Any]) -> Any:
        if not self._out:
            return self._make_row(found)
        columns = list(found)
        for place, processor in self._out:
            columns[place] = processor(columns[place])
        return self._make_row(columns)

    def _given(self, values: Mapping[str, Any]) -> Any:
        if self._constants:
            values = {**self._constants, **values}
        if self._is_positional:
            in_order = [values[name] for name in self._names]
            for place, _, processor in self._in:
                in_order[place] = processor(in_order[place])
            return in_order
        return {**values, **{name: processor(values[name]) for _, name, processor in self._in}}


def _row_type(columns: list[str]) -> Any:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 (the names are known only now)


def _on_driver(run: Callable[..., Any], errors: Any, sql: str, given: Any = ()) -> Any:
    try:
        return run(sql, given)
    except errors.Error as error:
        _raise(errors, sql, error)


def _raise(errors: Any, sql: str, error: Exception) -> NoReturn:
    for kind, wrapper in (
        (errors.IntegrityError, IntegrityError),
        (errors.DataError, DataError),
        (errors.OperationalError, OperationalError),
    ):
        if isinstance(error, kind):
            raise wrapper(sql, None, error) from error
    raise InterfaceError(sql, None, error) from error
