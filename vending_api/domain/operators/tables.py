"""The rows of the operators."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlmodel import Field, SQLModel

from vending_api.domain.operators.types import LONGEST_NAME
from vending_api.kit.db import RowKey, UtcDateTime


class OperatorRow(SQLModel, table=True):
    """Somebody who gives commands; never deleted, as records name them."""

    __tablename__ = "operator"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    name: str = Field(max_length=LONGEST_NAME, unique=True)
    roles: str = Field(max_length=80)
    """In the order of the alphabet, a space between."""
    password_hash: str = Field(max_length=128, repr=False)
    totp_sealed: str = Field(max_length=160, repr=False)
    """The secret of the second factor, under the password (`kit/second_factor.py`)."""
    totp_step: int = Field(sa_type=RowKey)
    """The time step of the last code that was taken; no code is taken twice."""
    must_change_password: bool
    added_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OperatorPassRow(SQLModel, table=True):
    """A session or API key of an operator; revoked ones stay, as the audit trail names them."""

    __tablename__ = "operator_pass"

    key: int | None = Field(default=None, primary_key=True, sa_type=RowKey)
    digest: str = Field(max_length=64, unique=True, repr=False)
    """SHA-256 of its secret, in hexadecimal."""
    kind: str = Field(max_length=8)
    operator_key: int = Field(foreign_key="operator.key", sa_type=RowKey, index=True)
    label: str = Field(max_length=40)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OperatorAttemptRow(SQLModel, table=True):
    """The wrong logins under a name, known or not, since the last right one."""

    __tablename__ = "operator_attempt"

    subject: str = Field(primary_key=True, max_length=64)
    """SHA-256 of the name, in hexadecimal."""
    attempts: int
    last_at: datetime = Field(sa_type=UtcDateTime)
    free_at: datetime = Field(sa_type=UtcDateTime)
    """From when on another one is looked at."""


OPERATOR: Final = SQLModel.metadata.tables["operator"]
OPERATOR_PASS: Final = SQLModel.metadata.tables["operator_pass"]
OPERATOR_ATTEMPT: Final = SQLModel.metadata.tables["operator_attempt"]
