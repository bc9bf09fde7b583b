"""The rows of the alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class AlertRow(SQLModel, table=True):
    """An alert of a day, as it was first noticed; never changed.

    The key lets one of several workers tell of it, once. Nothing personal stands here.
    """

    __tablename__ = "alert"

    until: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    """The end of its day. It comes first in the key, so those of today are found by it."""
    kind: str = Field(primary_key=True, max_length=16)
    trace: str = Field(primary_key=True, max_length=120)
    count: int = Field(sa_type=RowKey)
    noticed_at: datetime = Field(sa_type=UtcDateTime)


ALERT: Final = SQLModel.metadata.tables["alert"]
