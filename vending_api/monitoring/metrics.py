"""The metrics of the service: every name and every label stands here.

Labels never hold what a caller sent, so there are only so many: names of operations, codes of
errors, keys of the key file, registered clients. What is not counted as it happens is read when
it is asked for, never in the path of a sale.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest

from sts.token_identifier import TokenIdentifier
from vending_api.kit.errors import DomainError, Fault
from vending_api.kit.metrics import BUCKETS_SECONDS, Labelled, Readings
from vending_api.monitoring.payments import PaymentMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sts.security_module import VendingKeyFacts
    from vending_api.domain.payments.types import Backlog
    from vending_api.domain.watching.types import AlertKind

_FAILED: Final = frozenset({Fault.UNAVAILABLE, Fault.UNKNOWN})
_UNEXPECTED: Final = "unexpected"
_GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What is read each time that somebody looks at the metrics."""

    at: datetime
    waiting: int
    """Commands accepted and not yet answered."""
    credit_minor: Mapping[str, int] | None
    """Of each prepaid client; None when the database did not say in time."""
    backlog: Backlog | None = None
    """What waits of online orders; None likewise, and where nobody asked."""
    alerts: Mapping[AlertKind, int] | None = None
    """Of today; None likewise."""


class _Gauges:
    """What is not counted but read when somebody looks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.waiting = Readings(
            registry, "vending_commands_waiting", "Commands accepted and not yet answered."
        )
        self.key_days = Readings(
            registry,
            "vending_key_expiry_days",
            "Days until the last minute that a vending key can still be used for.",
            ("supply_group", "revision"),
        )
        self.lead = Readings(
            registry,
            "vending_token_identifier_lead_minutes",
            "How far the token identifier of the newest sale was ahead of the clock.",
        )
        self.credit = Readings(
            registry,
            "vending_client_credit_minor",
            "What is left of a prepaid client's deposits, in minor units.",
            ("client",),
        )
        self.alerts = Readings(
            registry, "vending_alerts", "What was out of the ordinary today.", ("kind",)
        )


class Metrics:
    """What this process counts; its methods may be called from any thread."""

    def __init__(self, keys: Sequence[VendingKeyFacts], *, process: str) -> None:
        """Begin at nothing; `process` tells this process from the others of the service."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as it ships
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._exposed = Labelled(registry, "process", process)
        self._keys = tuple(keys)
        self._newest_lead: int | None = None
        self._sales = Counter(
            "vending_sales",
            "Purchases and retries: sold, repeated (the answer of an earlier sale), refused by a "
            "rule or failed; with the code of the error.",
            ("outcome", "code"),
            registry=registry,
        )
        self._sold = self._sales.labels("sold", "")
        self._repeated = self._sales.labels("repeated", "")
        self._requests = Counter(
            "vending_requests",
            "Requests that were answered, by operation and status.",
            ("operation", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "vending_request_seconds",
            "How long requests took, from their arrival to the end of the answer.",
            ("operation",),
            buckets=BUCKETS_SECONDS,
            registry=registry,
        )
        self._groups = Histogram(
            "vending_group_commands",
            "How many commands shared a transaction.",
            buckets=_GROUP_SIZES,
            registry=registry,
        )
        self._of_requests: dict[
            tuple[str, int], tuple[Callable[[], None], Callable[[float], None]]
        ] = {}
        self._gauges = _Gauges(registry)
        self.payments = PaymentMetrics(registry)

    def answered(self, operation: str, status: int, seconds: float) -> None:
        """Count a request."""
        counted = self._of_requests.get((operation, status))
        if counted is None:
            # Two threads may both come here; they find the same series.
            requests = self._requests.labels(operation, str(status))
            counted = (requests.inc, self._seconds.labels(operation).observe)
            self._of_requests[operation, status] = counted
        increment, observe = counted
        increment()
        observe(seconds)

    def sold(self, *, is_repeated: bool, lead_minutes: int | None) -> None:
        """Count what a purchase or a retry brought: a new sale, or one that was made before.

        `lead_minutes` says how far the token identifier of the sale was ahead of the clock.
        """
        if is_repeated:
            self._repeated.inc()
            return
        self._sold.inc()
        self._newest_lead = lead_minutes

    def not_sold(self, reason: Exception) -> None:
        """Count a purchase or a retry that brought nothing."""
        if not isinstance(reason, DomainError):
            self._sales.labels("failed", _UNEXPECTED).inc()
            return
        outcome = "failed" if reason.fault in _FAILED else "refused"
        self._sales.labels(outcome, reason.code).inc()

    def vended(self, code: str) -> None:
        """Count an attempt to vend for an online order: why it did not, or nothing if it did."""
        outcome = "failed" if code == _UNEXPECTED else "refused" if code else "sold"
        self._sales.labels(outcome, code).inc()

    def committed(self, commands: int) -> None:
        """Count a group of commands that shared a transaction."""
        self._groups.observe(commands)

    def exposed(self, read: Read) -> bytes:
        """Return everything in the text format of Prometheus."""
        self._gauges.waiting.replace({(): read.waiting})
        self._gauges.key_days.replace(
            {
                (str(key.supply_group_code), str(key.key_revision_number)): (
                    last_minute(key) - read.at
                )
                / _DAY
                for key in self._keys
            }
        )
        lead = self._newest_lead
        self._gauges.lead.replace({} if lead is None else {(): lead})
        self._gauges.credit.replace(
            {(client,): minor for client, minor in (read.credit_minor or {}).items()}
        )
        self._gauges.alerts.replace(
            {(kind.value,): count for kind, count in (read.alerts or {}).items()}
        )
        self.payments.show(read.backlog, read.at)
        return generate_latest(self._exposed)


def last_minute(key: VendingKeyFacts) -> datetime:
    """Return the last minute for which a key makes tokens.

    Its identifier's high byte is the key expiry number; 255 ends with the base date itself.
    """
    newest = TokenIdentifier((key.key_expiry_number.value + 1 << 16) - 1)
    return newest.issued_at(key.base_date)
