"""Wiring: the one place where the service is put together, and where it reads the clock.

Surfaces get functions; each asks a teller, who opens the transaction, runs the plain service,
commits, and only then answers.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount, Router

from vending_api import migrations
from vending_api.beside import start_teller
from vending_api.database import database_of, require_data_keys
from vending_api.domain.selling import service as selling
from vending_api.kit.committer import Committer
from vending_api.kit.far_lanes import FarCommitter
from vending_api.kit.far_process import FarProcess
from vending_api.kit.garbage import keep_what_is_loaded
from vending_api.kit.lanes import lanes_for
from vending_api.kit.logging import configure_logging
from vending_api.kit.prctl import end_with_the_starter, name_this_process
from vending_api.kit.private_memory import keep_memory_private
from vending_api.looking import look_elsewhere
from vending_api.monitoring.metrics import Metrics
from vending_api.monitoring.requests import WatchedRequests
from vending_api.monitoring.routes import Watched, monitoring_routes
from vending_api.online.service import Online
from vending_api.outside import Outside
from vending_api.security_module import security_module_of
from vending_api.settings import Settings, SettingsInvalid, load_settings
from vending_api.surfaces.crestflow.routes import build_app as build_crestflow
from vending_api.surfaces.crestflow.services import CrestflowServices
from vending_api.surfaces.electrum.routes import ElectrumServices
from vending_api.surfaces.electrum.routes import build_app as build_electrum
from vending_api.surfaces.paystack.routes import PaystackServices
from vending_api.surfaces.paystack.routes import build_app as build_paystack
from vending_api.teller import Teller, rehearsal_of
from vending_api.teller import main as be_teller
from vending_api.vending import Vending
from vending_api.web.bodies import LimitedBodies
from vending_api.web.doors import Doors
from vending_api.web.headers import GuardedAnswers
from vending_api.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fastapi import FastAPI
    from sqlalchemy import Engine
    from starlette.routing import Route
    from starlette.types import ASGIApp

    from vending_api.vending import Tellers

ELECTRUM_PATH = "/prepaidutility/v3"
CRESTFLOW_PATH = "/api"
PAYSTACK_PATH = "/paystack"
_READING_CONNECTIONS = 8
_OTHER_BODY_OCTETS = 4_096
"""Where no surface is; nothing reads a body there."""

_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """Return the time of this machine's clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """A service before it has doors: what sells, what sells online, and what counts."""

    vending: Vending
    online: Online
    outside: Outside
    metrics: Metrics

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sell until the end of the block, then finish what was begun."""
        async with self.vending.running(), self.outside.open():
            try:
                yield
            finally:
                await self.online.stop()


def create_app(
    settings: Settings,
    *,
    now: Callable[[], datetime] = utc_now,
    teller: FarProcess | None = None,
) -> Doors:
    """Return the service of an installation, ready to be served.

    Without a `teller` in a process of its own it has one in this process. Raises
    SettingsInvalid, or the StsError of a key or table file, before it starts.
    """
    parts = _parts(settings, now, teller, signs=settings.background)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(parts.running())
            if settings.background:
                await stack.enter_async_context(_background(parts.online))
            yield

    vending, metrics = parts.vending, parts.metrics
    watched = Watched(
        check_database=vending.check_database,
        read_credit=vending.read_credit,
        waiting=lambda: vending.waiting,
        is_accepting=lambda: vending.is_accepting,
        read_backlog=parts.online.backlog,
        read_alerts=parts.online.alerts,
    )
    new_id = _request_ids()

    def guarded(app: ASGIApp) -> ASGIApp:
        return WatchedRequests(
            GuardedAnswers(app, over_tls=settings.tls_cert is not None),
            answered=metrics.answered,
            new_id=new_id,
            seconds=time.perf_counter,
        )

    surfaces = {  # sales first: they are looked for in this order
        ELECTRUM_PATH: build_electrum(services=_electrum_services(vending), now=now),
        CRESTFLOW_PATH: build_crestflow(
            services=crestflow_services(parts.online), public_url=settings.public_url
        ),
    }
    if settings.paystack_secret_key is not None:
        surfaces[PAYSTACK_PATH] = _paystack(parts, settings, now)
    elsewhere = Starlette(
        routes=[Mount("", _elsewhere(monitoring_routes(watched, metrics, now=now)))],
        middleware=[Middleware(guarded)],
        lifespan=lifespan,
    )
    elsewhere.router.redirect_slashes = False
    return Doors({path: guarded(surface) for path, surface in surfaces.items()}, elsewhere)


def require_ready(settings: Settings, teller: FarProcess) -> None:
    """Make sure that a service of these settings could begin; raises as `create_app`."""
    _parts(settings, utc_now, teller, signs=settings.background).vending.close()


def create_app_from_environment() -> Doors:
    """Return the service that the environment configures; each worker process calls it."""
    name_this_process("vending-web")
    end_with_the_starter()
    keep_memory_private()
    settings = load_settings()
    try:
        app = create_app(settings, teller=copied_teller())
    except (OperationalError, InterfaceError):
        # It takes the place of one that ended, maybe of the same trouble; others will follow it.
        _log.error("worker_not_started", reason="the database does not answer")
        raise SystemExit(1) from None
    keep_what_is_loaded()
    return app


def copied_teller() -> FarProcess:
    """Start a teller that has loaded all that is loaded here; raises as `start_teller`.

    One that takes the place of another is started anew: this process has threads by then.
    """
    return FarProcess.of_copy(be_teller)


@asynccontextmanager
async def working(settings: Settings, teller: FarProcess) -> AsyncIterator[Worker]:
    """Give a worker of an installation, which has no doors, until the end of the block.

    Raises SettingsInvalid and StartFailed.
    """
    parts = _parts(settings, utc_now, teller, signs=True)
    async with parts.running():
        yield Worker(parts.online)


def _parts(
    settings: Settings, now: Callable[[], datetime], teller: FarProcess | None, *, signs: bool
) -> _Parts:
    configure_logging()
    url = settings.database_url.get_secret_value()
    selling_lanes = 0 if teller is not None else lanes_for(url.split(":")[0])
    require_data_keys(settings)
    connections = _READING_CONNECTIONS + selling_lanes
    engine = database_of(settings, connections=connections, is_quick=teller is not None)
    if not migrations.is_current(engine):
        raise SettingsInvalid(
            "VENDING_DATABASE_URL: its schema is not the one of this version; "
            "run `vending database upgrade`"
        )
    metrics, tellers = _near(settings, engine) if teller is None else _far(teller)
    vending = Vending(engine, tellers, metrics, rehearsal=rehearsal_of(settings))
    # A process of its own is configured by the environment, as a teller's is.
    look = None if teller is None else look_elsewhere
    on_call = metrics.payments.called
    outside = Outside(settings, engine, now=now, on_call=on_call, signs=signs, look=look)
    online = Online(engine, vending.transact, outside.world, outside.terms, on_vend=metrics.vended)
    return _Parts(vending=vending, online=online, outside=outside, metrics=metrics)


def _near(settings: Settings, engine: Engine) -> tuple[Metrics, Tellers]:
    """Return a teller of this process, and metrics that know its keys."""
    security_module = security_module_of(settings)
    metrics = Metrics(security_module.facts(), process=str(os.getpid()))
    teller = Teller(security_module, rehearsal=rehearsal_of(settings))
    committer = Committer(
        engine,
        teller.fields_of,
        monotonic_seconds=time.monotonic,
        on_group=metrics.committed,
        foresee=selling.foresee,
    )
    return metrics, committer


def _far(teller: FarProcess) -> tuple[Metrics, Tellers]:
    """Return a teller in a process of its own, and metrics that know its keys."""
    metrics = Metrics(teller.greeting, process=str(os.getpid()))
    return metrics, FarCommitter(teller, start_teller, on_group=metrics.committed)


@asynccontextmanager
async def _background(online: Online) -> AsyncIterator[None]:
    """Do the work that waits until the end of the block, then finish the steps under way."""
    worker = Worker(online)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await task


def _request_ids() -> Callable[[], str]:
    # Chance once and then a number: a new random one each time would cost a microsecond.
    process, numbers = secrets.token_hex(6), count(1)
    return lambda: f"{process}-{next(numbers)}"


def _electrum_services(vending: Vending) -> ElectrumServices:
    return ElectrumServices(
        authenticate=vending.authenticate,
        look_up=vending.look_up,
        sell=vending.sell,
        retry=vending.retry,
        try_out=vending.try_out,
        reprint=vending.reprint,
        change_key=vending.change_key,
        advise=vending.advise,
        note_sale=vending.note_sale,
        report_fault=vending.report_fault,
    )


def crestflow_services(online: Online) -> CrestflowServices:
    """Return what the consumer interface asks of selling online."""
    accounts, purchases, readings = online.accounts, online.purchases, online.readings
    return CrestflowServices(
        options=accounts.options,
        registration_problems=accounts.registration_problems,
        register=accounts.register,
        log_in=accounts.log_in,
        who=accounts.who,
        rename=accounts.rename,
        change_password=accounts.change_password,
        tokens=online.history.tokens,
        transactions=online.history.transactions,
        readings=readings.last,
        ask_reading=readings.ask,
        reading_tasks=readings.tasks,
        order=purchases.order,
        find_order=purchases.find_order,
        find_orders=purchases.find_orders,
    )


def paystack_services(online: Online) -> PaystackServices:
    """Return what webhook and return page ask of selling online."""
    purchases = online.purchases
    return PaystackServices(hear=purchases.hear, settle=purchases.after_payment)


def _paystack(parts: _Parts, settings: Settings, now: Callable[[], datetime]) -> FastAPI:
    assert settings.paystack_secret_key is not None  # noqa: S101 (its caller has looked)
    return build_paystack(
        services=paystack_services(parts.online),
        secret_key=settings.paystack_secret_key,
        webhook_addresses=settings.paystack_webhook_addresses,
        channels=parts.outside.terms.policy.channels,
        now=now,
    )


def _elsewhere(routes: Sequence[Route]) -> LimitedBodies:
    """Return what answers wherever no surface is."""
    return LimitedBodies(
        Router(routes, redirect_slashes=False),
        most_octets=_OTHER_BODY_OCTETS,
        too_long=lambda _: Response(None, 413),
    )
