"""The rows of the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class AuditTrailRow(SQLModel, table=True):
    """An administrative action, never changed; `digest` covers the row and the one before."""

    __tablename__ = "audit_trail"

    sequence: int = Field(
        primary_key=True, sa_type=RowKey, sa_column_kwargs={"autoincrement": False}
    )
    """1 for the first, without gaps."""
    at: datetime = Field(sa_type=UtcDateTime)
    who: str = Field(max_length=40)
    known_by: str = Field(max_length=32)
    command: str = Field(max_length=40)
    subject: str = Field(sa_type=Text)
    outcome: str = Field(max_length=200)
    previous_digest: str = Field(max_length=64)
    digest: str = Field(max_length=64)


AUDIT_TRAIL: Final = SQLModel.metadata.tables["audit_trail"]
