"""The rows of the readings."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class ReadingTaskRow(SQLModel, table=True):
    """The newest task to read one item of a consumer's meter, and the newest value of it.

    A row is used again for the next request, so there are never more than items.
    """

    __tablename__ = "reading_task"
    __table_args__ = (UniqueConstraint("consumer_key", "item_id", name="one_task_an_item"),)

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    consumer_key: int = Field(foreign_key="consumer.key", sa_type=RowKey)
    item_id: int
    task_no: str = Field(max_length=36, unique=True)
    state: str = Field(max_length=16)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    value: str | None = Field(default=None, max_length=64)
    read_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int
    next_step_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    """When it is to be carried out; None once it is ended."""


READING_TASK: Final = SQLModel.metadata.tables["reading_task"]
