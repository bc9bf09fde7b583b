"""The rows of the clients."""

from __future__ import annotations

from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey


class ClientRow(SQLModel, table=True):
    """A point of sale or aggregator, and the hash of its password."""

    __tablename__ = "client"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    user_name: str = Field(max_length=64, unique=True)
    password_hash: str = Field(max_length=128, repr=False)
    name: str = Field(max_length=40)
    is_active: bool = True
    is_prepaid: bool = False
    sale_maximum_minor: int | None = Field(default=None, sa_type=RowKey)
    day_maximum_minor: int | None = Field(default=None, sa_type=RowKey)
    slip_columns: int
    names_terminals: bool = False
    """Whether it sells from registered terminals only."""


class TerminalRow(SQLModel, table=True):
    """A terminal that a client has named; it then sells from no other."""

    __tablename__ = "terminal"

    client_key: int = Field(foreign_key="client.key", primary_key=True, sa_type=RowKey)
    terminal_id: str = Field(primary_key=True, max_length=8)


CLIENT: Final = SQLModel.metadata.tables["client"]
TERMINAL: Final = SQLModel.metadata.tables["terminal"]
