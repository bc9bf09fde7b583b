"""What points of sale may ask for: who asks, what a teller is asked to do, what is counted."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from vending_api.domain.clients.service import check_again
from vending_api.domain.credit.service import prepaid_balances
from vending_api.kit.committer import MAX_WAITING
from vending_api.kit.credentials import CredentialMemory
from vending_api.kit.db import reading
from vending_api.teller import Act, Asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sqlalchemy import Connection, Engine

    from vending_api.domain.advices.types import Advise, NoteSale
    from vending_api.domain.clients.types import Client
    from vending_api.domain.faults.types import ReportFault
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.reprints.types import ReprintTokens
    from vending_api.domain.sales.types import ChangeKey, LookUpMeter, SellCredit, TryCredit
    from vending_api.kit.credentials import Checked
    from vending_api.monitoring.metrics import Metrics
    from vending_api.sandbox.rehearsal import Rehearsal
    from vending_api.teller import Tell, Told

T = TypeVar("T")


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

    async def authenticate(self, user_name: str, password: str, address: str) -> Client:
        """Return the client of these credentials; `address` is where they come from.

        Raises CredentialsRejected, TooManyGuesses, Overloaded, StorageUnavailable.
        """
        return await self._credentials.verify(user_name, password, address)

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
            await asyncio.to_thread(self.close)

    def close(self) -> None:
        """End the threads that check passwords, and close the connections to the database."""
        self._credentials.stop()
        self._engine.dispose()

    @property
    def waiting(self) -> int:
        """How many commands are accepted and not yet answered."""
        return self._tellers.waiting

    @property
    def is_accepting(self) -> bool:
        """Whether another command would be accepted."""
        return self._is_running and self._tellers.is_open and self.waiting < MAX_WAITING

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

    def _check_credentials(
        self, user_name: str, password: str, fitted: str | None
    ) -> Checked[Client]:
        with reading(self._engine) as connection:
            return check_again(connection, user_name, password, fitted)

    def check_database(self) -> None:
        """Read something; raises when that is not possible."""
        with self._engine.connect() as connection:
            # A table of ours: SQLite would answer SELECT 1 without a look at its file.
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").all()

    def read_credit(self) -> dict[str, int]:
        """Return what prepaid clients have left, in minor units, by their user names."""
        with self._engine.connect() as connection:
            return prepaid_balances(connection)
