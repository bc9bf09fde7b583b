"""The rows of the advices."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class AdviceRow(SQLModel, table=True):
    """An advice and what came of it; the reversal of a sold sale is a case until it is closed."""

    __tablename__ = "advice"

    kind: str = Field(primary_key=True, max_length=32)
    advice_id: str = Field(primary_key=True, max_length=MAX_MESSAGE_ID_LENGTH)
    request_id: str = Field(max_length=MAX_MESSAGE_ID_LENGTH, index=True)
    sale_key: int | None = Field(default=None, foreign_key="sale.key", sa_type=RowKey, index=True)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    outcome: str = Field(max_length=16)
    reason: str = Field(max_length=32)
    approved_minor: int | None = Field(default=None, sa_type=RowKey)
    tenders: list[dict[str, Any]] | None = Field(default=None, sa_type=JsonDocument)
    received_at: datetime = Field(sa_type=UtcDateTime)
    is_open: bool
    """Whether it is a case that somebody must settle."""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closing_note: str = Field(max_length=200)


ADVICE: Final = SQLModel.metadata.tables["advice"]
