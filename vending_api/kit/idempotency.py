"""Claims: an id is taken in the database before anything is done under it.

The primary key decides who is first, between threads, processes and machines.
A claim stays for ever, so an id is never used twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import bindparam, select
from sqlmodel import Field, SQLModel

from vending_api.kit.db import UtcDateTime, insert_or_ignore
from vending_api.kit.errors import MessageIdUsed
from vending_api.kit.group import group_of
from vending_api.kit.statements import Statement, StatementForMany

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

MAX_MESSAGE_ID_LENGTH: Final = 255


class MessageRow(SQLModel, table=True):
    """An id that a message used, and what it was used for."""

    __tablename__ = "message"

    kind: str = Field(primary_key=True, max_length=32)
    message_id: str = Field(primary_key=True, max_length=MAX_MESSAGE_ID_LENGTH)
    subject: str = Field(max_length=MAX_MESSAGE_ID_LENGTH)
    claimed_at: datetime = Field(sa_type=UtcDateTime)


_MESSAGE: Final = SQLModel.metadata.tables["message"]
_SUBJECT: Final = Statement(
    select(_MESSAGE.c.subject).where(
        _MESSAGE.c.kind == bindparam("of_kind"),
        _MESSAGE.c.message_id == bindparam("of_message_id"),
    ),
    is_apart=True,
)
_TAKE: Final = Statement(
    lambda dialect_name: insert_or_ignore(dialect_name, _MESSAGE).returning(_MESSAGE.c.subject),
    is_apart=True,
)
_TAKE_MANY: Final = StatementForMany(
    lambda dialect_name, rows: (
        insert_or_ignore(dialect_name, _MESSAGE).values(rows).returning(_MESSAGE.c.message_id)
    ),
)


class Claim(NamedTuple):
    """Who holds an id."""

    subject: str
    """What the first message used the id for."""
    is_new: bool
    """Whether this very call took it."""


def claim_new(connection: Connection, *, kind: str, message_id: str, at: datetime) -> None:
    """Take an id that nobody took before; raises MessageIdUsed."""
    taken = claim(connection, kind=kind, message_id=message_id, subject=message_id, at=at)
    if not taken.is_new:
        raise MessageIdUsed(message_id)


def find_claim(connection: Connection, *, kind: str, message_id: str) -> str | None:
    """Return what an id was taken for, or None; it is not taken by this."""
    values = {"of_kind": kind, "of_message_id": message_id}
    row = _SUBJECT.row(connection, values)
    return None if row is None else str(row.subject)


def claim_ahead(connection: Connection, *, kind: str, message_ids: Mapping[str, datetime]) -> None:
    """Take ids, each for itself, for commands of a group, which `claim` them when they come.

    Ids that somebody took before are left to whoever comes with them.
    """
    group = group_of(connection)
    if group is None:
        return
    # In one order in all processes, so that two who take the same ids do not wait in a ring.
    wanted = [
        {"kind": kind, "message_id": one, "subject": one, "claimed_at": at}
        for one, at in sorted(message_ids.items())
    ]
    for row in _TAKE_MANY.rows(connection, wanted):
        group.foreseen[kind, row.message_id] = row.message_id


def claim(
    connection: Connection, *, kind: str, message_id: str, subject: str, at: datetime
) -> Claim:
    """Take `message_id` for `subject`, or return whoever took it first.

    Ids are unique within a `kind` of message. A claim that another transaction
    is making is waited for.
    """
    group = group_of(connection)
    if group is not None and group.foreseen.get((kind, message_id)) == subject:
        del group.foreseen[kind, message_id]
        group.changes += 1
        return Claim(subject, is_new=True)
    wanted = {"kind": kind, "message_id": message_id, "subject": subject, "claimed_at": at}
    if _TAKE.row(connection, wanted) is not None:
        return Claim(subject, is_new=True)
    first = _SUBJECT.row(connection, {"of_kind": kind, "of_message_id": message_id})
    return Claim(first.subject, is_new=False)
