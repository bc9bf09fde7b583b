"""Takes reports of faults, for the utility to work through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.faults import repository
from vending_api.domain.faults.types import FaultReport
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.meters.service import find_meter
from vending_api.kit.errors import Refusal
from vending_api.kit.idempotency import claim_new

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.faults.types import ReportFault

_MESSAGE_KIND: Final = "fault_report"
_DESCRIPTION: Final = "The fault is reported. Please quote the reference when you ask about it."
_LONGEST_REFERENCE: Final = 64


def report_fault(connection: Connection, command: ReportFault) -> FaultReport | Refusal:
    """Record a fault of a meter, once per id; an unknown meter is refused.

    Raises MessageIdUsed.
    """
    claim_new(connection, kind=_MESSAGE_KIND, message_id=command.report_id, at=command.received_at)
    try:
        meter = find_meter(connection, command.external_meter_id)
    except UnknownMeter as reason:
        return Refusal(reason)
    reference = _reference(command)
    repository.add_report(connection, command, meter_key=meter.key, reference=reference)
    return FaultReport(reference=reference, description=_DESCRIPTION)


def _reference(command: ReportFault) -> str:
    """Return when and where the fault was reported, as customers are told to quote it."""
    # A time may have any number of decimals; past the length of a reference they tell nothing.
    time = command.reported_at[: _LONGEST_REFERENCE - len(command.terminal_id)]
    return f"{time}{command.terminal_id}"
