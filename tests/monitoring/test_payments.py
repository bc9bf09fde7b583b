"""What waits of online orders, and how calls of Paystack go, is shown to operators."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.metrics import samples, value
from tests.support.service import NOON
from vending_api.domain.payments.types import Backlog, OrderState
from vending_api.monitoring.metrics import Metrics, Read
from vending_api.monitoring.routes import Watched, monitoring_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client.samples import Sample

BACKLOG: Final = Backlog(
    oldest_unvended_at=NOON - timedelta(seconds=90),
    orders={OrderState.ORDERED: 3, OrderState.PAID: 1, OrderState.REFUND_FAILED: 0},
    open_cases=2,
    events_for_review=4,
    notifications_waiting=5,
    notifications_given_up=6,
)


def _shown(metrics: Metrics, backlog: Backlog | None) -> list[Sample]:
    read = Read(at=NOON, waiting=0, credit_minor=None, backlog=backlog)
    return samples(metrics.exposed(read).decode())


def test_what_waits_is_shown_as_it_was_read() -> None:
    shown = _shown(Metrics([], process="1"), BACKLOG)
    assert value(shown, "vending_payments_oldest_unvended_seconds") == 90
    assert value(shown, "vending_orders", state="ordered") == 3
    assert value(shown, "vending_orders", state="paid") == 1
    assert value(shown, "vending_orders", state="refund_failed") == 0
    assert value(shown, "vending_payment_cases_open") == 2
    assert value(shown, "vending_payment_events_for_review") == 4
    assert value(shown, "vending_notifications", state="waiting") == 5
    assert value(shown, "vending_notifications", state="given_up") == 6


@pytest.mark.parametrize("at", [None, NOON, NOON + timedelta(seconds=1)])
def test_where_nothing_waits_it_waits_for_no_time(at: Any) -> None:
    shown = _shown(Metrics([], process="1"), replace(BACKLOG, oldest_unvended_at=at))
    assert value(shown, "vending_payments_oldest_unvended_seconds") == 0


def test_what_was_shown_before_goes_when_the_database_says_nothing() -> None:
    metrics = Metrics([], process="1")
    _shown(metrics, BACKLOG)
    names = {sample.name for sample in _shown(metrics, None)}
    assert (
        not {
            "vending_payments_oldest_unvended_seconds",
            "vending_orders",
            "vending_payment_cases_open",
            "vending_payment_events_for_review",
            "vending_notifications",
        }
        & names
    )
    assert "vending_commands_waiting" in names


def test_calls_and_attempts_to_vend_are_counted() -> None:
    metrics = Metrics([], process="1")
    for outcome in ("answered", "answered", "refused", "unavailable"):
        metrics.payments.called("verify", outcome, 0.2)
    for code in ("", "", "meter_blocked", "unexpected"):
        metrics.vended(code)
    shown = _shown(metrics, None)
    assert value(shown, "vending_gateway_calls_total", call="verify", outcome="answered") == 2
    assert value(shown, "vending_gateway_calls_total", call="verify", outcome="refused") == 1
    assert value(shown, "vending_gateway_seconds_count", call="verify") == 4
    assert value(shown, "vending_sales_total", outcome="sold", code="") == 2
    assert value(shown, "vending_sales_total", outcome="refused", code="meter_blocked") == 1
    assert value(shown, "vending_sales_total", outcome="failed", code="unexpected") == 1


def _scraped(read_backlog: Callable[[], Backlog] | None) -> str:
    watched = Watched(
        check_database=lambda: None,
        read_credit=dict,
        waiting=lambda: 0,
        is_accepting=lambda: True,
        read_backlog=read_backlog,
    )
    routes = monitoring_routes(watched, Metrics([], process="1"), now=lambda: NOON)
    (route,) = (route for route in routes if route.path == "/metrics")
    text: str = asyncio.run(route.endpoint(None)).body.decode()
    return text


def _raising() -> Backlog:
    raise OSError("password=hunter2")


def test_a_scrape_reads_what_waits_where_it_can() -> None:
    assert "vending_payment_cases_open{" in _scraped(lambda: BACKLOG)
    for read_backlog in (None, _raising):
        text = _scraped(read_backlog)
        assert "vending_payment_cases_open{" not in text
        assert "vending_commands_waiting{" in text
