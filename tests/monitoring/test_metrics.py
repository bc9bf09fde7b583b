"""What the metrics say, and that nothing a caller sent becomes a label."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sts.base_date import BaseDate
from sts.key_data import KeyExpiryNumber
from sts.security_module import InProcessSecurityModule
from sts.token_identifier import TokenIdentifier
from sts.tokens.codec import TokenCodec
from tests.support.metrics import samples, value
from tests.support.service import NOON
from vending_api.domain.meters.errors import UnknownMeter
from vending_api.domain.watching.types import AlertKind
from vending_api.kit.errors import OutcomeUnknown, Overloaded
from vending_api.monitoring.metrics import Metrics, Read, last_minute
from vending_api.sandbox.example_keys import example_keys

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

    from sts.security_module import VendingKeyFacts

KEYS = InProcessSecurityModule(example_keys(), TokenCodec()).facts()
LEAD = "vending_token_identifier_lead_minutes"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(KEYS, process="12")


def _shown(metrics: Metrics, *, at: datetime = NOON, **credit_minor: int) -> list[Sample]:
    read = Read(at=at, waiting=3, credit_minor=credit_minor)
    return samples(metrics.exposed(read).decode())


def _key(base_date: BaseDate, expiry: int) -> VendingKeyFacts:
    return replace(KEYS[0], base_date=base_date, key_expiry_number=KeyExpiryNumber(expiry))


@pytest.mark.parametrize(
    ("base_date", "expiry", "expected"),
    [
        # 2^16 minutes are 45 days, 12 hours and 16 minutes.
        (BaseDate.YEAR_2014, 0, datetime(2014, 2, 15, 12, 15, tzinfo=UTC)),
        (BaseDate.YEAR_2014, 1, datetime(2014, 4, 2, 0, 31, tzinfo=UTC)),
        (BaseDate.YEAR_1993, 255, datetime(2024, 11, 24, 20, 15, tzinfo=UTC)),
    ],
)
def test_a_key_ends_with_the_last_minute_of_its_expiry_number(
    base_date: BaseDate, expiry: int, expected: datetime
) -> None:
    key = _key(base_date, expiry)
    assert last_minute(key) == expected
    last = TokenIdentifier.at(expected, base_date)
    assert last.high_byte == expiry
    assert (last.minutes + 1) >> 16 == expiry + 1


def test_days_until_a_key_expires_count_down_and_below_nothing() -> None:
    key = _key(BaseDate.YEAR_2014, 0)
    metrics = Metrics([key], process="12")
    labels = {
        "supply_group": str(key.supply_group_code),
        "revision": str(key.key_revision_number),
    }
    for days in (1.5, 0, -2):
        shown = _shown(metrics, at=last_minute(key) - timedelta(days=days))
        assert value(shown, "vending_key_expiry_days", **labels) == days


def test_every_key_of_the_installation_is_watched(metrics: Metrics) -> None:
    shown = [one for one in _shown(metrics) if one.name == "vending_key_expiry_days"]
    assert len(shown) == len(KEYS)


def test_a_sale_is_counted_and_its_repetition_is_told_from_it(metrics: Metrics) -> None:
    metrics.sold(is_repeated=False, lead_minutes=0)
    metrics.sold(is_repeated=True, lead_minutes=0)
    shown = _shown(metrics)
    assert value(shown, "vending_sales_total", outcome="sold") == 1
    assert value(shown, "vending_sales_total", outcome="repeated") == 1


def test_refusals_and_failures_are_counted_by_code(metrics: Metrics) -> None:
    for reason in (UnknownMeter("04000047110"), Overloaded(), OutcomeUnknown(), KeyError("secret")):
        metrics.not_sold(reason)
    shown = [one.labels for one in _shown(metrics) if one.name == "vending_sales_total"]
    found = {(labels["outcome"], labels["code"]) for labels in shown}
    assert found == {
        *(("sold", ""), ("repeated", "")),
        ("refused", "unknown_meter"),
        *(("failed", "overloaded"), ("failed", "outcome_unknown"), ("failed", "unexpected")),
    }
    assert "04000047110" not in str(shown)


def test_the_lead_is_that_of_the_newest_sale(metrics: Metrics) -> None:
    assert value(_shown(metrics), LEAD) is None
    for lead in (0, 2, None):
        metrics.sold(is_repeated=False, lead_minutes=lead)
        metrics.sold(is_repeated=True, lead_minutes=7)
        assert value(_shown(metrics), LEAD) == lead


def test_requests_and_groups_are_counted(metrics: Metrics) -> None:
    for status, seconds in ((201, 0.004), (201, 0.3), (503, 0.001)):
        metrics.answered("createMeterLookup", status, seconds)
    for size in (1, 64):
        metrics.committed(size)
    shown = _shown(metrics)
    lookups = {"operation": "createMeterLookup"}
    assert value(shown, "vending_requests_total", status="201", **lookups) == 2
    assert value(shown, "vending_requests_total", status="503", **lookups) == 1
    assert value(shown, "vending_request_seconds_count", **lookups) == 3
    assert value(shown, "vending_request_seconds_bucket", le="0.005", **lookups) == 2
    assert value(shown, "vending_group_commands_sum") == 65
    assert value(shown, "vending_group_commands_bucket", le="1.0") == 1


def test_what_is_read_is_shown_and_forgotten_with_the_next_reading(metrics: Metrics) -> None:
    shown = _shown(metrics, shop=5, kiosk=-1)
    assert value(shown, "vending_commands_waiting") == 3
    assert value(shown, "vending_client_credit_minor", client="shop") == 5
    assert value(shown, "vending_client_credit_minor", client="kiosk") == -1
    unread = metrics.exposed(Read(at=NOON, waiting=0, credit_minor=None)).decode()
    assert value(samples(unread), "vending_client_credit_minor") is None


def test_alerts_of_today_are_shown_by_kind_and_forgotten_where_they_are_not_read(
    metrics: Metrics,
) -> None:
    alerts = dict.fromkeys(AlertKind, 0) | {AlertKind.UNITS: 2}
    read = Read(at=NOON, waiting=0, credit_minor=None, alerts=alerts)
    shown = samples(metrics.exposed(read).decode())
    assert value(shown, "vending_alerts", kind="units") == 2
    assert value(shown, "vending_alerts", kind="difference") == 0
    assert value(_shown(metrics), "vending_alerts") is None


def test_every_sample_names_its_process(metrics: Metrics) -> None:
    shown = _shown(metrics)
    assert {sample.labels.get("process") for sample in shown} == {"12"}
    assert not [sample.name for sample in shown if sample.name.endswith("_created")]
