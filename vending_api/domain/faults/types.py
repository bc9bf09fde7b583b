"""What is reported of a meter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from vending_api.domain.clients.types import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFault:
    """Report a fault of a meter, under an id that is used once."""

    report_id: str
    external_meter_id: str
    contact_number: str = field(repr=False)
    fault_type: str
    """A word of the interface: "MeterDead"."""
    fault_description: str
    reported_at: str
    """When the point of sale recorded it, in its own words (RFC 3339)."""
    terminal_id: str
    client: Client
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReport:
    """A report that is committed."""

    reference: str
    """What the customer may ask about it with: time and terminal."""
    description: str
    """What happens now, in at most 160 characters."""
