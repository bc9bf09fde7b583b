"""The metrics of online payments: what waits, and how the calls of Paystack go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from vending_api.kit.metrics import BUCKETS_SECONDS, Readings

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client import CollectorRegistry

    from vending_api.domain.payments.types import Backlog


class PaymentMetrics:
    """What is counted of calls, and what is read of orders when somebody looks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._oldest = Readings(
            registry,
            "vending_payments_oldest_unvended_seconds",
            "For how long the oldest order that is paid and not vended has been paid.",
        )
        self._orders = Readings(
            registry,
            "vending_orders",
            "Online orders in each state that asks for something.",
            ("state",),
        )
        self._cases = Readings(
            registry, "vending_payment_cases_open", "Online orders that somebody must see to."
        )
        self._events = Readings(
            registry,
            "vending_payment_events_for_review",
            "Events of Paystack that were put aside for somebody to look at.",
        )
        self._notifications = Readings(
            registry,
            "vending_notifications",
            "Messages to customers that wait to be sent, or were given up.",
            ("state",),
        )
        self._calls = Counter(
            "vending_gateway_calls",
            "Calls of Paystack: answered, refused, or unavailable (no usable answer).",
            ("call", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "vending_gateway_seconds",
            "How long calls of Paystack took, with their repetitions.",
            ("call",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )

    def called(self, call: str, outcome: str, seconds: float) -> None:
        """Count a call of Paystack."""
        self._calls.labels(call, outcome).inc()
        self._seconds.labels(call).observe(seconds)

    def show(self, backlog: Backlog | None, at: datetime) -> None:
        """Let what waits be this; None if the database did not say."""
        if backlog is None:
            for readings in (
                *(self._oldest, self._orders, self._cases, self._events),
                self._notifications,
            ):
                readings.replace({})
            return
        oldest = backlog.oldest_unvended_at
        waits_for = 0.0 if oldest is None else max(0.0, (at - oldest).total_seconds())
        self._oldest.replace({(): waits_for})
        self._orders.replace({(state.value,): count for state, count in backlog.orders.items()})
        self._cases.replace({(): backlog.open_cases})
        self._events.replace({(): backlog.events_for_review})
        self._notifications.replace(
            {
                ("waiting",): backlog.notifications_waiting,
                ("given_up",): backlog.notifications_given_up,
            }
        )
