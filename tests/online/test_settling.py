"""Calls are shared, not made too often, and never waited for longer than a lease."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.online.proof import require_all_money_explained
from tests.online.shop import SUM, open_shop
from vending_api.domain.notifications.types import Channel
from vending_api.domain.payments.errors import OrderUnknown, PaymentGatewayUnavailable
from vending_api.domain.payments.types import OrderState
from vending_api.domain.readings.errors import MetersNotConnected
from vending_api.domain.readings.types import TaskState
from vending_api.kit.due import LEASE
from vending_api.online import outbox, readings, settling

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.online.shop import Shop
    from vending_api.domain.payments.types import Order


def _count_verifies(shop: Shop) -> list[str]:
    """Let each call that verifies be noted in a list."""
    verify, asked = shop.gateway.verify, []

    async def noted(reference: str) -> Any:
        asked.append(reference)
        return await verify(reference)

    shop.gateway.verify = noted  # type: ignore[method-assign]  # for this shop
    return asked


async def _never(*_: Any, **__: Any) -> Any:
    await asyncio.Event().wait()


def test_all_who_ask_at_once_share_one_call(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            asked = _count_verifies(shop)
            verify, flight = shop.gateway.verify, shop.online.settling._flight
            joined, all_joined = [], asyncio.Event()

            async def held(reference: str) -> Any:
                await all_joined.wait()
                return await verify(reference)

            def join(order: Order) -> asyncio.Task[None]:
                joined.append(order.reference)
                if len(joined) == 9:
                    all_joined.set()
                return flight(order)

            monkeypatch.setattr(shop.gateway, "verify", held)
            monkeypatch.setattr(shop.online.settling, "_flight", join)
            await asyncio.gather(
                *(shop.settle(reference) for _ in range(8)),
                shop.online.settling.take_step(reference),
            )
            assert asked == [reference]

    asyncio.run(scenario())


def test_who_looks_again_and_again_does_not_ask_paystack_each_time(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "_REMEMBERED", 0)

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            asked = _count_verifies(shop)
            for _ in range(5):
                await shop.settle(reference)
            assert len(asked) == 1
            shop.clock.move(seconds=settling.VERIFY_FLOOR.total_seconds())
            await shop.settle(reference)
            assert len(asked) == 2

    asyncio.run(scenario())


def test_an_order_that_nobody_placed_is_unknown(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            for reference in ("T000000000000009", "nonsense"):
                with pytest.raises(OrderUnknown):
                    await shop.settle(reference)

    asyncio.run(scenario())


def test_a_customer_is_not_kept_waiting_and_what_was_begun_goes_on(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            verify, may_go_on = shop.gateway.verify, asyncio.Event()

            async def slow(asked: str) -> Any:
                await may_go_on.wait()
                return await verify(asked)

            shop.gateway.verify = slow  # type: ignore[assignment, method-assign]  # for this shop
            order, sale = await shop.online.purchases.after_payment(reference, 0.001)
            assert (order.state, sale) == (OrderState.ORDERED, None)
            may_go_on.set()
            await shop.online.settling.drain()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize("call", ["verify", "refund"])
def test_a_step_whose_calls_take_too_long_is_given_up_well_within_its_lease(
    estate: Engine, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert timedelta(seconds=2 * settling.STEP_SECONDS) < LEASE
    monkeypatch.setattr(settling, "STEP_SECONDS", 0.05)

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference, amount=SUM + 1, requested=SUM + 1)
            if call == "refund":
                await shop.settle(reference)
            before = shop.find(reference).state
            with monkeypatch.context() as patch:
                patch.setattr(shop.gateway, call, _never)
                await shop.work(minutes=2)
            assert shop.find(reference).state is before
            assert shop.find(reference).attempts == 1
            monkeypatch.setattr(settling, "STEP_SECONDS", 25)
            for _ in range(3):
                await shop.work(minutes=5)
            assert shop.find(reference).state is OrderState.REFUNDING
            await require_all_money_explained(shop, open_minor=SUM + 1)

    asyncio.run(scenario())


def test_an_order_is_not_announced_for_longer_than_a_step_may_take(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "STEP_SECONDS", 0.05)

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            monkeypatch.setattr(shop.gateway, "initialize", _never)
            with pytest.raises(PaymentGatewayUnavailable):
                await shop.order()

    asyncio.run(scenario())


def test_a_messenger_that_does_not_answer_or_is_not_there_any_more_is_tried_again(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.settle(reference)
            with monkeypatch.context() as patch:
                patch.setattr(outbox, "_SEND_SECONDS", 0.05)
                patch.setattr(shop.messages, "send", _never)
                await shop.work()
            with monkeypatch.context() as patch:
                patch.delitem(shop.online.outbox._world.messengers, Channel.EMAIL)
                await shop.work(minutes=1)
            assert shop.messages.sent == []
            assert shop.online.backlog().notifications_waiting == 1
            await shop.work(minutes=5)
            assert len(shop.messages.sent) == 1

    asyncio.run(scenario())


def test_a_meter_that_never_answers_is_not_waited_for(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "_READ_SECONDS", 0.05)

    class _Silent:
        read = staticmethod(_never)

    async def scenario() -> None:
        async with open_shop(estate, meters=_Silent()) as shop:
            consumer = shop.consumer()
            await shop.online.readings.ask(consumer, "Power")
            for _ in range(3):
                await shop.work(minutes=5)
            (task,) = (await shop.online.readings.tasks(consumer, 1)).items
            assert task.state is TaskState.FAILED

    asyncio.run(scenario())


def test_without_meters_nothing_is_read_and_asking_says_so(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            consumer = shop.consumer()
            task = await shop.online.readings.ask(consumer, "Power")
            async with open_shop(estate, clock=shop.clock, has_meters=False) as other:
                with pytest.raises(MetersNotConnected):
                    await other.online.readings.ask(consumer, "Voltage")
                assert await other.online.readings.take_due(20) == ()
                with pytest.raises(MetersNotConnected):
                    await other.online.readings.read(task.key)
                assert (await other.online.readings.tasks(consumer, 1)).total == 1

    asyncio.run(scenario())
