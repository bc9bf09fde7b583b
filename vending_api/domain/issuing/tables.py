"""The record of every token made."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class TokenRow(SQLModel, table=True):
    """A token, the key data it was made under, and what was charged for it.

    The constraint makes a second token of the same identifier impossible, whatever
    the code above it does: two such tokens would be one to the meter.
    """

    __tablename__ = "token"
    __table_args__ = (
        UniqueConstraint(
            "meter_key", "base_date", "token_identifier", name="token_identifier_is_used_once"
        ),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    sale_key: int = Field(foreign_key="sale.key", sa_type=RowKey, index=True)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey)
    kind: str = Field(max_length=16)
    digits: str = Field(max_length=64, repr=False)
    """As `digits.py` says: encrypted, where there is a data key."""
    units_tenths: int
    base_date: int
    token_identifier: int | None = None
    """NULL for the sections of a key change, which have none."""
    supply_group_code: str = Field(max_length=6)
    key_revision_number: int
    tariff_index: str = Field(max_length=2)
    encryption_algorithm: str = Field(max_length=2)
    net_minor: int = Field(sa_type=RowKey)
    tax_minor: int = Field(sa_type=RowKey)
    tax_name: str = Field(max_length=10)
    tax_rate_percent: str = Field(max_length=16)
    setting: int | None = None
    receipt_number: str | None = Field(default=None, max_length=30)
    made_at: datetime = Field(sa_type=UtcDateTime)


TOKEN: Final = SQLModel.metadata.tables["token"]
