"""Wiring: the one place where the service is put together, and where it reads the clock.

Surfaces get functions; each opens the transaction through the committer, runs the
plain service, and returns only once the outcome is durable.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import structlog
from fastapi import FastAPI

from sts.keys.key_file import load_key_file
from sts.keys.sta_tables import SAMPLE_TABLES, load_sta_tables
from sts.security_module import InProcessSecurityModule
from sts.tokens.codec import TokenCodec
from vending_api import migrations
from vending_api.domain.clients.service import check_credentials
from vending_api.domain.issuing.service import TokenMaker
from vending_api.domain.sales import service as sales
from vending_api.domain.sales.types import Refusal
from vending_api.kit.committer import Committer, lanes_for
from vending_api.kit.credentials import CredentialMemory
from vending_api.kit.db import open_database
from vending_api.kit.logging import configure_logging
from vending_api.sandbox.example_keys import example_keys
from vending_api.settings import Settings, SettingsInvalid, load_settings
from vending_api.surfaces.electrum.routes import ElectrumServices
from vending_api.surfaces.electrum.routes import build_app as build_electrum

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Connection, Engine

    from sts.keys.key_file import KeyStore
    from sts.security_module import SecurityModule
    from vending_api.domain.clients.types import Client
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.sales.types import LookUpMeter, Sale, SellCredit

T = TypeVar("T")

ELECTRUM_PATH = "/prepaidutility/v3"
_READING_CONNECTIONS = 4

_log = structlog.get_logger(__name__)


class Vending:
    """What the surfaces may ask for: each method answers when its outcome is durable."""

    def __init__(self, engine: Engine, security_module: SecurityModule) -> None:
        self._engine = engine
        self._committer = Committer(engine)
        self._maker = TokenMaker(security_module, random_nibble=lambda: secrets.randbelow(16))
        self._credentials = CredentialMemory(
            self._check_credentials,
            secret=secrets.token_bytes(32),
            monotonic_seconds=time.monotonic,
        )

    async def authenticate(self, user_name: str, password: str) -> Client:
        """Return the client of these credentials; raises CredentialsRejected."""
        return await self._credentials.verify(user_name, password)

    async def look_up(self, command: LookUpMeter) -> Meter:
        """Return a registered meter; raises as `sales.look_up`, and UnknownMeter."""
        return await self._settle(
            command.external_meter_id, lambda connection: sales.look_up(connection, command)
        )

    async def sell(self, command: SellCredit) -> Sale:
        """Return a new sale; raises as `sales.sell`, and the reason of a refusal."""
        return await self._settle(
            command.external_meter_id,
            lambda connection: sales.sell(connection, self._maker, command),
        )

    async def retry(self, command: SellCredit) -> Sale:
        """Return the sale of an id; raises as `sales.retry`, and the reason of a refusal."""
        return await self._settle(
            command.external_meter_id,
            lambda connection: sales.retry(connection, self._maker, command),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accept commands until the end of the block, then finish what was accepted."""
        self._committer.start()
        try:
            yield
        finally:
            await self._committer.stop()
            await asyncio.to_thread(self._engine.dispose)

    async def _settle(self, key: str, act: Callable[[Connection], T | Refusal]) -> T:
        outcome = await self._committer.run(key, act)
        if isinstance(outcome, Refusal):
            raise outcome.reason
        return outcome

    def _check_credentials(self, user_name: str, password: str) -> Client:
        with self._engine.connect() as connection:
            return check_credentials(connection, user_name, password)


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
    vending = Vending(engine, security_module)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with vending.running():
            yield

    app = FastAPI(title="Vending", lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.mount(
        ELECTRUM_PATH,
        build_electrum(
            services=ElectrumServices(
                look_up=vending.look_up,
                sell=vending.sell,
                retry=vending.retry,
                authenticate=vending.authenticate,
            ),
            now=now,
        ),
    )
    return app


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
