"""The rows of the token log and of its checkpoints."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH

_MAX_WRITER_LENGTH: Final = 48


class TokenLogRow(SQLModel, table=True):
    """A token that was made; written with it, never changed.

    `digest` covers the row and the digest of its writer's row before: whoever changes or
    removes a row must change all that follow it, and cannot where a checkpoint has signed one.
    """

    __tablename__ = "token_log"

    writer: str = Field(primary_key=True, max_length=_MAX_WRITER_LENGTH)
    """The thread of a process that wrote it; each has a chain of its own."""
    sequence: int = Field(primary_key=True, sa_type=RowKey)
    """1 for a writer's first row, without gaps."""
    previous_digest: str = Field(max_length=64)
    """64 hex digits; zeros before the first."""
    digest: str = Field(max_length=64)
    reference: str = Field(max_length=MAX_MESSAGE_ID_LENGTH)
    meter_key: int = Field(sa_type=RowKey)
    kind: str = Field(max_length=16)
    base_date: int
    token_identifier: int | None = None
    token_digest: str = Field(max_length=64)
    """SHA-256 of the digits: it proves a token without telling it."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    warrant: str | None = Field(default=None, max_length=200)
    """Who ordered it, and for which money or approval; NULL in rows from before there were any."""


class TokenLogCheckpointRow(SQLModel, table=True):
    """The ends of all chains at a moment, signed; never changed."""

    __tablename__ = "token_log_checkpoint"

    number: int = Field(primary_key=True, sa_type=RowKey, sa_column_kwargs={"autoincrement": False})
    """1 for the first, without gaps; who stores a number first has made that checkpoint."""
    made_at: datetime = Field(sa_type=UtcDateTime)
    previous_digest: str = Field(max_length=64)
    key_id: str = Field(max_length=16)
    signature: str = Field(max_length=128)


class TokenLogHeadRow(SQLModel, table=True):
    """The newest row of a chain that had grown when a checkpoint was made."""

    __tablename__ = "token_log_head"

    writer: str = Field(primary_key=True, max_length=_MAX_WRITER_LENGTH)
    sequence: int = Field(primary_key=True, sa_type=RowKey)
    digest: str = Field(max_length=64)
    checkpoint_number: int = Field(
        foreign_key="token_log_checkpoint.number", sa_type=RowKey, index=True
    )


TOKEN_LOG: Final = SQLModel.metadata.tables["token_log"]
TOKEN_LOG_CHECKPOINT: Final = SQLModel.metadata.tables["token_log_checkpoint"]
TOKEN_LOG_HEAD: Final = SQLModel.metadata.tables["token_log_head"]
