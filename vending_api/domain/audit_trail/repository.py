"""The SQL of the audit trail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, text

from vending_api.domain.audit_trail.tables import AUDIT_TRAIL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

_ONE_WRITER: Final = 0x41554449545452  # "AUDITTR": a number that nothing else locks
_ROWS_AT_ONCE: Final = 1_000


def lock_end(connection: Connection) -> tuple[int, str] | None:
    """Return number and digest of the newest row, after which nobody else writes meanwhile."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ONE_WRITER})
    newest = select(AUDIT_TRAIL.c.sequence, AUDIT_TRAIL.c.digest)
    row = connection.execute(newest.order_by(AUDIT_TRAIL.c.sequence.desc()).limit(1)).first()
    return None if row is None else (row.sequence, row.digest)


def add_row(connection: Connection, row: dict[str, Any]) -> None:
    """Store a row."""
    connection.execute(insert(AUDIT_TRAIL), row)


def all_rows(connection: Connection, since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows by number, some at a time; all, or those since a moment."""
    rows = select(AUDIT_TRAIL).order_by(AUDIT_TRAIL.c.sequence)
    if since is not None:
        rows = rows.where(AUDIT_TRAIL.c.at >= since)
    options = {"yield_per": _ROWS_AT_ONCE}
    for row in connection.execute(rows, execution_options=options).mappings():
        yield dict(row)
