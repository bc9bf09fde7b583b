"""Tokens that wait for a purchase."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class QueuedKind(StrEnum):
    """What an operator may queue for a meter."""

    REFUND = "refund"
    """Units that the customer was owed; `value` is tenths of a unit."""
    POWER_LIMIT = "power_limit"
    """The load at which the meter disconnects; `value` is watts."""
    CLEAR_TAMPER = "clear_tamper"
    """The tamper condition; `value` is 0."""
    CLEAR_CREDIT = "clear_credit"
    """A credit register; `value` is its number, or 65535 for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQueuedToken:
    """A token that an operator wants a meter to get."""

    kind: QueuedKind
    value: int
    amount_minor: int = 0
    """What a refund is worth in money, for the receipt; the customer pays nothing."""
    reason: str
    """Why, in the operator's words; at most 80 characters."""
    ordered_by: str
    """Who; at most 40 characters."""
    approved_by: str = ""
    """Who else, by name; empty where nobody had to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedToken(NewQueuedToken):
    """One that waits."""

    key: int
