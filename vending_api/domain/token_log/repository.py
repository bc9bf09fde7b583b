"""The SQL of the token log."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import bindparam, func, insert, select, text

from vending_api.domain.token_log.tables import TOKEN_LOG, TOKEN_LOG_CHECKPOINT, TOKEN_LOG_HEAD
from vending_api.domain.token_log.types import ChainHead, Checkpoint
from vending_api.kit.db import insert_or_ignore
from vending_api.kit.group import recall, remember
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

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
# Writer by writer in the primary key: a look at each chain's end, however long the chains are.
_NEXT_WRITER: Final = select(func.min(TOKEN_LOG.c.writer)).where(
    TOKEN_LOG.c.writer > bindparam("after")
)
_SEALED: Final = select(func.max(TOKEN_LOG_HEAD.c.sequence)).where(
    TOKEN_LOG_HEAD.c.writer == bindparam("of_writer")
)
_CHECKPOINTS: Final = (
    select(
        TOKEN_LOG_CHECKPOINT,
        TOKEN_LOG_HEAD.c.writer,
        TOKEN_LOG_HEAD.c.sequence,
        TOKEN_LOG_HEAD.c.digest,
    )
    .select_from(TOKEN_LOG_CHECKPOINT)
    .join(
        TOKEN_LOG_HEAD,
        TOKEN_LOG_HEAD.c.checkpoint_number == TOKEN_LOG_CHECKPOINT.c.number,
        isouter=True,
    )
    .order_by(TOKEN_LOG_CHECKPOINT.c.number)
)
_NEWEST_NUMBER: Final = select(func.max(TOKEN_LOG_CHECKPOINT.c.number)).scalar_subquery()


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


def count_rows(connection: Connection) -> int:
    """Return how many rows there are."""
    return int(connection.execute(select(func.count()).select_from(TOKEN_LOG)).scalar_one())


def lift_time_limit(connection: Connection) -> None:
    """Let the statements of this transaction take as long as the whole log needs."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))


def grown_chains(connection: Connection) -> Iterator[ChainHead]:
    """Yield the newest row of every chain that no checkpoint knows."""
    writer = ""
    while (found := connection.execute(_NEXT_WRITER, {"after": writer}).scalar()) is not None:
        writer = found
        head = find_head(connection, writer)
        sealed = connection.execute(_SEALED, {"of_writer": writer}).scalar() or 0
        if head is not None and head.sequence > sealed:
            yield ChainHead(writer, head.sequence, head.digest)


def newest_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the checkpoint of the highest number, or None."""
    newest = _CHECKPOINTS.where(TOKEN_LOG_CHECKPOINT.c.number == _NEWEST_NUMBER)
    return next(_read(connection.execute(newest).all()), None)


def newest_checkpoint_at(connection: Connection) -> datetime | None:
    """Return when the checkpoint of the highest number was made, or None."""
    at: datetime | None = connection.execute(
        select(TOKEN_LOG_CHECKPOINT.c.made_at).where(
            TOKEN_LOG_CHECKPOINT.c.number == _NEWEST_NUMBER
        )
    ).scalar()
    return at


def all_checkpoints(connection: Connection) -> Iterator[Checkpoint]:
    """Yield every checkpoint by its number, some at a time."""
    options = {"yield_per": _ROWS_AT_ONCE}
    yield from _read(connection.execute(_CHECKPOINTS, execution_options=options))


def add_checkpoint(connection: Connection, one: Checkpoint) -> bool:
    """Store a checkpoint unless its number is taken; return whether it was stored."""
    row = {
        "number": one.number,
        "made_at": one.made_at,
        "previous_digest": one.previous_digest,
        "key_id": one.key_id,
        "signature": one.signature,
    }
    new = insert_or_ignore(connection.dialect.name, TOKEN_LOG_CHECKPOINT)
    returned = new.returning(TOKEN_LOG_CHECKPOINT.c.number)
    if connection.execute(returned, row).scalar_one_or_none() is None:
        return False
    heads = [{**head._asdict(), "checkpoint_number": one.number} for head in one.heads]
    connection.execute(insert(TOKEN_LOG_HEAD), heads)
    return True


def _read(rows: Any) -> Iterator[Checkpoint]:
    """Yield the checkpoints of joined rows; heads in the order of code points, as they are signed.

    A database may sort texts by another order.
    """
    for _, joined in groupby(rows, key=itemgetter(0)):
        of_one = list(joined)
        first = of_one[0]
        yield Checkpoint(
            number=first.number,
            made_at=first.made_at,
            previous_digest=first.previous_digest,
            heads=tuple(sorted(ChainHead(*row[-3:]) for row in of_one if row.writer is not None)),
            key_id=first.key_id,
            signature=first.signature,
        )
