"""The SQL of the fault reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert

from vending_api.domain.faults.tables import FAULT_REPORT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.faults.types import ReportFault

_ADD: Final = insert(FAULT_REPORT)


def add_report(
    connection: Connection, command: ReportFault, *, meter_key: int, reference: str
) -> None:
    """Store a report of a fault."""
    values = {
        "report_id": command.report_id,
        "reference": reference,
        "meter_key": meter_key,
        "client_key": command.client.key,
        "terminal_id": command.terminal_id,
        "contact_number": command.contact_number,
        "fault_type": command.fault_type,
        "fault_description": command.fault_description,
        "received_at": command.received_at,
    }
    connection.execute(_ADD, values)
