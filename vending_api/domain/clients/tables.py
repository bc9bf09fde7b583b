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


CLIENT: Final = SQLModel.metadata.tables["client"]
