"""Wiring: the one place where the service is put together, and where it reads the clock.

Surfaces get functions; each opens the transaction through the committer, runs the
plain service, and returns only once the outcome is durable.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from vending_api import migrations
from vending_api.domain.clients.service import check_credentials
from vending_api.domain.credit.service import prepaid_balances
from vending_api.domain.selling import service as selling
from vending_api.kit.committer import MAX_WAITING, Committer
from vending_api.kit.credentials import CredentialMemory
from vending_api.kit.db import open_database
from vending_api.kit.errors import StorageUnavailable
from vending_api.kit.far_lanes import FarCommitter
from vending_api.kit.lanes import lanes_for
from vending_api.kit.logging import configure_logging
from vending_api.monitoring.metrics import Metrics
from vending_api.monitoring.requests import WatchedRequests
from vending_api.monitoring.routes import Watched, monitoring_routes
from vending_api.settings import Settings, SettingsInvalid, load_settings
from vending_api.surfaces.electrum.routes import ElectrumServices
from vending_api.surfaces.electrum.routes import build_app as build_electrum
from vending_api.teller import (
    Act,
    Asked,
    Teller,
    keep_what_is_loaded,
    rehearsal_of,
    security_module_of,
    start_teller,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fastapi import FastAPI
    from sqlalchemy import Connection, Engine

    from vending_api.domain.advices.types import Advise, NoteSale
    from vending_api.domain.clients.types import Client
    from vending_api.domain.faults.types import ReportFault
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.reprints.types import ReprintTokens
    from vending_api.domain.sales.types import ChangeKey, LookUpMeter, SellCredit, TryCredit
    from vending_api.kit.far_lanes import FarProcess
    from vending_api.sandbox.rehearsal import Rehearsal
    from vending_api.teller import Tell, Told

T = TypeVar("T")

ELECTRUM_PATH = "/prepaidutility/v3"
_READING_CONNECTIONS = 4


class Tellers(Protocol):
    """Where tellers are asked: the committer of this process, or one of another."""

    @property
    def waiting(self) -> int:
        """How many commands are accepted and not yet answered."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether commands are taken now."""
        ...

    async def start(self) -> None:
        """Begin, in the running event loop."""

    async def stop(self) -> None:
        """Finish what was accepted, and end."""

    async def run(self, asked: Asked | Act) -> Any:
        """Return what a teller answers, once it is durable; raises what the teller raised."""
        ...


