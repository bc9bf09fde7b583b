"""The rows of the payment events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime


class PaymentEventRow(SQLModel, table=True):
    """A webhook that Paystack delivered; the digest of its body makes it count once."""

    __tablename__ = "payment_event"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    digest: str = Field(max_length=64, unique=True)
    event: str = Field(max_length=64)
    reference: str | None = Field(default=None, max_length=100, index=True)
    facts: dict[str, Any] = Field(sa_type=JsonDocument)
    state: str = Field(max_length=16, index=True)
    problem: str = Field(max_length=40)
    note: str = Field(max_length=200)
    """What whoever looked at it found."""
    received_at: datetime = Field(sa_type=UtcDateTime)


PAYMENT_EVENT: Final = SQLModel.metadata.tables["payment_event"]
