"""The rows of the estates."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class EstateRow(SQLModel, table=True):
    """A utility whose residents buy online; name, currency and time zone are the utility's."""

    __tablename__ = "estate"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    utility_key: int = Field(foreign_key="utility.key", sa_type=RowKey, unique=True)
    account_code: str = Field(max_length=64)
    """The Paystack subaccount; empty for the main account."""
    transaction_charge_minor: int = Field(sa_type=RowKey)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


ESTATE: Final = SQLModel.metadata.tables["estate"]
