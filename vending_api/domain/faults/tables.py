"""The rows of the fault reports."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class FaultReportRow(SQLModel, table=True):
    """A fault that a customer reported at a point of sale."""

    __tablename__ = "fault_report"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    report_id: str = Field(max_length=MAX_MESSAGE_ID_LENGTH, unique=True)
    reference: str = Field(max_length=64)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey, index=True)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    terminal_id: str = Field(max_length=8)
    contact_number: str = Field(max_length=20, repr=False)
    fault_type: str = Field(max_length=32)
    fault_description: str = Field(max_length=160)
    received_at: datetime = Field(sa_type=UtcDateTime)


FAULT_REPORT: Final = SQLModel.metadata.tables["fault_report"]
