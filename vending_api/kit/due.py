"""Work that waits in the database: rows that say when their next step is due.

Whoever takes a step first moves it ahead, in a transaction of its own, by a lease. So no two
processes take the same step at the same time, and a step whose process was killed is due again
when the lease is over.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Table

LEASE: Final = timedelta(minutes=1)
"""Longer than any step takes, its calls to others included."""
_MOST_DOUBLINGS: Final = 20


def is_any_due(connection: Connection, table: Table, *, now: datetime) -> bool:
    """Return whether `take_due` would find anything; a look that locks and writes nothing."""
    due = select(table.c.key).where(table.c.next_step_at <= now).limit(1)
    return connection.execute(due).first() is not None


def take_due(connection: Connection, table: Table, *, now: datetime, most: int) -> list[int]:
    """Take rows of a table whose `next_step_at` is past, and return their keys.

    Those that are due the longest come first. Each is due again after the lease, unless its
    step says otherwise before.
    """
    due, key = table.c.next_step_at, table.c.key
    waiting = select(key, due).where(due <= now).order_by(due, key).limit(most)
    taken = []
    for row in connection.execute(waiting).all():
        # Who sees the same row at the same moment finds its due time changed, and passes on.
        ahead = update(table).where(key == row.key, due == row.next_step_at)
        if connection.execute(ahead.values(next_step_at=now + LEASE)).rowcount:
            taken.append(int(row.key))
    return taken


def delay(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Return how long to wait after so many attempts in vain: twice as long each time."""
    doublings = min(max(0, attempts - 1), _MOST_DOUBLINGS)
    return min(longest, first * (1 << doublings))
