"""The rows of the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class NotificationRow(SQLModel, table=True):
    """Something to tell a customer of an order, or of a sale without one, once on each channel.

    It is written in the transaction that it tells of, and holds no text: a token would stand
    in one more place.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("order_key", "kind", "channel", name="told_once_on_a_channel"),
        UniqueConstraint("sale_key", "kind", "channel", name="told_of_a_sale_once"),
        Index("ix_notification_state", "state"),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    order_key: int | None = Field(default=None, foreign_key="payment_order.key", sa_type=RowKey)
    sale_key: int | None = Field(default=None, foreign_key="sale.key", sa_type=RowKey)
    """Instead of an order: the sale of a campaign."""
    kind: str = Field(max_length=16)
    channel: str = Field(max_length=8)
    recipient: str = Field(max_length=255, repr=False)
    state: str = Field(max_length=16)
    attempts: int
    problem: str = Field(max_length=80)
    """Why the last attempt was in vain; empty if there was none such."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    next_step_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    """When it is to be sent; None once it is sent or given up."""


NOTIFICATION: Final = SQLModel.metadata.tables["notification"]
