"""Wiring: the one place where the service is put together, and where it reads the clock.

Surfaces get functions; each opens the transaction through the committer, runs the
plain service, and returns only once the outcome is durable.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import threading
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.routing import Mount

from sts.keys.key_file import load_key_file
from sts.keys.sta_tables import SAMPLE_TABLES, load_sta_tables
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from vending_api import migrations
from vending_api.domain.advices.service import advise, note_sale
from vending_api.domain.clients.service import check_credentials
from vending_api.domain.credit.service import prepaid_balances
from vending_api.domain.faults.service import report_fault
from vending_api.domain.issuing.service import TokenMaker
from vending_api.domain.reprints.service import reprint
from vending_api.domain.selling import service as selling
from vending_api.kit.committer import MAX_WAITING, Committer, lanes_for
from vending_api.kit.credentials import CredentialMemory
from vending_api.kit.db import open_database
from vending_api.kit.errors import Refusal, StorageUnavailable
from vending_api.kit.logging import configure_logging
from vending_api.monitoring.metrics import Metrics
from vending_api.monitoring.requests import WatchedRequests
from vending_api.monitoring.routes import Watched, monitoring_routes
from vending_api.sandbox.example_keys import example_keys
from vending_api.sandbox.rehearsal import Rehearsal
from vending_api.settings import Settings, SettingsInvalid, load_settings
from vending_api.surfaces.electrum.routes import ElectrumServices
from vending_api.surfaces.electrum.routes import build_app as build_electrum

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Connection, Engine

    from sts.keys.key_file import KeyStore
    from sts.security_module import SecurityModule
    from vending_api.domain.advices.types import Advise, NoteSale
    from vending_api.domain.clients.types import Client
    from vending_api.domain.faults.types import FaultReport, ReportFault
    from vending_api.domain.reprints.types import Reprint, ReprintTokens
    from vending_api.domain.sales.types import (
        ChangeKey,
        FoundMeter,
        LookUpMeter,
        Sale,
        SellCredit,
        Trial,
        TryCredit,
    )

T = TypeVar("T")

ELECTRUM_PATH = "/prepaidutility/v3"
_READING_CONNECTIONS = 4
_AFTER_ALL_METERS = "~"
"""The place of advices in a group: after the sales that they may be about."""

_log = structlog.get_logger(__name__)


class _Command(Protocol):
    """What all commands of the domain have in common."""

    @property
    def client(self) -> Client:
        """Who asks."""
        ...


class Vending:
    """What the surfaces may ask for: each method answers when its outcome is durable.

    Methods raise as the functions of the domain that they are named for, and the reason of a
    refusal.
    """

    def __init__(
        self,
        engine: Engine,
        security_module: SecurityModule,
        metrics: Metrics,
        *,
        rehearsal: Rehearsal | None = None,
    ) -> None:
        self._engine = engine
        self._metrics = metrics
        self._committer = Committer(engine, on_group=metrics.committed)
        self._is_running = False
        process = secrets.token_hex(8)
        self._maker = TokenMaker(
            security_module,
            random_nibble=lambda: secrets.randbelow(16),
            log_writer=lambda: f"{process}-{threading.current_thread().name}",
        )
        self._rehearsal = rehearsal
        self._credentials = CredentialMemory(
            self._check_credentials,
            secret=secrets.token_bytes(32),
            monotonic_seconds=time.monotonic,
        )

    async def authenticate(self, user_name: str, password: str) -> Client:
        """Return the client of these credentials; raises CredentialsRejected."""
        return await self._credentials.verify(user_name, password)

    async def look_up(self, command: LookUpMeter) -> FoundMeter:
        """Return a registered meter with what it may buy for."""
        return await self._settle(command, lambda connection: selling.look_up(connection, command))

    async def try_out(self, command: TryCredit) -> Trial:
        """Return what a purchase would bring."""
        return await self._settle(
            command,
            lambda connection: selling.try_out(connection, self._maker, command),
        )

    async def sell(self, command: SellCredit) -> Sale:
        """Return a new sale."""
        sale = await self._sell(selling.sell, command)
        if self._rehearsal is not None:
            await self._rehearsal.delay(sale)
        return sale

    async def retry(self, command: SellCredit) -> Sale:
        """Return the sale of an id."""
        return await self._sell(selling.retry, command)

    async def change_key(self, command: ChangeKey) -> Sale:
        """Return the key change tokens of a meter."""

        def act(connection: Connection) -> Sale | Refusal:
            change = partial(selling.change_key, connection, self._maker, command)
            if self._rehearsal is None:
                return change()
            return self._rehearsal.change_key(connection, command, change)

        return await self._settle(command, act)

    async def reprint(self, command: ReprintTokens) -> Reprint:
        """Return tokens that were sold before."""
        return await self._settle(command, lambda connection: reprint(connection, command))

    async def advise(self, command: Advise) -> None:
        """Record what became of a sale."""
        await self._settle(command, lambda connection: advise(connection, command))

    async def note_sale(self, command: NoteSale) -> None:
        """Record that a sale was made known."""
        await self._settle(command, lambda connection: note_sale(connection, command))

    async def report_fault(self, command: ReportFault) -> FaultReport:
        """Record a fault of a meter."""
        return await self._settle(command, lambda connection: report_fault(connection, command))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accept commands until the end of the block, then finish what was accepted."""
        self._committer.start()
        self._is_running = True
        try:
            yield
        finally:
            self._is_running = False
            await self._committer.stop()
            await asyncio.to_thread(self._engine.dispose)

    def watched(self) -> Watched:
        """Return what may be asked about this process while it runs."""
        return Watched(
            check_database=self._check_database,
            read_credit=self._read_credit,
            waiting=lambda: self._committer.waiting,
            is_accepting=lambda: self._is_running and self._committer.waiting < MAX_WAITING,
        )

    async def _sell(
        self,
        act: Callable[[Connection, TokenMaker, SellCredit], Sale | Refusal],
        command: SellCredit,
    ) -> Sale:
        def sold(connection: Connection) -> Sale | Refusal:
            sale = partial(act, connection, self._maker, command)
            return sale() if self._rehearsal is None else self._rehearsal.sell(connection, sale)

        try:
            sale = await self._settle(command, sold)
        except Exception as reason:
            self._metrics.not_sold(reason)
            raise
        self._metrics.sold(sale, asked_at=command.received_at)
        return sale

    async def _settle(self, command: _Command, act: Callable[[Connection], T | Refusal]) -> T:
        # A client's sales share its credit and its terminals' numbers, so they take turns.
        order = getattr(command, "external_meter_id", _AFTER_ALL_METERS)
        outcome = await self._committer.run(command.client.user_name, act, order=order)
        if isinstance(outcome, Refusal):
            raise outcome.reason
        return outcome

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


