"""Writes many rows to PostgreSQL at once: by COPY, or by one statement over arrays.

A statement sent for each row costs server and driver some 40 microseconds each; here a row costs a
fifth. Who writes a few rows is better off with the plain way, which stays prepared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.sql.dml import Insert, Update

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ClauseElement

FROM_ROWS: Final = 200
"""More than a group of sales writes of any table but that of a busy day's key changes."""
_PARAMETER: Final = re.compile(r"%\((\w+)\)s(::[A-Z]+(?: WITH TIME ZONE)?)")
_VALUES: Final = re.compile(r" VALUES \((.*?)\)(?= ON CONFLICT)", re.DOTALL)


class ByColumn:
    """How the rows of one statement are written together."""

    def __init__(self, copy: str | None, statement: str | None, names: Sequence[str]) -> None:
        self._copy = copy
        self._statement = statement
        self._names = names

    def write(self, driver: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows, whose values are as the driver takes them; raises the driver's errors."""
        cursor = driver.cursor()
        if self._copy is not None:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row([row[name] for name in self._names])
            return
        columns = {name: [row[name] for row in rows] for name in self._names}
        cursor.execute(self._statement, rows[0] | columns)


def by_column(statement: ClauseElement, sql: str, names: Sequence[str]) -> ByColumn | None:
    """Return how rows of a statement are written together; None for one that has no such form.

    `sql` is the statement as it is compiled for PostgreSQL, `names` the parameters that differ
    from row to row. Every row must have its own place: of two for one row of the table, PostgreSQL
    refuses an upsert and an update takes any.
    """
    if isinstance(statement, Insert) and not statement._returning and " ON CONFLICT" not in sql:  # noqa: SLF001 (no public name says whether it returns anything)
        columns = ", ".join(f'"{name}"' for name in names)
        return ByColumn(f'COPY "{statement.table.name}" ({columns}) FROM STDIN', None, names)
    if not isinstance(statement, (Insert, Update)) or " RETURNING " in sql:
        return None
    types = {name: kind for name, kind in _PARAMETER.findall(sql) if name in names}
    if set(types) != set(names):
        return None
    arrays = ", ".join(f"%({name})s{types[name]}[]" for name in names)
    given = f"unnest({arrays}) AS given ({', '.join(names)})"
    of_rows = _PARAMETER.sub(
        lambda found: f"given.{found[1]}" if found[1] in types else found[0], sql
    )
    if isinstance(statement, Update):
        return ByColumn(None, of_rows.replace(" WHERE ", f" FROM {given} WHERE ", 1), names)
    values = _VALUES.search(of_rows)
    if values is None:
        return None
    selected = f" SELECT {values[1]} FROM {given}"  # noqa: S608 (of what SQLAlchemy has compiled)
    return ByColumn(None, of_rows.replace(values[0], selected, 1), names)
