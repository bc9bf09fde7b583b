"""Statements of the hot path: written in SQLAlchemy Core, run on the driver itself.

Core's own execution costs some 30 microseconds a statement, four times what SQLite takes for
it, and a sale has a dozen. Here a statement is compiled once for each database; parameters and
columns are converted by the types of the tables, and nothing else stands between.
"""

from __future__ import annotations

from collections import namedtuple
from copy import copy
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import bindparam
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.selectable import SelectBase

from vending_api.kit.driver import on_driver
from vending_api.kit.group import RunCarefully, group_of
from vending_api.kit.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from sqlalchemy import BindParameter, ClauseElement, Connection, Dialect

    from vending_api.kit.group import Group


class Statement:
    """A statement that is compiled when a database first runs it.

    What it is run with names the same values each time. It raises the errors of SQLAlchemy,
    without the values: they may be tokens.
    """

    def __init__(
        self,
        statement: ClauseElement | Callable[[str], ClauseElement],
        *,
        is_apart: bool = False,
    ) -> None:
        """Take a statement, or what makes one for the name of a database.

        `is_apart` says that no group has anything to write that it could read or overwrite
        unseen: its rows are remembered by whoever runs it, or are no part of that at all.
        """
        self._statement = statement
        self._is_apart = is_apart
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it for its effect, and return how many rows it changed."""
        group = self._settled(connection)
        changed = int(self._for(connection, values).execute(connection, values).rowcount)
        if group is not None and changed:
            group.changes += 1
        return changed

    def run_later(
        self,
        connection: Connection,
        rows: Sequence[Mapping[str, Any]],
        *,
        of: Hashable | None = None,
    ) -> None:
        """Run it for its effect with each row of values, before the transaction is committed.

        What an earlier call would have written `of` the same thing is not written any more.
        Without a group, it runs now.
        """
        group = group_of(connection)
        if group is not None:
            group.write_later(self, rows, of)
        elif rows:
            self.run_now(connection, rows)

    def run_now(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for its effect with each row of values, one at least, past any group."""
        compiled = self._for(connection, rows[0])
        if len(rows) == 1:
            compiled.execute(connection, rows[0])
        else:
            compiled.execute_many(connection, rows)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return its rows, whose columns are attributes."""
        group = self._settled(connection)
        compiled = self._for(connection, values)
        found = compiled.execute(connection, values).fetchall()
        if group is not None and found and compiled.writes:
            group.changes += 1
        return [compiled.row(one) for one in found]

    def row(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return its first row, whose columns are attributes, or None."""
        group = self._settled(connection)
        compiled = self._for(connection, values)
        found = compiled.execute(connection, values).fetchone()
        if found is None:
            return None
        if group is not None and compiled.writes:
            group.changes += 1
        return compiled.row(found)

    def _settled(self, connection: Connection) -> Group | None:
        group = group_of(connection)
        if group is not None and not self._is_apart:
            group.settle(connection)
        return group

    def _for(self, connection: Connection, values: Mapping[str, Any]) -> _Compiled:
        name = connection.dialect.name
        compiled = self._compiled.get(name)
        if compiled is None:
            made = self._statement(name) if callable(self._statement) else self._statement
            compiled = _Compiled(made, connection.dialect, values)
            self._compiled[name] = compiled
        return compiled


