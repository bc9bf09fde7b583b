"""What moves a client's credit."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime


class EntryKind(StrEnum):
    """Why a client's credit changed."""

    DEPOSIT = "deposit"
    SALE = "sale"
    REVERSAL = "reversal"


class Scope(StrEnum):
    """Whose day's sales are counted."""

    CLIENT = "client"
    METER = "meter"


class Entry(NamedTuple):
    """One line of a client's statement."""

    kind: EntryKind
    amount_minor: int
    """Above 0 for what was added, below 0 for what was taken."""
    balance_minor: int
    """What was left after it."""
    reference: str
    """The purchase id of a sale or reversal; what the operator named a deposit."""
    note: str
    at: datetime
