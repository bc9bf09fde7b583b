"""The rows of the accounts."""

from __future__ import annotations

from datetime import date
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey


class AccountRow(SQLModel, table=True):
    """What a tariff remembers of a meter; a meter without a row has bought nothing yet.

    The lock on the meter's row guards it, and its arrears with it.
    """

    __tablename__ = "account"

    meter_key: int = Field(foreign_key="meter.key", primary_key=True, sa_type=RowKey)
    customer_class: str = Field(max_length=40)
    is_exempt: bool
    gets_free_units: bool
    last_purchase_on: date | None = None
    units_this_month: str = Field(max_length=32)
    """A decimal, exact."""
    paid_this_month_minor: int = Field(sa_type=RowKey)
    free_units_on: date | None = None
    carried_minor: int = Field(sa_type=RowKey)


class ArrearsRow(SQLModel, table=True):
    """A debt or a fixed charge that a meter owes; once it is paid off the row goes."""

    __tablename__ = "arrears"

    meter_key: int = Field(foreign_key="account.meter_key", primary_key=True, sa_type=RowKey)
    kind: str = Field(primary_key=True, max_length=8)
    position: int = Field(primary_key=True)
    """Among those of its kind: the order in which they are paid off, from 0."""
    name: str = Field(max_length=40)
    balance_minor: int = Field(sa_type=RowKey)


ACCOUNT: Final = SQLModel.metadata.tables["account"]
ARREARS: Final = SQLModel.metadata.tables["arrears"]
