"""The rows of the sales."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import JsonDocument, RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class SaleRow(SQLModel, table=True):
    """A request to sell and what came of it: sold, or refused for a reason.

    The bill is a document in the sale's own row. It is written once, with the sale, and
    always read whole, so a sale needs no second statement for it, and five million sales
    no twenty million rows of lines. Auditors look into it with SQL; the README shows how.
    """

    __tablename__ = "sale"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    purchase_id: str = Field(max_length=MAX_MESSAGE_ID_LENGTH, unique=True)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    terminal_id: str = Field(max_length=8)
    external_meter_id: str = Field(max_length=20, index=True)
    amount_minor: int = Field(sa_type=RowKey)
    currency: str = Field(max_length=3)
    refusal_code: str | None = Field(default=None, max_length=32)
    received_at: datetime = Field(sa_type=UtcDateTime)
    bill: list[dict[str, Any]] | None = Field(default=None, sa_type=JsonDocument)


SALE: Final = SQLModel.metadata.tables["sale"]
