"""The rows of the orders."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime


class OrderRow(SQLModel, table=True):
    """An order, the payment for it as it was verified last, and its next step.

    Its sale is the one whose purchase id is the reference; nothing of a sale stands here.
    """

    __tablename__ = "payment_order"
    __table_args__ = (
        Index("ix_payment_order_consumer_key", "consumer_key"),
        Index("ix_payment_order_meter_key", "meter_key"),
        Index("ix_payment_order_state", "state"),
        Index("ix_payment_order_ordered_at", "ordered_at"),
        # Open cases are few among all orders, and are counted whenever metrics are read.
        Index(
            "ix_payment_order_open",
            "key",
            sqlite_where=text("is_open = 1"),
            postgresql_where=text("is_open"),
        ),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    reference: str = Field(max_length=16, unique=True)
    consumer_key: int = Field(foreign_key="consumer.key", sa_type=RowKey)
    estate_key: int = Field(foreign_key="estate.key", sa_type=RowKey)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey)
    """The consumer's meter when it was ordered, whatever meter the consumer has later."""
    account_code: str = Field(max_length=64)
    """With the next two: what the estate had when it was ordered."""
    amount_minor: int = Field(sa_type=RowKey)
    charge_minor: int = Field(sa_type=RowKey)
    currency: str = Field(max_length=3)
    phone: str = Field(max_length=20, repr=False)
    state: str = Field(max_length=16)
    problem: str = Field(max_length=40)
    authorization_url: str = Field(max_length=255)
    access_code: str = Field(max_length=64, repr=False)
    payment: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    """What Paystack said of it last, without customer and card."""
    paid_minor: int | None = Field(default=None, sa_type=RowKey)
    """What was charged, once it is verified as paid."""
    paid_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ordered_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int
    next_step_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    """When its state asks for something to be done; None if it asks for nothing."""
    dispute: str = Field(max_length=40)
    first_shown_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the token first left the service: the proof of delivery."""
    first_shown_through: str = Field(max_length=8)
    is_open: bool
    """Whether it is a case that somebody must settle."""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closing_note: str = Field(max_length=200)


class RefundRow(SQLModel, table=True):
    """Money that goes back for an order; several parts may, up to what was paid."""

    __tablename__ = "refund"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    order_key: int = Field(foreign_key="payment_order.key", sa_type=RowKey, index=True)
    amount_minor: int = Field(sa_type=RowKey)
    state: str = Field(max_length=16)
    refund_id: str | None = Field(default=None, max_length=40)
    refund_reference: str | None = Field(default=None, max_length=64)
    reason: str = Field(max_length=40)
    """A PaymentProblem, or why Paystack refused it; ELSEWHERE if it was not us who asked."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


PAYMENT_ORDER: Final = SQLModel.metadata.tables["payment_order"]
REFUND: Final = SQLModel.metadata.tables["refund"]
