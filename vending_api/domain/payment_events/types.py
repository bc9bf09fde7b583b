"""What Paystack tells by webhook."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class EventState(StrEnum):
    """What came of an event."""

    DONE = "done"
    """It was acted on, or changed nothing."""
    IGNORED = "ignored"
    """Of a kind that is no matter of ours: payouts, subscriptions, invoices."""
    REVIEW = "review"
    """Somebody must look: its reference or its kind is unknown, or it makes no sense."""
    CLOSED = "closed"
    """Somebody has looked."""


class EventProblem(StrEnum):
    """Why an event is put aside."""

    UNKNOWN_REFERENCE = "unknown_reference"
    UNKNOWN_EVENT = "unknown_event"
    NO_REFERENCE = "no_reference"
    AMOUNT_TOO_SMALL = "amount_too_small"
    """Under 100 of the smallest unit, nothing, or less."""
    MALFORMED = "malformed"
    """Signed, but not of the form that Paystack describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook whose signature was right, reduced to what may be kept.

    Its texts are such as a database takes: whoever parsed the body saw to that.
    """

    digest: str
    """SHA-256 of the body's octets, in hexadecimal: the same body again is the same event."""
    event: str
    """As `charge.success`; empty if the body has none."""
    reference: str | None
    """Of the transaction, wherever the event has it."""
    facts: Mapping[str, Any]
    """Chosen fields of `data`, whole numbers for sums; nothing of customer or card."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """An event as it is kept."""

    key: int
    event: str
    reference: str | None
    facts: Mapping[str, Any]
    state: EventState
    problem: str
    received_at: datetime
