"""Selling online as an installation does, with the sandbox for Paystack and a clock to move."""

from __future__ import annotations

import pickle
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

import httpx2
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.routing import Mount

from tests.support.selling import MAKER
from tests.support.service import NOON, writing
from vending_api.domain.consumers import service as consumers
from vending_api.domain.consumers.types import Register
from vending_api.domain.estates.service import all_estates
from vending_api.domain.notifications.types import Channel, NotSent
from vending_api.domain.payments import service as payments
from vending_api.domain.payments.types import Order, OrderFilter, PaymentPolicy
from vending_api.gateways.paystack.client import Patience, PaystackGateway
from vending_api.kit.committer import Committer
from vending_api.main import crestflow_services, paystack_services
from vending_api.online.service import Online
from vending_api.online.world import Terms, World
from vending_api.sandbox.estate import ensure_demo_estate, estate_meter_number
from vending_api.sandbox.meter_gateway import SimulatedMeters
from vending_api.sandbox.paystack import PaystackSandbox
from vending_api.surfaces.crestflow.routes import build_app as build_crestflow
from vending_api.surfaces.paystack.routes import build_app as build_paystack
from vending_api.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection, Engine
    from starlette.types import Receive, Scope, Send

    from vending_api.domain.consumers.types import Consumer
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.notifications.types import Message
    from vending_api.domain.readings.types import MeterGateway

T = TypeVar("T")

SECRET_KEY: Final = "sk_test_" + "4f" * 20
PUBLIC_URL: Final = "http://shop.test"
SUM: Final = 520_000
"""What a customer pays, in kobo: NGN 5,200, with the estate's charge of NGN 200."""
CHARGE: Final = 20_000
PATIENCE: Final = 20.0
"""Seconds that nothing here takes."""
POLICY: Final = PaymentPolicy(
    mode="test",
    refund_after=timedelta(hours=24),
    channels=frozenset({Channel.EMAIL, Channel.SMS}),
)


class MovedClock:
    """A clock that moves a millisecond each time it is read, and by as much as it is told."""

    def __init__(self, start: datetime = NOON) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def move(self, **by: float) -> None:
        self._now += timedelta(**by)


@dataclass
class Messages:
    """A messenger that keeps what it is given, or does not take it."""

    sent: list[tuple[str, Message]] = field(default_factory=list)
    is_down: bool = False
    file: str = ""
    """Where recipients are noted, too, to be read by another process."""

    async def send(self, recipient: str, message: Message) -> None:
        if self.is_down:
            raise NotSent("down", is_final=False)
        self.sent.append((recipient, message))
        if self.file:
            self._note(recipient)

    def _note(self, recipient: str) -> None:
        with Path(self.file).open("a", encoding="utf-8") as noted:
            noted.write(f"{recipient}\n")


Fault = Callable[[Callable[[], Awaitable[bytes]]], Awaitable[bytes]]
"""Runs a transaction, or does not, and answers what it likes."""


async def _none(run: Callable[[], Awaitable[bytes]]) -> bytes:
    return await run()


class Vault:
    """Who has the keys: runs acts as another process would, which gets and gives pickles."""

    def __init__(self, committer: Committer, maker: TokenMaker = MAKER) -> None:
        self.committer = committer
        self.maker = maker
        self.faults: list[Fault | None] = []
        """What becomes of the next transactions; None: nothing special."""

    async def transact(
        self,
        act: Callable[[Connection, TokenMaker], T],
        *,
        key: str,
        order: str = "",
    ) -> T:
        sent = pickle.dumps(act)
        fault = (self.faults.pop(0) if self.faults else None) or _none

        def run(connection: Connection) -> bytes:
            asked = pickle.loads(sent)  # noqa: S301 (our own)
            return pickle.dumps(asked(connection, self.maker))

        try:
            answer = await fault(
                partial(self.committer.run, {"key": key, "act": run, "order": order})
            )
        except Exception as error:  # noqa: BLE001 (any of them has to travel)
            raise pickle.loads(pickle.dumps(error)) from None  # noqa: S301 (our own)
        result: T = pickle.loads(answer)  # noqa: S301 (our own)
        return result


