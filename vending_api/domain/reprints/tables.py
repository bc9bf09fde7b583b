"""The rows of the reprints."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class ReprintRow(SQLModel, table=True):
    """Once that the tokens of a sale were handed out again."""

    __tablename__ = "reprint"
    __table_args__ = (Index("ix_reprint_meter_key_day", "meter_key", "day"),)

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    reprint_id: str = Field(max_length=MAX_MESSAGE_ID_LENGTH, unique=True)
    sale_key: int = Field(foreign_key="sale.key", sa_type=RowKey, index=True)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    terminal_id: str = Field(max_length=8)
    day: date
    """In the utility's time zone."""
    received_at: datetime = Field(sa_type=UtcDateTime)


REPRINT: Final = SQLModel.metadata.tables["reprint"]
