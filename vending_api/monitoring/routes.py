"""The addresses that operators and their machines ask: /metrics, /healthz and /readyz."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from vending_api.monitoring.health import ImpatientRead
from vending_api.monitoring.metrics import Read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from starlette.requests import Request

    from vending_api.domain.payments.types import Backlog
    from vending_api.domain.watching.types import AlertKind
    from vending_api.monitoring.metrics import Metrics

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What may be asked about the service while it runs."""

    check_database: Callable[[], None]
    """Reads something; raises when that is not possible. May block."""
    read_credit: Callable[[], Mapping[str, int]]
    """Returns what prepaid clients have left, in minor units. May block."""
    waiting: Callable[[], int]
    """Returns how many commands are accepted and not yet answered."""
    is_accepting: Callable[[], bool]
    """Tells whether another command would be accepted."""
    read_backlog: Callable[[], Backlog] | None = None
    """Returns what waits of online orders, where any are sold. May block."""
    read_alerts: Callable[[], Mapping[AlertKind, int]] | None = None
    """Returns how many alerts of each kind there are today. May block."""


def monitoring_routes(
    watched: Watched, measured: Metrics, *, now: Callable[[], datetime]
) -> list[Route]:
    """Return the routes; whoever can reach the port may read them."""
    check_database = ImpatientRead(watched.check_database)
    read_credit = ImpatientRead(watched.read_credit)
    read_backlog = None if watched.read_backlog is None else ImpatientRead(watched.read_backlog)
    read_alerts = None if watched.read_alerts is None else ImpatientRead(watched.read_alerts)

    async def healthz(_: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(_: Request) -> Response:
        reasons = {}
        if not watched.is_accepting():
            reasons["commands"] = "no more are accepted now"
        try:
            await check_database()
        except Exception as error:  # noqa: BLE001 (whatever it is, the service cannot sell)
            reasons["database"] = _kind(error)
        if reasons:
            return JSONResponse({"ready": False, "reasons": reasons}, 503)
        return JSONResponse({"ready": True})

    async def metrics(_: Request) -> Response:
        reading_credit = _read_or_none(read_credit, "credit_not_read")
        reading_backlog = _read_or_none(read_backlog, "backlog_not_read")
        reading_alerts = _read_or_none(read_alerts, "alerts_not_read")
        credit_minor, backlog, alerts = await asyncio.gather(
            reading_credit, reading_backlog, reading_alerts
        )
        read = Read(
            at=now(),
            waiting=watched.waiting(),
            credit_minor=credit_minor,
            backlog=backlog,
            alerts=alerts,
        )
        text = await asyncio.to_thread(measured.exposed, read)
        # The next scrape may meet another worker, so that over time each is heard.
        return Response(text, media_type=CONTENT_TYPE_LATEST, headers={"Connection": "close"})

    return [
        Route("/metrics", metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
    ]


async def _read_or_none(read: ImpatientRead[T] | None, event: str) -> T | None:
    if read is None:
        return None
    try:
        return await read()
    except Exception as error:  # noqa: BLE001 (the other metrics are needed all the more)
        _log.warning(event, error=_kind(error))
        return None


def _kind(error: Exception) -> str:
    """Return what kind of error it is; its text may hold an address or a password."""
    return type(error).__name__
