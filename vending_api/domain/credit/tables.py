"""The rows of the credit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime
from vending_api.kit.idempotency import MAX_MESSAGE_ID_LENGTH


class CreditRow(SQLModel, table=True):
    """What is left of a client's deposits; the one row that all its sales share."""

    __tablename__ = "credit"

    client_key: int = Field(foreign_key="client.key", primary_key=True, sa_type=RowKey)
    balance_minor: int = Field(sa_type=RowKey)


class CreditEntryRow(SQLModel, table=True):
    """One change of a client's credit; the entries of a client add up to its balance.

    The constraint makes a deposit, a sale or a reversal count once.
    """

    __tablename__ = "credit_entry"
    __table_args__ = (
        UniqueConstraint("client_key", "kind", "reference", name="credit_changes_once"),
    )

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    client_key: int = Field(foreign_key="client.key", sa_type=RowKey)
    kind: str = Field(max_length=16)
    amount_minor: int = Field(sa_type=RowKey)
    balance_minor: int = Field(sa_type=RowKey)
    reference: str = Field(max_length=MAX_MESSAGE_ID_LENGTH)
    note: str = Field(max_length=80)
    at: datetime = Field(sa_type=UtcDateTime)


class SpendingRow(SQLModel, table=True):
    """What was sold by a client, or to a meter, in a day; only where a limit counts it."""

    __tablename__ = "spending"

    scope: str = Field(primary_key=True, max_length=8)
    scope_key: int = Field(primary_key=True, sa_type=RowKey)
    day: date = Field(primary_key=True)
    amount_minor: int = Field(sa_type=RowKey)


CREDIT: Final = SQLModel.metadata.tables["credit"]
CREDIT_ENTRY: Final = SQLModel.metadata.tables["credit_entry"]
SPENDING: Final = SQLModel.metadata.tables["spending"]
