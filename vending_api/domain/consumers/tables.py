"""The rows of the consumers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.kit.db import RowKey, UtcDateTime


class ConsumerRow(SQLModel, table=True):
    """A resident who has registered, with one meter that nobody else has registered."""

    __tablename__ = "consumer"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    name: str = Field(max_length=255, repr=False)
    email: str = Field(max_length=255, repr=False)
    email_key: str = Field(max_length=255, unique=True, repr=False)
    """The e-mail address in lower case: two that differ in case alone are one."""
    password_hash: str = Field(max_length=128, repr=False)
    estate_key: int = Field(foreign_key="estate.key", sa_type=RowKey)
    meter_key: int = Field(foreign_key="meter.key", sa_type=RowKey, unique=True)
    meter_type_id: int
    meter_phase_type_id: int
    flat_number: str = Field(max_length=255, repr=False)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class ApiKeyRow(SQLModel, table=True):
    """An API key of a consumer, or of somebody of the staff; revoked ones are deleted."""

    __tablename__ = "api_key"

    digest: str = Field(primary_key=True, max_length=64, repr=False)
    """SHA-256 of the key, in hexadecimal."""
    consumer_key: int | None = Field(
        default=None, foreign_key="consumer.key", sa_type=RowKey, index=True
    )
    staff_name: str | None = Field(default=None, max_length=40, unique=True)
    """Instead of a consumer: who of the staff holds it."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LoginAttemptRow(SQLModel, table=True):
    """How often somebody has tried a password within a window of time."""

    __tablename__ = "login_attempt"

    subject: str = Field(primary_key=True, max_length=64)
    """SHA-256, in hexadecimal, of e-mail and network address, or of the latter alone."""
    window_began_at: datetime = Field(sa_type=UtcDateTime)
    attempts: int


CONSUMER: Final = SQLModel.metadata.tables["consumer"]
API_KEY: Final = SQLModel.metadata.tables["api_key"]
LOGIN_ATTEMPT: Final = SQLModel.metadata.tables["login_attempt"]
