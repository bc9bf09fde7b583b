"""The rows of the proposals."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class ProposalRow(SQLModel, table=True):
    """What an operator wants done that another must approve; decided once, never deleted."""

    __tablename__ = "proposal"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    kind: str = Field(max_length=20)
    payload: str = Field(sa_type=Text)
    digest: str = Field(max_length=64)
    """SHA-256 of the payload, in hexadecimal."""
    reason: str = Field(max_length=200)
    proposer_key: int = Field(foreign_key="operator.key", sa_type=RowKey)
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(max_length=12, index=True)
    decider_key: int | None = Field(default=None, foreign_key="operator.key", sa_type=RowKey)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    note: str = Field(max_length=200)


PROPOSAL: Final = SQLModel.metadata.tables["proposal"]
