"""A stand-in for the service behind the surface: two residents, a few orders, and refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.routing import Mount

from tests.surfaces.crestflow import goods
from vending_api.domain.consumers.errors import (
    ApiKeyRejected,
    LoginRejected,
    MeterNotOfEstate,
    PasswordIncorrect,
)
from vending_api.domain.consumers.types import Consumer, FieldProblem, Staff
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.payments.errors import AmountNotAboveCharge, OrderUnknown
from vending_api.domain.payments.types import OrderState
from vending_api.domain.pricing.errors import AmountOutsideLimits
from vending_api.domain.readings.errors import DataItemUnknown, ReadingPending
from vending_api.domain.readings.types import TaskState
from vending_api.domain.receipts.types import OrderReceipt, Page
from vending_api.surfaces.crestflow.routes import build_app
from vending_api.surfaces.crestflow.services import CrestflowServices, Transactions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vending_api.domain.consumers.types import RegistrationFacts
    from vending_api.domain.estates.types import Estate
    from vending_api.domain.payments.types import Expected, Order, OrderFilter, Refund
    from vending_api.domain.readings.types import ReadingTask
    from vending_api.domain.receipts.types import PaidOrder, TokenReceipt
    from vending_api.domain.sales.types import Sale
    from vending_api.surfaces.crestflow.services import NewRegistration

KEY: Final = (
    "TeStSAMplEHnr2SvlC9jMHrWe8de7tqWoqnKxtDuEeQz6wwAm6qWusRFLR1u2U7S"
    "lZ99PHUIF1XhdcxEJRrt6DXtXg0n2tzo5Hoa09LyKwsTb2mAH8PL5RZ"
)
"""The key of the contract's sample."""
STAFF_KEY: Final = "staff" * 20
PASSWORD: Final = "correct horse battery"
FREE_METER: Final = "01234567890"
"""The one that may still be registered; the number of the meter of the first resident is taken."""
LEAST_MINOR: Final = 70_000
MOST_MINOR: Final = 5_020_000
Found = tuple["Order", "Sale | None", "Sequence[Refund]"]


