"""The SQL of the token log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, insert, select

from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.kit.group import recall, remember
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

_HEAD: Final = Statement(
    select(TOKEN_LOG.c.sequence, TOKEN_LOG.c.digest)
    .where(TOKEN_LOG.c.writer == bindparam("of_writer"))
    .order_by(TOKEN_LOG.c.sequence.desc())
    .limit(1),
    is_apart=True,
)
_APPEND: Final = Statement(insert(TOKEN_LOG))
_ROWS: Final = select(TOKEN_LOG).order_by(TOKEN_LOG.c.writer, TOKEN_LOG.c.sequence)
_ROWS_AT_ONCE: Final = 1_000


class Head(NamedTuple):
    """The newest row of a writer."""

    sequence: int
    digest: str


def find_head(connection: Connection, writer: str) -> Head | None:
    """Return the newest row of a writer, or None if it has written none."""
    known: Head | None = recall(connection, (_HEAD, writer))
    if known is not None:
        return known
    row = _HEAD.row(connection, {"of_writer": writer})
    return None if row is None else Head(*row)


def add_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store rows of the log, all of one writer and in their order."""
    _APPEND.run_later(connection, rows)
    newest = rows[-1]
    head = Head(newest["sequence"], newest["digest"])
    remember(connection, (_HEAD, newest["writer"]), head)


def all_rows(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield every row by writer and sequence, some at a time."""
    options = {"yield_per": _ROWS_AT_ONCE}
    for row in connection.execute(_ROWS, execution_options=options).mappings():
        yield dict(row)
