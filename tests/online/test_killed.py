"""Whatever moment a process is killed at, no money is lost, and nothing is vended twice.

Each moment is a point before or after a function, at which a process ends itself with SIGKILL. A
fresh worker on the same database then does what is due, and all money must be explained.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.online import victim
from tests.online.proof import require_all_money_explained, require_clean_days
from tests.online.shop import SUM, open_shop
from tests.online.victim import Errand, Point
from tests.support.selling import BROKEN_MAKER, MAKER
from tests.support.warm import PROCESSES
from vending_api.domain.payments.types import OrderState
from vending_api.surfaces.paystack.mapping import to_delivery

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.online.shop import Shop

_ORDERS: Final = "vending_api.domain.payments.service"
_SETTLING: Final = "vending_api.domain.payments.settling"
_REFUNDS: Final = "vending_api.domain.payments.refunds"
_EVENTS: Final = "vending_api.domain.payment_events.service"
_NOTIFICATIONS: Final = "vending_api.domain.notifications.service"
_PAYSTACK: Final = "vending_api.gateways.paystack.client"
_ONLINE: Final = "vending_api.online"

# What is killed is ours; kills beside PostgreSQL are in `tests/faults` at random moments.
pytestmark = pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgres", marks=pytest.mark.faults)], indirect=True
)


async def _kill(shop: Shop, address: str, point: Point, action: str, **more: Any) -> None:
    """Let another process do something on the same database, and die at a point of it."""
    errand = Errand(
        database_url=shop.engine.url.render_as_string(hide_password=False),
        paystack_url=address,
        at=shop.clock(),
        action=action,
        point=point,
        **more,
    )
    process = PROCESSES.Process(target=victim.run, args=(errand,))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    ("point", "is_stored", "has_address"),
    [
        (Point(_ORDERS, "place_order", "before"), False, False),
        (Point(_ORDERS, "place_order", "after"), False, False),
        (Point(_PAYSTACK, "PaystackGateway.initialize", "before"), True, False),
        (Point(_PAYSTACK, "PaystackGateway.initialize", "after"), True, False),
        (Point(_ORDERS, "store_checkout", "after"), True, False),
        (Point(f"{_ONLINE}.purchases", "Purchases.order", "after"), True, True),
    ],
    ids=str,
)
def test_killed_while_ordering(
    estate: Engine, point: Point, *, is_stored: bool, has_address: bool
) -> None:
    reference = f"T{1:015}"

    async def scenario() -> None:
        async with open_shop(estate, first_reference=2) as shop, shop.sandbox.serving() as address:
            await _kill(shop, address, point, "order")
            orders = shop.orders()
            assert [order.reference for order in orders] == [reference] * is_stored
            assert all(bool(order.authorization_url) is has_address for order in orders)
            # Whoever found the page all the same, and paid, gets the token.
            if reference in shop.sandbox.ledger.transactions:
                shop.sandbox.pay(reference)
                await shop.work(minutes=3)
                assert shop.find(reference).state is OrderState.VENDED
            # Whoever saw nothing of it orders anew.
            again = await shop.order(serial=102)
            shop.sandbox.pay(again)
            await shop.settle(again)
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "point",
    [
        Point(_EVENTS, "hear", "before"),
        Point(_EVENTS, "hear", "after"),
        Point(f"{_ONLINE}.purchases", "Purchases.hear", "after"),
    ],
    ids=str,
)
def test_killed_while_hearing_of_a_payment(estate: Engine, point: Point) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop, shop.sandbox.serving() as address:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            body = shop.sandbox.body_of(reference)
            delivery = to_delivery(body, received_at=shop.clock())
            await _kill(shop, address, point, "hear", delivery=delivery)
            # Not answered, so it comes again.
            assert await shop.sandbox.deliver(reference) == [200]
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


_WHILE_SETTLING: Final = [
    Point(f"{_ONLINE}.settling", "Settling.take_due", "after"),
    Point(_PAYSTACK, "PaystackGateway.verify", "before"),
    Point(_PAYSTACK, "PaystackGateway.verify", "after"),
    Point(_SETTLING, "settle", "before"),
    Point(_SETTLING, "note_payment", "after"),
    # Between payment and sale, in one transaction.
    Point(_SETTLING, "retry", "before"),
    # Between the sale's own rows.
    Point("vending_api.domain.selling.service", "store_sale", "before"),
    Point("vending_api.domain.selling.service", "store_sale", "after"),
    Point("vending_api.domain.selling.service", "record_tokens", "after"),
    Point(_SETTLING, "retry", "after"),
    Point(_SETTLING, "tell", "after"),
    Point(_SETTLING, "settle", "after"),
    # Between sale and answer.
    Point(f"{_ONLINE}.settling", "Settling._tell", "before"),
]


@pytest.mark.parametrize("point", _WHILE_SETTLING, ids=str)
def test_killed_while_vending_by_the_worker(estate: Engine, point: Point) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop, shop.sandbox.serving() as address:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            shop.clock.move(minutes=2)
            await _kill(shop, address, point, "work")
            is_sold = point == _WHILE_SETTLING[-1]
            before = shop.find(reference).state
            assert before is (OrderState.VENDED if is_sold else OrderState.ORDERED)
            # Nothing is lost, nor done by halves; it is due again after the lease.
            await shop.work()
            assert shop.find(reference).state is before
            await shop.work(minutes=2)
            assert shop.find(reference).state is OrderState.VENDED
            assert len(shop.messages.sent) == 1
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "point",
    [
        Point(_PAYSTACK, "PaystackGateway.verify", "after"),
        Point(_SETTLING, "retry", "before"),
        Point(_SETTLING, "settle", "after"),
        Point(f"{_ONLINE}.settling", "Settling._tell", "before"),
        Point(_ORDERS, "note_shown", "before"),
        Point(f"{_ONLINE}.purchases", "Purchases._note_shown", "after"),
    ],
    ids=str,
)
def test_killed_while_a_customer_comes_back(estate: Engine, point: Point) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop, shop.sandbox.serving() as address:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await _kill(shop, address, point, "come back", reference=reference)
            # The customer reloads the page.
            assert (await shop.settle(reference)).state is OrderState.VENDED
            await shop.work(minutes=1)
            assert len(shop.messages.sent) == 1
            assert shop.find(reference).first_shown_at is not None
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_killed_while_vending_what_was_paid_before(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate, maker=BROKEN_MAKER) as shop, shop.sandbox.serving() as address:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.settle(reference)
            shop.clock.move(minutes=1)
            for point in (
                Point(_SETTLING, "vend", "before"),
                Point(_SETTLING, "retry", "after"),
                Point(_SETTLING, "vend", "after"),
            ):
                await _kill(shop, address, point, "work")
                assert shop.find(reference).state is OrderState.PAID
                await require_all_money_explained(shop, open_minor=SUM)
                shop.clock.move(minutes=2)
            shop.vault.maker = MAKER
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "point",
    [
        Point(_PAYSTACK, "PaystackGateway.refund", "before"),
        Point(_PAYSTACK, "PaystackGateway.refund", "after"),
        Point(_REFUNDS, "note_refund", "before"),
        Point(_REFUNDS, "note_refund", "after"),
        Point(f"{_ONLINE}.settling", "Settling._note", "after"),
    ],
    ids=str,
)
def test_killed_while_giving_money_back(estate: Engine, point: Point) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop, shop.sandbox.serving() as address:
            reference = await shop.order()
            shop.sandbox.pay(reference, amount=SUM + 1, requested=SUM + 1)
            await shop.settle(reference)
            await _kill(shop, address, point, "work")
            await shop.work(minutes=2)
            assert shop.find(reference).state is OrderState.REFUNDING
            assert len(shop.sandbox.refunds) == 1
            await require_all_money_explained(shop, open_minor=SUM + 1)
            shop.sandbox.finish_refund(reference)
            await shop.work(hours=2)
            assert shop.find(reference).state is OrderState.REFUNDED
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("point", "times"),
    [
        (Point(_NOTIFICATIONS, "take", "after"), 1),
        (Point("tests.online.shop", "Messages.send", "before"), 1),
        (Point("tests.online.shop", "Messages.send", "after"), 2),
        (Point(_NOTIFICATIONS, "mark_sent", "before"), 2),
        (Point(_NOTIFICATIONS, "mark_sent", "after"), 2),
    ],
    ids=str,
)
def test_killed_while_telling_the_customer(
    estate: Engine, point: Point, times: int, tmp_path: Path
) -> None:
    noted = tmp_path / "messages"
    noted.touch()

    async def scenario() -> None:
        async with open_shop(estate) as shop, shop.sandbox.serving() as address:
            shop.messages.file = str(noted)
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.settle(reference)
            await _kill(shop, address, point, "work", keeps_messages=str(noted))
            await shop.work(minutes=2)
            await shop.work(hours=24)
            await require_all_money_explained(shop)

    asyncio.run(scenario())
    assert noted.read_text(encoding="utf-8").splitlines() == ["resident101@example.org"] * times


def test_two_workers_at_once_take_each_step_once(estate: Engine) -> None:
    async def scenario() -> None:
        async with (
            open_shop(estate) as shop,
            open_shop(estate, clock=shop.clock, paystack=shop.sandbox) as other,
        ):
            paid = [await shop.order(serial=101 + number % 5) for number in range(10)]
            for reference in paid:
                shop.sandbox.pay(reference)
            shop.clock.move(minutes=2)
            for _ in range(3):
                await asyncio.gather(*(one.worker.step() for one in (shop, other) * 2))
            assert {order.state for order in shop.orders()} == {OrderState.VENDED}
            assert shop.sales + other.sales == [""] * len(paid)
            assert len(shop.messages.sent + other.messages.sent) == len(paid)
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())
