"""What is asked of a reprint, and what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from sts.id_record import IdRecord
    from vending_api.domain.clients.types import Client
    from vending_api.domain.sales.types import Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class ReprintTokens:
    """Ask for tokens of a meter again, under an id that is used once."""

    reprint_id: str
    external_meter_id: str
    """Empty if the card alone says which."""
    card: IdRecord | None = None
    original_reference: str | None
    """A receipt number, or the id of a purchase or key change; None is the last sale."""
    terminal_id: str
    client: Client
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprint:
    """Tokens handed out again."""

    sale: Sale
    copy_number: int
    """1 for the first copy of the sale."""
