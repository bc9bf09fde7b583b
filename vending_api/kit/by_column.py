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
_PARAMETER: Final = re.compile(r"\$(\d+)(::[A-Z]+(?: WITH TIME ZONE)?)")
_VALUES: Final = re.compile(r" VALUES \((.*?)\)(?= ON CONFLICT)", re.DOTALL)


class ByColumn:
    """How the rows of one statement are written together."""

    def __init__(self, copy: str | None, statement: str | None, places: Sequence[int]) -> None:
        """Take a COPY or a statement over arrays, and the parameters that go by column."""
        self._copy = copy
        self._statement = statement
        self._places = places

    def write(self, cursor: Any, rows: Sequence[list[Any]]) -> None:
        """Write rows of parameters, as the driver takes them; raises the driver's errors."""
        if self._copy is not None:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row([row[place] for place in self._places])
            return
        given = list(rows[0])
        for place in self._places:
            given[place] = [row[place] for row in rows]
        cursor.execute(self._statement, given)


def by_column(
    statement: ClauseElement, sql: str, names: Sequence[str], vary: Sequence[str]
) -> ByColumn | None:
    """Return how rows of a statement are written together; None for one that has no such form.

    `sql` is the statement as it is compiled for PostgreSQL, `names` those of its parameters $1, $2
    and so on, `vary` those that differ from row to row. Every row must have its own place: of two
    for one row of the table, PostgreSQL refuses an upsert and an update takes any.
    """
    places = [place for place, name in enumerate(names) if name in vary]
    if isinstance(statement, Insert) and not statement._returning and " ON CONFLICT" not in sql:  # noqa: SLF001 (no public name says whether it returns anything)
        columns = ", ".join(f'"{names[place]}"' for place in places)
        return ByColumn(f'COPY "{statement.table.name}" ({columns}) FROM STDIN', None, places)
    if not isinstance(statement, (Insert, Update)) or " RETURNING " in sql:
        return None
    types = {int(number) - 1: kind for number, kind in _PARAMETER.findall(sql)}
    if not set(places) <= set(types):
        return None
    arrays = ", ".join(f"${place + 1}{types[place]}[]" for place in places)
    given = f"unnest({arrays}) AS given ({', '.join(f'p{place + 1}' for place in places)})"
    of_rows = _PARAMETER.sub(
        lambda found: f"given.p{found[1]}" if int(found[1]) - 1 in places else found[0], sql
    )
    if isinstance(statement, Update):
        return ByColumn(None, of_rows.replace(" WHERE ", f" FROM {given} WHERE ", 1), places)
    values = _VALUES.search(of_rows)
    if values is None:
        return None
    selected = f" SELECT {values[1]} FROM {given}"  # noqa: S608 (of what SQLAlchemy has compiled)
    return ByColumn(None, of_rows.replace(values[0], selected, 1), places)
