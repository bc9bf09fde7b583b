"""Where a day begins and ends in tables that are written in the order of time.

Keys are handed out as rows come, so the rows of a day are a range of keys, and to find it takes
two dozen looks at the primary key. An index of the moments would cost each sale a page more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Connection, Select

_NEAR: Final = 1_000
"""Keys that are read rather than told apart."""
_GROUP: Final = 100
"""Rows that are looked at together: a sale that was refused, and made later, keeps its key."""
APART: Final = timedelta(hours=1)
"""How much later than its moment a row may be written, and how far clocks may be apart."""


def keys_between(
    connection: Connection,
    order: Column[Any],
    moment: Column[Any],
    begin: datetime,
    end: datetime,
    *of: ColumnElement[bool],
) -> range:
    """Return a range of keys that has all rows from one moment to another, and some around it.

    `order` is the column of the keys; `of` picks the rows that are in the order of time.
    """
    # Asked for together, SQLite would read the whole table for them.
    ends = [select(one(order)).where(*of).scalar_subquery() for one in (func.min, func.max)]
    lowest, highest = connection.execute(select(*ends)).one()
    if lowest is None:
        return range(0)
    look = _oldest_after(order, moment, *of)
    first, _ = _around(connection, look, lowest, highest + 1, begin - APART)
    _, last = _around(connection, look, first, highest + 1, end + APART)
    return range(first, last)


def _oldest_after(order: Column[Any], moment: Column[Any], *of: ColumnElement[bool]) -> Select[Any]:
    rows = (
        select(moment.label("moment"))
        .where(order >= bindparam("at_key"), *of)
        .order_by(order)
        .limit(_GROUP)
        .subquery()
    )
    return select(func.min(rows.c.moment))


def _around(
    connection: Connection, look: Select[Any], low: int, high: int, moment: datetime
) -> tuple[int, int]:
    """Return two keys, so near to each other, between which rows begin to be of a moment."""
    while high - low > _NEAR:
        middle = (low + high) // 2
        oldest = connection.execute(look, {"at_key": middle}).scalar()
        if oldest is None or oldest >= moment:
            high = middle
        else:
            low = middle
    return low, high
