"""Where a day begins and ends in tables that are written in the order of time, and its bites.

Keys are handed out as rows come, so the rows of a day are a range of keys, and to find it takes
two dozen looks at the primary key. An index of the moments would cost each sale a page more.
A day is read in bites, so that no statement takes long: who reads may rest, or end, after each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Connection, Select

_NEAR: Final = 1_000
"""Keys that are read rather than told apart."""
_GROUP: Final = 100
"""Rows that are looked at together: a sale that was refused, and made later, keeps its key."""
_BITE: Final = 4_000
"""Rows that a statement reads: it takes a server 4 to 40 ms."""
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
    keys = all_keys(connection, order, *of)
    look = _oldest_after(order, moment, *of)
    first, _ = _around(connection, look, keys.start, keys.stop, begin - APART)
    _, last = _around(connection, look, first, keys.stop, end + APART)
    return range(first, last)


def bites(
    connection: Connection, order: Column[Any], keys: range, *of: ColumnElement[bool]
) -> Iterator[range]:
    """Yield a range of keys in parts, each of so few rows that to read it takes no time.

    It counts rows, for keys may have gaps of any size. `order` and `of` are as in `keys_between`.
    """
    beyond = (
        select(order)
        .where(order >= bindparam("at_key"), order < bindparam("to_key"), *of)
        .order_by(order)
        .offset(_BITE)
        .limit(1)
    )
    begin, end = keys.start, keys.stop
    while begin < end:
        found = connection.execute(beyond, {"at_key": begin, "to_key": end}).scalar()
        stop = end if found is None else found
        yield range(begin, stop)
        begin = stop


def all_keys(connection: Connection, order: Column[Any], *of: ColumnElement[bool]) -> range:
    """Return the range from the lowest key to the highest."""
    # Asked for together, SQLite would read the whole table for them.
    ends = [select(one(order)).where(*of).scalar_subquery() for one in (func.min, func.max)]
    lowest, highest = connection.execute(select(*ends)).one()
    return range(0) if lowest is None else range(lowest, highest + 1)


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
