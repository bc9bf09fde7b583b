"""The rows of the sales."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class SaleRow(SQLModel, table=True):
    """A request to sell, or to change a key, and what came of it.

    The bill is a document in the sale's own row. It is written once, with the sale, and
    always read whole, so a sale needs no second statement for it, and five million sales
    no twenty million rows of lines. Auditors look into it with SQL; the README shows how.
    """

    __tablename__ = "sale"
    __table_args__ = (
        UniqueConstraint("kind", "purchase_id", name="purchase_id_is_used_once"),
        Index("ix_sale_series_key_first_receipt", "series_key", "first_receipt"),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    kind: str = Field(max_length=16)
    purchase_id: str = Field(max_length=MAX_MESSAGE_ID_LENGTH)
    state: str = Field(max_length=16)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    terminal_id: str = Field(max_length=8)
    external_meter_id: str = Field(max_length=20, index=True)
    amount_minor: int = Field(sa_type=RowKey)
    currency: str = Field(max_length=3)
    refusal_code: str | None = Field(default=None, max_length=32)
    received_at: datetime = Field(sa_type=UtcDateTime)
    bill: list[dict[str, Any]] | None = Field(default=None, sa_type=JsonDocument)
    key_data: dict[str, Any] | None = Field(default=None, sa_type=JsonDocument)
    """What the meter held before the sale, and what it was changed to."""
    series_key: int | None = Field(default=None, sa_type=RowKey)
    first_receipt: int | None = Field(default=None, sa_type=RowKey)
    last_receipt: int | None = Field(default=None, sa_type=RowKey)
    invoice_number: str | None = Field(default=None, max_length=40)


SALE: Final = SQLModel.metadata.tables["sale"]
