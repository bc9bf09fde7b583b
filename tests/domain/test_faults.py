"""A fault is reported once under an id, and the customer gets something to quote."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from tests.support.service import DEMO_CLIENT, NOON, writing
from vending_api.domain.faults import service
from vending_api.domain.faults.tables import FAULT_REPORT
from vending_api.domain.faults.types import FaultReport, ReportFault
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.kit.errors import MessageIdUsed, Refusal

if TYPE_CHECKING:
    from sqlalchemy import Engine

COMMAND = ReportFault(
    report_id="c8b5b6f2-0d1e-4d0a-9b3e-1f2a3b4c5d6e",
    external_meter_id="TST003",
    contact_number="+27821234567",
    fault_type="MeterDead",
    fault_description="No display since the storm",
    reported_at="2026-01-02T03:04:05.678Z",
    terminal_id="12345678",
    client=DEMO_CLIENT,
    received_at=NOON,
)


def _report(engine: Engine, command: ReportFault = COMMAND) -> FaultReport | Refusal:
    with writing(engine) as connection, connection.begin():
        return service.report_fault(connection, command)


def test_a_report_is_kept_and_answered_with_what_to_quote(engine: Engine) -> None:
    report = _report(engine)
    assert isinstance(report, FaultReport)
    assert report.reference == "2026-01-02T03:04:05.678Z12345678"
    assert 0 < len(report.description) <= 160
    with engine.connect() as connection:
        (row,) = connection.execute(select(FAULT_REPORT)).all()
    assert (row.report_id, row.reference) == (COMMAND.report_id, report.reference)
    assert (row.meter_key, row.client_key, row.terminal_id) == (3, 1, "12345678")
    assert (row.contact_number, row.fault_type) == ("+27821234567", "MeterDead")
    assert row.fault_description == "No display since the storm"
    assert row.received_at == NOON


def test_an_id_reports_once(engine: Engine) -> None:
    _report(engine)
    with pytest.raises(MessageIdUsed):
        _report(engine, replace(COMMAND, external_meter_id="TST001"))
    assert isinstance(_report(engine, replace(COMMAND, report_id="another")), FaultReport)


def test_a_report_of_an_unknown_meter_is_refused_and_uses_its_id(engine: Engine) -> None:
    refusal = _report(engine, replace(COMMAND, external_meter_id="NOBODY"))
    assert isinstance(refusal, Refusal)
    assert isinstance(refusal.reason, UnknownMeter)
    with pytest.raises(MessageIdUsed):
        _report(engine)
    with engine.connect() as connection:
        assert connection.execute(select(FAULT_REPORT)).all() == []


@pytest.mark.parametrize(("decimals", "length"), [(35, 64), (36, 64), (500, 64), (34, 63)])
def test_a_reference_has_at_most_64_characters(engine: Engine, decimals: int, length: int) -> None:
    time = f"2026-01-02T03:04:05.{'6' * decimals}Z"
    report = _report(engine, replace(COMMAND, reported_at=time))
    assert isinstance(report, FaultReport)
    assert len(report.reference) == length
    assert report.reference.endswith("12345678")


def test_who_is_to_be_called_does_not_print() -> None:
    assert "821234567" not in repr(COMMAND)
