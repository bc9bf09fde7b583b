"""The rows of the token queue."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class QueuedTokenRow(SQLModel, table=True):
    """A token that an operator ordered: waiting, withdrawn, or delivered with a sale."""

    __tablename__ = "queued_token"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey, index=True)
    kind: str = Field(max_length=16)
    value: int
    amount_minor: int = Field(sa_type=RowKey)
    reason: str = Field(max_length=80)
    ordered_by: str = Field(max_length=40)
    approved_by: str = Field(default="", max_length=24)
    """The other operator, whose approval let it be ordered; empty where nobody had to."""
    ordered_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sale_key: int | None = Field(default=None, sa_type=RowKey)
    """The sale that delivered it."""


QUEUED_TOKEN: Final = SQLModel.metadata.tables["queued_token"]