class StatementForMany:
    """A statement of a group that takes many rows of values at once, and touches nothing else's.

    It is made for 1, 2, 4, 8 and so on rows, so that databases keep its few forms prepared; the
    last row is repeated to fill the form, which must not matter.
    """

    def __init__(
        self, make: Callable[[str, list[dict[str, BindParameter[Any]]]], ClauseElement]
    ) -> None:
        """Take what makes it for the name of a database and the parameters of its rows."""
        self._make = make
        self._forms: dict[int, _Form] = {}

    def rows(self, connection: Connection, given: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return its rows, whose columns are attributes, for rows of values of the same names."""
        if not given:
            return []
        size = 1 << (len(given) - 1).bit_length()
        form = self._forms.get(size)
        if form is None:
            form = self._forms[size] = self._form(list(given[0]), size)
        filled = [*given, *[given[-1]] * (size - len(given))]
        values = [row[name] for row in filled for name in form.of_a_row]
        return form.statement.rows(connection, dict(zip(form.names, values, strict=True)))

    def _form(self, of_a_row: list[str], size: int) -> _Form:
        rows = [{name: f"{name}_{place}" for name in of_a_row} for place in range(size)]
        parameters: list[dict[str, BindParameter[Any]]] = [
            {name: bindparam(own_name) for name, own_name in row.items()} for row in rows
        ]
        statement = Statement(lambda dialect: self._make(dialect, parameters), is_apart=True)
        return _Form(statement, of_a_row, [name for row in rows for name in row.values()])


class _Form(NamedTuple):
    """A statement for so many rows."""

    statement: Statement
    of_a_row: list[str]
    """What each row of values names."""
    names: list[str]
    """What the statement calls these values, row by row."""


class undoable:  # noqa: N801 (it is used like a function)
    """Undo what the block has done to the database if it raises; such blocks may be nested.

    In a group nothing is undone: a block that raises after it has changed something, or because
    the database refused a statement, raises RunCarefully instead.
    """

    __slots__ = ("_before", "_connection", "_group")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._group = group_of(connection)
        self._before = 0

    def __enter__(self) -> None:
        if self._group is None:
            self._send("SAVEPOINT undoable")
        else:
            self._before = self._group.changes

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if self._group is not None:
            self._leave_group(self._group, error)
            return
        if error is not None:
            self._send("ROLLBACK TO SAVEPOINT undoable")
        self._send("RELEASE SAVEPOINT undoable")

    def _leave_group(self, group: Group, error: BaseException | None) -> None:
        if error is None or isinstance(error, (OperationalError, InterfaceError)):
            return
        if isinstance(error, SQLAlchemyError) or group.changes != self._before:
            raise RunCarefully from error

    def _send(self, sql: str) -> None:
        driver: Any = self._connection.connection.dbapi_connection
        on_driver(driver.execute, self._connection.dialect.loaded_dbapi, sql)


class _Compiled:
    """A statement as one database takes it."""

    def __init__(self, statement: ClauseElement, dialect: Dialect, values: Iterable[str]) -> None:
        names_columns = isinstance(statement, Insert) and not statement._multi_values  # noqa: SLF001 (as below)
        keys = list(values) if names_columns else None
        is_postgresql = dialect.name == "postgresql"
        self.writes = not isinstance(statement, SelectBase)
        compiled: Any = statement.compile(
            dialect=_numbered(dialect) if is_postgresql else dialect, column_keys=keys
        )
        self._sql = str(compiled)
        self._errors: Any = dialect.loaded_dbapi
        self._cursor = self._errors.RawCursor if is_postgresql else self._errors.Cursor
        self._names: list[str] = compiled.positiontup or []
        binds = [(name, compiled.binds[name]) for name in self._names]
        self._constants = {
            name: bind.value for name, bind in binds if not bind.required and bind.value is not None
        }
        self._in = [
            (place, processor)
            for place, (_, bind) in enumerate(binds)
            if (processor := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        ]
        self._in_order = _picker(self._names)
        self._together = together(statement, self._sql, self._names) if is_postgresql else None
        columns = compiled._result_columns  # noqa: SLF001 (no public name says which there are)
        self._make_row = _row_type([one.name for one in columns])._make
        processors = [
            one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns
        ]
        self._out = [(place, one) for place, one in enumerate(processors) if one is not None]

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        cursor = self._cursor(connection.connection.dbapi_connection)
        return on_driver(cursor.execute, self._errors, self._sql, self._given(values))

    def execute_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        cursor = self._cursor(connection.connection.dbapi_connection)
        given = [self._given(values) for values in rows]
        together = self._together
        if together is None:
            on_driver(cursor.executemany, self._errors, self._sql, given)
        elif together.is_copied(cursor, given):
            on_driver(together.copy_with, self._errors, cursor, given)
        else:
            for sql, parameters in together.statements(given):
                on_driver(cursor.execute, self._errors, sql, parameters)

    def row(self, found: Sequence[Any]) -> Any:
        if not self._out:
            return self._make_row(found)
        columns = list(found)
        for place, processor in self._out:
            columns[place] = processor(columns[place])
        return self._make_row(columns)

    def _given(self, values: Mapping[str, Any]) -> list[Any]:
        if self._constants:
            values = {**self._constants, **values}
        in_order = list(self._in_order(values))
        for place, processor in self._in:
            in_order[place] = processor(in_order[place])
        return in_order


def _numbered(dialect: Dialect) -> Dialect:
    """Return a dialect that numbers parameters as PostgreSQL does.

    Names would be looked for by the driver in the text of each statement each time; of a statement
    for many rows that takes longer than to carry it out.
    """
    numbered: Any = copy(dialect)
    numbered.paramstyle, numbered.positional = "numeric_dollar", True
    numbered.identifier_preparer = dialect.preparer(numbered)
    return cast("Dialect", numbered)


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """Return what takes the values of names in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _row_type(columns: list[str]) -> Any:
    return namedtuple("Row", columns, rename=True)  # noqa: PYI024 (the names are known only now)