class Doors:
    """Both surfaces, as `main` mounts them."""

    def open(self, online: Online) -> None:
        self._app = Starlette(
            routes=[
                Mount(
                    "/api",
                    build_crestflow(services=crestflow_services(online), public_url=PUBLIC_URL),
                ),
                Mount(
                    "/paystack",
                    build_paystack(
                        services=paystack_services(online),
                        secret_key=SecretStr(SECRET_KEY),
                        webhook_addresses=(),
                        channels=POLICY.channels,
                        now=online.now,
                    ),
                ),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@dataclass
class Shop:
    """An installation that sells online."""

    engine: Engine
    clock: MovedClock
    sandbox: PaystackSandbox
    vault: Vault
    online: Online
    worker: Worker
    messages: Messages
    gateway: PaystackGateway
    customer: httpx2.AsyncClient
    """Whoever comes over HTTP: residents, and their browsers."""
    sales: list[str] = field(default_factory=list)
    """What was told of each attempt to vend."""

    def consumer(self, serial: int = 101) -> Consumer:
        """Return the resident of a meter of the estate."""
        with self.engine.connect() as connection:
            found = consumers.find_by_email(connection, email_of(serial))
        assert found is not None
        return found

    def find(self, reference: str) -> Order:
        """Return an order as the database has it."""
        with self.engine.connect() as connection:
            return payments.find_order(connection, reference)

    def orders(self) -> list[Order]:
        """Return all orders, the oldest first."""
        with self.engine.connect() as connection:
            newest, _ = payments.find_orders(connection, OrderFilter(), 1, size=1_000)
        return newest[::-1]

    async def order(self, *, serial: int = 101, amount: int = SUM, phone: str = "") -> str:
        """Order credit, and return the reference."""
        ordered, _, _ = await self.online.purchases.order(self.consumer(serial), amount, phone)
        return ordered.reference

    async def settle(self, reference: str) -> Order:
        """Do as when somebody comes back from paying."""
        order, _ = await self.online.purchases.after_payment(reference, PATIENCE)
        return order

    async def work(self, **later: float) -> None:
        """Move the clock, and do all that is due then."""
        self.clock.move(**later)
        while await self.worker.step():
            pass


def email_of(serial: int) -> str:
    return f"resident{serial}@example.org"


def furnish(engine: Engine) -> None:
    """Give a database the demo's estate, and each of its meters a resident."""
    with writing(engine) as connection, connection.begin():
        ensure_demo_estate(connection)
        (estate,) = all_estates(connection)
        for serial in range(101, 106):
            command = Register(
                name=f"Resident {serial}",
                email=email_of(serial),
                password_hash="!",
                estate_key=estate.key,
                flat_number=str(serial),
                meter_type_id=1,
                meter_phase_type_id=1,
                meter_number=estate_meter_number(serial),
                received_at=NOON - timedelta(days=1),
            )
            consumers.register(connection, command)


def _sandbox(clock: MovedClock, over_http: httpx2.ASGITransport) -> PaystackSandbox:
    webhook_url = f"{PUBLIC_URL}/paystack/webhook"
    return PaystackSandbox(SECRET_KEY, webhook_url=webhook_url, now=clock, transport=over_http)


def _gateway(sandbox: PaystackSandbox, address: str) -> PaystackGateway:
    """Return what calls a sandbox: of this process, or at an address one of another."""
    return PaystackGateway(
        secret_key=SecretStr(SECRET_KEY),
        url=address or "http://paystack.test",
        on_call=lambda *_: None,
        seconds=partial(next, count()),
        transport=None if address else sandbox.transport(),
        patience=Patience(pauses=(0, 0)),
    )


def _world(
    clock: MovedClock,
    messages: Messages,
    *,
    gateway: PaystackGateway | None,
    meters: MeterGateway | None,
    first_reference: int,
) -> World:
    references = count(first_reference)
    return World(
        gateway=gateway,
        meters=meters,
        messengers={Channel.EMAIL: messages, Channel.SMS: messages},
        now=clock,
        new_reference=lambda: f"T{next(references):015}",
        new_api_key=lambda: uuid4().hex,
        new_task_no=lambda: str(uuid4()),
    )


def _committer(engine: Engine) -> Committer:
    return Committer(engine, lambda asked: asked, monotonic_seconds=time.monotonic)


@asynccontextmanager
async def open_shop(
    engine: Engine,
    *,
    clock: MovedClock | None = None,
    paystack: PaystackSandbox | str = "",
    first_reference: int = 1,
    maker: TokenMaker = MAKER,
    has_paystack: bool = True,
    has_meters: bool = True,
    meters: MeterGateway | None = None,
) -> AsyncIterator[Shop]:
    """Open a shop on a furnished database.

    Its Paystack is a new one, that of another shop, or by its address one of another process.
    """
    clock, messages, doors = clock or MovedClock(), Messages(), Doors()
    over_http = httpx2.ASGITransport(doors)
    address = paystack if isinstance(paystack, str) else ""
    sandbox = _sandbox(clock, over_http) if isinstance(paystack, str) else paystack
    gateway = _gateway(sandbox, address)
    if has_meters:
        meters = meters or SimulatedMeters(engine, now=clock)
    world = _world(
        clock,
        messages,
        gateway=gateway if has_paystack else None,
        meters=meters,
        first_reference=first_reference,
    )
    terms = Terms(policy=POLICY, callback_url=f"{PUBLIC_URL}/paystack/return", api_key_days=365)
    vault, sales = Vault(_committer(engine), maker), list[str]()
    await vault.committer.start()
    online = Online(engine, vault.transact, world, terms, on_vend=sales.append)
    doors.open(online)
    customer = httpx2.AsyncClient(transport=over_http, base_url=PUBLIC_URL)
    try:
        yield Shop(
            engine=engine,
            clock=clock,
            sandbox=sandbox,
            vault=vault,
            online=online,
            worker=Worker(online),
            messages=messages,
            gateway=gateway,
            customer=customer,
            sales=sales,
        )
    finally:
        await customer.aclose()
        await online.stop()
        await vault.committer.stop()
        await gateway.aclose()
