"""The rows of the token log."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class TokenLogRow(SQLModel, table=True):
    """A token that was made; written with it, never changed.

    `digest` covers the row and the digest of its writer's row before: whoever changes or
    removes a row must change all that follow it.
    """

    __tablename__ = "token_log"

    writer: str = Field(primary_key=True, max_length=48)
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


TOKEN_LOG: Final = SQLModel.metadata.tables["token_log"]
