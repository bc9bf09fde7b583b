"""The whole log of a database, to be proven or exported: row by row, never all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vending_api.domain.token_log import repository
from vending_api.domain.token_log.exporting import exported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.token_log.proving import Prover
    from vending_api.domain.token_log.types import Break


def count_rows(connection: Connection) -> int:
    """Return how many rows the log has."""
    repository.lift_time_limit(connection)
    return repository.count_rows(connection)


def prove(
    connection: Connection, prover: Prover, now: datetime, *, on_row: Callable[[], None]
) -> Iterator[Break]:
    """Yield every place where the log does not hold; `on_row` is called for each row.

    On PostgreSQL, give it a connection that sees one state of the database all the time.
    """
    repository.lift_time_limit(connection)
    for one in repository.all_checkpoints(connection):
        yield from prover.checkpoint(one)
    for row in repository.all_rows(connection):
        yield from prover.row(row)
        on_row()
    yield from prover.end(now)


def export_lines(connection: Connection, at: datetime) -> Iterator[str]:
    """Yield the lines of an export of the log, without line ends."""
    repository.lift_time_limit(connection)
    checkpoints = repository.all_checkpoints(connection)
    yield from exported(checkpoints, repository.all_rows(connection), at)