class Vending:
    """What the surfaces may ask for: each method answers when its outcome is durable.

    Each returns what its `tell` made of the outcome. Methods raise as the functions of the
    domain that they are named for, and the reason of a refusal.
    """

    def __init__(
        self,
        engine: Engine,
        tellers: Tellers,
        metrics: Metrics,
        *,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        """`engine` is for reading alone."""
        self._engine = engine
        self._tellers = tellers
        self._metrics = metrics
        self._rehearsal = rehearsal
        self._is_running = False
        self._credentials = CredentialMemory(
            self._check_credentials,
            secret=secrets.token_bytes(32),
            monotonic_seconds=time.monotonic,
        )

    async def authenticate(self, user_name: str, password: str) -> Client:
        """Return the client of these credentials; raises CredentialsRejected."""
        return await self._credentials.verify(user_name, password)

    async def look_up(self, command: LookUpMeter, tell: Tell) -> bytes:
        """Find a registered meter with what it may buy for."""
        return (await self._ask(Asked("look_up", command, tell))).answer

    async def try_out(self, command: TryCredit, tell: Tell) -> bytes:
        """Work out what a purchase would bring."""
        return (await self._ask(Asked("try_out", command, tell))).answer

    async def sell(self, command: SellCredit, tell: Tell) -> bytes:
        """Make a new sale."""
        told = await self._sell(Asked("sell", command, tell, is_new=True))
        if self._rehearsal is not None:
            await self._rehearsal.delay(told.external_meter_id)
        return told.answer

    async def retry(self, command: SellCredit, tell: Tell) -> bytes:
        """Find the sale of an id, or make it now."""
        return (await self._sell(Asked("retry", command, tell))).answer

    async def change_key(self, command: ChangeKey, tell: Tell) -> bytes:
        """Make the key change tokens of a meter."""
        return (await self._ask(Asked("change_key", command, tell))).answer

    async def reprint(self, command: ReprintTokens, tell: Tell) -> bytes:
        """Hand out tokens that were sold before."""
        return (await self._ask(Asked("reprint", command, tell))).answer

    async def advise(self, command: Advise) -> None:
        """Record what became of a sale."""
        await self._ask(Asked("advise", command))

    async def note_sale(self, command: NoteSale) -> None:
        """Record that a sale was made known."""
        await self._ask(Asked("note_sale", command))

    async def report_fault(self, command: ReportFault, tell: Tell) -> bytes:
        """Record a fault of a meter."""
        return (await self._ask(Asked("report_fault", command, tell))).answer

    async def transact(
        self, act: Callable[[Connection, TokenMaker], T], *, key: str, order: str = ""
    ) -> T:
        """Return what a function of a module, with its arguments, does in a transaction."""
        done: T = await self._tellers.run(Act(act, key, order))
        return done

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accept commands until the end of the block, then finish what was accepted."""
        await self._tellers.start()
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = False
            await self._tellers.stop()
            await asyncio.to_thread(self._engine.dispose)

    def watched(self) -> Watched:
        """Return what may be asked about this process while it runs."""
        return Watched(
            check_database=self._check_database,
            read_credit=self._read_credit,
            waiting=lambda: self._tellers.waiting,
            is_accepting=lambda: (
                self._is_running and self._tellers.is_open and self._tellers.waiting < MAX_WAITING
            ),
        )

    async def _ask(self, asked: Asked) -> Told:
        told: Told = await self._tellers.run(asked)
        return told

    async def _sell(self, asked: Asked) -> Told:
        try:
            told = await self._ask(asked)
        except Exception as reason:
            self._metrics.not_sold(reason)
            raise
        self._metrics.sold(is_repeated=told.is_repeated, lead_minutes=told.lead_minutes)
        return told

    def _check_credentials(self, user_name: str, password: str) -> Client:
        try:
            with self._engine.connect() as connection:
                return check_credentials(connection, user_name, password)
        except (OperationalError, InterfaceError):
            raise StorageUnavailable from None

    def _check_database(self) -> None:
        with self._engine.connect() as connection:
            # A table of ours: SQLite would answer SELECT 1 without a look at its file.
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()

    def _read_credit(self) -> dict[str, int]:
        with self._engine.connect() as connection:
            return prepaid_balances(connection)


def utc_now() -> datetime:
    """Return the time of this machine's clock, in UTC."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    now: Callable[[], datetime] = utc_now,
    teller: FarProcess | None = None,
) -> Starlette:
    """Return the service of an installation, ready to be served.

    Without a `teller` in a process of its own it has one in this process. Raises
    SettingsInvalid, or the StsError of a key or table file, before it starts.
    """
    configure_logging()
    url = settings.database_url.get_secret_value()
    selling_lanes = 0 if teller is not None else lanes_for(url.split(":")[0])
    engine = open_database(url, connections=_READING_CONNECTIONS + selling_lanes)
    if not migrations.is_current(engine):
        raise SettingsInvalid(
            "VENDING_DATABASE_URL: its schema is not the one of this version; "
            "run `vending database upgrade`"
        )
    rehearsal = rehearsal_of(settings)
    if teller is None:
        security_module = security_module_of(settings)
        metrics = Metrics(security_module.facts(), process=str(os.getpid()))
        here = Teller(security_module, rehearsal=rehearsal)
        tellers: Tellers = Committer(
            engine, here.fields_of, on_group=metrics.committed, foresee=selling.foresee
        )
    else:
        metrics = Metrics(teller.greeting, process=str(os.getpid()))
        tellers = FarCommitter(teller, start_teller, on_group=metrics.committed)
    vending = Vending(engine, tellers, metrics, rehearsal=rehearsal)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with vending.running():
            yield

    watched = Middleware(
        WatchedRequests,
        answered=metrics.answered,
        new_id=_request_ids(),
        seconds=time.perf_counter,
    )
    electrum = build_electrum(services=_electrum_services(vending), now=now)
    routes = [  # sales first: they are looked for in this order
        _mount(ELECTRUM_PATH, electrum),
        *monitoring_routes(vending.watched(), metrics, now=now),
    ]
    app = Starlette(routes=routes, middleware=[watched], lifespan=lifespan)
    app.router.redirect_slashes = False
    return app


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


def _mount(path: str, surface: FastAPI) -> Mount:
    """Return a route to a surface for all below a path, also addresses with line breaks."""
    mount = Mount(path, surface)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def create_app_from_environment() -> Starlette:
    """Return the service that the environment configures; each worker process calls it."""
    settings = load_settings()
    app = create_app(settings, teller=start_teller())
    keep_what_is_loaded()
    return app