def create_app(settings: Settings, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the service of an installation, ready to be served.

    Raises SettingsInvalid, or the StsError of a key or table file, before it starts.
    """
    configure_logging()
    security_module = _security_module(settings)
    url = settings.database_url.get_secret_value()
    engine = open_database(url, connections=_READING_CONNECTIONS + lanes_for(url.split(":")[0]))
    if not migrations.is_current(engine):
        raise SettingsInvalid(
            "VENDING_DATABASE_URL: its schema is not the one of this version; "
            "run `vending database upgrade`"
        )
    rehearsal = Rehearsal(settings.demo_timeout_seconds) if settings.demo else None
    metrics = Metrics(security_module.facts(), process=str(os.getpid()))
    vending = Vending(engine, security_module, metrics, rehearsal=rehearsal)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with vending.running():
            yield

    app = FastAPI(title="Vending", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.routes.extend(monitoring_routes(vending.watched(), metrics, now=now))
    _mount(app, ELECTRUM_PATH, build_electrum(services=_electrum_services(vending), now=now))
    app.add_middleware(
        WatchedRequests,
        answered=metrics.answered,
        new_id=_request_ids(),
        seconds=time.perf_counter,
    )
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


def _mount(app: FastAPI, path: str, surface: FastAPI) -> None:
    """Give a surface all that lies below a path, also addresses with line breaks in them."""
    mount = Mount(path, surface)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    app.routes.append(mount)


def create_app_from_environment() -> FastAPI:
    """Return the service that the environment configures; each worker process calls it."""
    return create_app(load_settings())


def _security_module(settings: Settings) -> SecurityModule:
    tables = SAMPLE_TABLES if settings.sta_tables is None else load_sta_tables(settings.sta_tables)
    if tables.is_sample:
        _log.warning(
            "sample_sta_tables",
            effect="EA07 tokens are for tests; no real meter accepts them",
            mend="set VENDING_STA_TABLES to the licensed tables",
        )
    return InProcessSecurityModule(_key_store(settings), TokenCodec(tables))


def _key_store(settings: Settings) -> KeyStore:
    if settings.keys_file is None:
        return example_keys()
    keys = load_key_file(settings.keys_file)
    if keys.holds_well_known_keys and not settings.demo:
        raise SettingsInvalid(
            "VENDING_KEYS_FILE: it holds published test keys, with which anybody can make tokens; "
            "use your own, or `vending serve --demo`"
        )
    return keys