class Desk:
    """Does all that is asked of it; `failure` is raised instead once it is set."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked: list[tuple[Any, ...]] = []
        """What was asked for, in order: the name of the service, and what it was given."""
        self.consumer = goods.consumer()
        self.estates = [goods.estate()]
        self.receipts: list[TokenReceipt] = [goods.receipt()]
        self.orders: list[PaidOrder] = [goods.paid_order()]
        self.read: list[ReadingTask] = []
        self.tasks: list[ReadingTask] = []
        self.purchases: dict[str, Found] = {
            "T123456789012345": (
                goods.order(state=OrderState.VENDED, paid_at=goods.at("2026-01-02 14:53:07")),
                goods.sale(),
                (),
            )
        }

    async def options(self) -> Sequence[Estate]:
        self._begin("options")
        return self.estates

    async def registration_problems(
        self, facts: RegistrationFacts, address: str
    ) -> dict[str, FieldProblem]:
        self._begin("registration_problems", facts, address)
        problems = {
            "meter_number": FieldProblem.TAKEN
            if facts.meter_number == self.consumer.meter_number
            else None,
            "estate": FieldProblem.UNKNOWN if facts.estate_key not in {None, 1, 2} else None,
            "email": FieldProblem.TAKEN if facts.email == self.consumer.email else None,
        }
        return {field: problem for field, problem in problems.items() if problem is not None}

    async def register(self, new: NewRegistration) -> None:
        self._begin("register", new)
        if new.meter_number != FREE_METER:
            raise MeterNotOfEstate(new.meter_number)

    async def log_in(self, email: str, password: str, address: str) -> str:
        self._begin("log_in", email, password, address)
        if (email, password) != (self.consumer.email, PASSWORD):
            raise LoginRejected
        return KEY

    async def who(self, api_key: str) -> Consumer | Staff:
        self.asked.append(("who", api_key))
        if api_key == STAFF_KEY:
            return Staff(name="Support")
        if api_key != KEY:
            raise ApiKeyRejected
        return self.consumer

    async def rename(self, consumer: Consumer, name: str) -> None:
        self._begin("rename", consumer.key, name)

    async def change_password(
        self, consumer: Consumer, current: str, new: str, address: str
    ) -> None:
        self._begin("change_password", consumer.key, current, new, address)
        if current != PASSWORD:
            raise PasswordIncorrect

    async def tokens(self, consumer: Consumer, page: int) -> Page[TokenReceipt]:
        self._begin("tokens", consumer.key, page)
        return _page(self.receipts, page)

    async def transactions(self, consumer: Consumer, page: int) -> Transactions:
        self._begin("transactions", consumer.key, page)
        receipts = {one.order.key: one for one in self.receipts if one.order is not None}
        found = [OrderReceipt(order=one, receipt=receipts.get(one.key)) for one in self.orders]
        return Transactions(
            page=_page(found, page),
            orders=self.orders[::-1],
            receipts=self.receipts[::-1],
            readings=self.read,
        )

    async def readings(self, consumer: Consumer) -> Sequence[ReadingTask]:
        self._begin("readings", consumer.key)
        return self.read

    async def ask_reading(self, consumer: Consumer, label: str) -> ReadingTask:
        self._begin("ask_reading", consumer.key, label)
        if label == "Voltage":
            raise ReadingPending(label)
        if label != "Power":
            raise DataItemUnknown(label)
        return goods.reading(label, state=TaskState.PENDING, ended_at=None)

    async def reading_tasks(self, consumer: Consumer, page: int) -> Page[ReadingTask]:
        self._begin("reading_tasks", consumer.key, page)
        return _page(self.tasks, page)

    async def order(
        self, consumer: Consumer, amount_minor: int, phone: str
    ) -> tuple[Order, Expected, ServiceType]:
        self._begin("order", consumer.key, amount_minor, phone)
        charge_minor = consumer.estate.transaction_charge_minor
        if amount_minor <= charge_minor:
            raise AmountNotAboveCharge(amount_minor, charge_minor)
        if not LEAST_MINOR <= amount_minor <= MOST_MINOR:
            raise AmountOutsideLimits(amount_minor, LEAST_MINOR, MOST_MINOR)
        placed = goods.order(amount_minor=amount_minor, phone=phone)
        return placed, goods.EXPECTED, ServiceType.ELECTRICITY

    async def find_order(self, holder: Consumer | Staff, reference: str) -> Found:
        self._begin("find_order", holder, reference)
        if reference not in self.purchases:
            raise OrderUnknown(reference)
        return self.purchases[reference]

    async def find_orders(
        self, holder: Consumer | Staff, wanted: OrderFilter, page: int
    ) -> Page[Found]:
        self._begin("find_orders", holder, wanted, page)
        return _page(list(self.purchases.values()), page)

    def _begin(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.failure is not None:
            raise self.failure


def app_of(desk: Desk, *, public_url: str | None = None) -> FastAPI:
    """Return the surface at its place below a service."""
    surface = build_app(services=services_of(desk), public_url=public_url)
    return FastAPI(routes=[Mount("/api", surface)], openapi_url=None)


def services_of(desk: Desk) -> CrestflowServices:
    """Return what the surface needs done, done by a desk."""
    return CrestflowServices(
        options=desk.options,
        registration_problems=desk.registration_problems,
        register=desk.register,
        log_in=desk.log_in,
        who=desk.who,
        rename=desk.rename,
        change_password=desk.change_password,
        tokens=desk.tokens,
        transactions=desk.transactions,
        readings=desk.readings,
        ask_reading=desk.ask_reading,
        reading_tasks=desk.reading_tasks,
        order=desk.order,
        find_order=desk.find_order,
        find_orders=desk.find_orders,
    )


def browser(
    desk: Desk, *, key: str | None = KEY, public_url: str | None = "https://vend.example.org"
) -> TestClient:
    """Return a caller with an API key that wants answers, not tracebacks."""
    return TestClient(
        app_of(desk, public_url=public_url),
        headers={} if key is None else {"X-API-KEY": key},
        raise_server_exceptions=False,
    )


def php(document: Any) -> bytes:
    """Return a document as PHP writes it; floats of the document are short decimals."""
    return json.dumps(document, separators=(",", ":")).replace("/", "\\/").encode()


def _page(records: list[Any], number: int) -> Page[Any]:
    before = (number - 1) * 15
    return Page(records[before : before + 15], number, len(records))
