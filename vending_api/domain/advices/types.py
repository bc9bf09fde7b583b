"""What a point of sale says became of a sale."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vending_api.domain.clients.types import Client


class AdviceKind(StrEnum):
    """What an advice says; ids are unique within each kind."""

    CONFIRMATION = "confirmation"
    """The tokens were handed over and paid."""
    REVERSAL = "reversal"
    """The sale was not completed."""
    KEY_CHANGE_CONFIRMATION = "key_change_confirmation"
    """The key change tokens were handed over."""


class Outcome(StrEnum):
    """What became of an advice."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    """The sale's state, or its sum, does not allow it."""
    UNKNOWN = "unknown"
    """No sale of that id was known when it came; it may be sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advise:
    """Say what became of a sale."""

    kind: AdviceKind
    advice_id: str
    request_id: str
    """The id of the purchase, of a retry of it, or of the key change request."""
    approved_minor: int | None = None
    """The final sum, if the advice names one."""
    currency: str | None = None
    """ISO 4217 number of `approved_minor`."""
    reason: str = ""
    """Of a reversal: TIMEOUT, CANCELLED or RESPONSE_NOT_FINAL."""
    tenders: Sequence[dict[str, Any]] = field(default=(), repr=False)
    """How it was paid, as it is kept: card numbers masked."""
    client: Client
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalCase:
    """A reversal that somebody must settle outside this service."""

    purchase_id: str
    external_meter_id: str
    client_name: str
    amount_minor: int
    currency: str
    reason: str
    was_credited: bool
    """Whether the client got the money back; then the token may still be redeemed."""
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSale:
    """Tell that a sale was made elsewhere known; it changes nothing."""

    purchase_id: str
    message_id: str
    client: Client
    received_at: datetime
