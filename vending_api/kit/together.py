"""Writes the rows of one statement to PostgreSQL together: by COPY, or some at a time in VALUES.

A statement sent for each row costs server and driver up to twice as much. One with several rows is
made for 16, 8, 4, 2 rows and one, so that a connection keeps its few forms prepared; rows are
written by as many of the largest as there are. COPY, which is never prepared, is for new rows by
the hundred.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.sql.dml import Insert, Update

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ClauseElement

COPIED_FROM: Final = 200
"""Rows from which COPY is the cheaper way, though each one is waited for (`kit.driver`)."""
_SIZES: Final = (16, 8, 4, 2, 1)
_PARAMETER: Final = re.compile(r"\$(\d+)(::[A-Z]+(?: WITH TIME ZONE)?)?")
_VALUES: Final = re.compile(r" VALUES (\(.*?\))(?= ON CONFLICT|$)", re.DOTALL)
_GIVEN: Final = "given"


class Together:
    """How the rows of one statement are written together."""

    def __init__(
        self, before: str, row: str, after: str, *, per_row: int, copy: str | None = None
    ) -> None:
        """Take the statement's text up to its VALUES, one of them, and what comes after them.

        `per_row` is how many parameters a row has; they are numbered from 1. `copy` is the COPY
        that writes the same rows, where one does.
        """
        self._forms = {
            size: before + ", ".join(_moved(row, per_row * place) for place in range(size)) + after
            for size in _SIZES
        }
        self._copy = copy

    def statements(self, rows: Sequence[list[Any]]) -> Iterator[tuple[str, list[Any]]]:
        """Yield what writes rows of parameters: statements with their parameters, numbered."""
        for part in _parts(rows):
            yield self._forms[len(part)], [value for row in part for value in row]

    def is_copied(self, cursor: Any, rows: Sequence[list[Any]]) -> bool:
        """Return whether rows are better copied; nothing can be while statements are sent ahead."""
        if self._copy is None or len(rows) < COPIED_FROM:
            return False
        return not cursor.connection.info.pipeline_status

    def copy_with(self, cursor: Any, rows: Sequence[list[Any]]) -> None:
        """Copy rows of parameters, as the driver takes them; raises the driver's errors."""
        with cursor.copy(self._copy) as copy:
            for row in rows:
                copy.write_row(row)


def together(statement: ClauseElement, sql: str, names: Sequence[str]) -> Together | None:
    """Return how the rows of a statement are written together; None for one with no such way.

    `sql` is the statement as it is compiled for PostgreSQL, `names` those of its parameters $1, $2
    and so on. Every row must have its own place: of two for one row of the table, PostgreSQL
    refuses an upsert and an update takes any.
    """
    if " RETURNING " in sql:
        return None
    if isinstance(statement, Update):
        return _of_update(sql, len(names))
    if not isinstance(statement, Insert):
        return None
    return _of_insert(statement, sql, names)


def _of_insert(statement: Insert, sql: str, names: Sequence[str]) -> Together | None:
    values = _VALUES.search(sql)
    if values is None or len(_PARAMETER.findall(sql)) != len(names):
        return None
    start, end = values.span(1)
    copy = None if " ON CONFLICT" in sql else _copy_of(statement.table, names)
    return Together(sql[:start], values[1], sql[end:], per_row=len(names), copy=copy)


def _copy_of(table: Any, names: Sequence[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f'COPY "{table.name}" ({columns}) FROM STDIN'


def _of_update(sql: str, count: int) -> Together | None:
    """Return an update that finds its rows by its own condition; all parameters must say a type."""
    found = _PARAMETER.findall(sql)
    if len(found) != count or not all(kind for _, kind in found):
        return None
    row = ", ".join(f"${number}{kind}" for number, kind in found)
    columns = ", ".join(f"p{number}" for number, _ in found)
    joined = _PARAMETER.sub(lambda one: f"{_GIVEN}.p{one[1]}", sql)
    before, where, after = joined.partition(" WHERE ")
    listed = f"{before} FROM (VALUES ", f"({row})", f") AS {_GIVEN} ({columns}){where}{after}"
    return Together(*listed, per_row=count)


def _moved(row: str, by: int) -> str:
    """Return a row whose parameters have numbers that are so much higher."""
    return _PARAMETER.sub(lambda one: f"${int(one[1]) + by}{one[2] or ''}", row)


def _parts(rows: Sequence[list[Any]]) -> Iterator[Sequence[list[Any]]]:
    """Yield the rows in parts of the sizes that there are statements for."""
    first = 0
    for size in _SIZES:
        while len(rows) - first >= size:
            yield rows[first : first + size]
            first += size
