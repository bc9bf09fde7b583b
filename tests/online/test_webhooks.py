"""What Paystack tells comes twice, at once, late, altered, in any order or never: one sale."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.online.proof import require_all_money_explained, require_clean_days
from tests.online.shop import SUM, open_shop
from vending_api.domain.payment_events.service import count_for_review
from vending_api.domain.payments.errors import PaymentGatewayRefused
from vending_api.domain.payments.types import OrderState

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.online.shop import Shop

AT_ONCE = 32


def _for_review(shop: Shop) -> int:
    with shop.engine.connect() as connection:
        return count_for_review(connection)


async def _paid(shop: Shop) -> str:
    reference = await shop.order()
    shop.sandbox.pay(reference)
    return reference


def test_a_webhook_has_the_order_vended_by_the_worker_at_once(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            assert await shop.sandbox.deliver(reference) == [200]
            assert shop.online.wake.is_set()
            assert shop.find(reference).state is OrderState.ORDERED
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_a_webhook_that_comes_again_and_again_changes_nothing(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            assert await shop.sandbox.deliver(reference, times=3) == [200] * 3
            await shop.work()
            vended = shop.find(reference)
            for _ in range(3):
                assert await shop.sandbox.deliver(reference) == [200]
                await shop.work(hours=1)
            assert shop.find(reference) == vended
            assert shop.sales == [""]
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_thirty_two_webhooks_and_returns_at_once_are_one_sale(estate: Engine) -> None:
    async def scenario() -> None:
        async with (
            open_shop(estate) as shop,
            open_shop(estate, clock=shop.clock, paystack=shop.sandbox) as other,
        ):
            reference = await _paid(shop)
            come_back = f"/paystack/return?reference={reference}"
            returns = (
                one.customer.get(come_back) for one in (shop, other) for _ in range(AT_ONCE // 2)
            )
            pages, statuses, _ = await asyncio.gather(
                asyncio.gather(*returns),
                shop.sandbox.deliver(reference, times=AT_ONCE),
                asyncio.gather(shop.worker.step(), other.worker.step()),
            )
            assert statuses == [200] * AT_ONCE
            assert {page.status_code for page in pages} == {200}
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            assert (shop.sales + other.sales) == [""]
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_a_webhook_that_never_comes_is_not_waited_for(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            await shop.work(minutes=1)
            assert shop.find(reference).state is OrderState.ORDERED
            await shop.work(minutes=1)
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_webhook_before_our_own_commit_is_kept_and_the_money_found(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = f"T{1:015}"
            shop.sandbox.pay(reference, amount=SUM)
            assert await shop.sandbox.deliver(reference) == [200]
            assert _for_review(shop) == 1
            # Paystack has the reference, and says no to announcing it again.
            with pytest.raises(PaymentGatewayRefused, match="Duplicate"):
                await shop.order()
            assert _for_review(shop) == 0
            await shop.work(minutes=2)
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_webhook_while_paystack_is_being_asked_has_it_asked_again(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.clock.move(minutes=2)
            verify = shop.gateway.verify

            async def slow(asked: str) -> object:
                told = await verify(asked)
                # It was not paid when Paystack answered; it is before the answer is here.
                shop.sandbox.pay(asked)
                await shop.sandbox.deliver(asked)
                shop.gateway.verify = verify  # type: ignore[method-assign]  # for this once
                return told

            shop.gateway.verify = slow  # type: ignore[method-assign, assignment]  # for this once
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_altered_and_unsigned_bodies_change_nothing_and_are_not_kept(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            other = await _paid(shop)
            body = shop.sandbox.body_of(other)
            altered = body.replace(other.encode(), reference.encode())
            deliver = shop.sandbox.deliver
            genuine = shop.sandbox.sign(body)
            assert await deliver(other, body=altered, signature=genuine) == [401]
            again = json.dumps(json.loads(body)).encode()
            assert again != body
            assert await deliver(other, body=again, signature=genuine) == [401]
            assert await deliver(other, body=body, signature="") == [401]
            await shop.work()
            assert _for_review(shop) == 0
            assert {order.state for order in shop.orders()} == {OrderState.ORDERED}
            # Signed with the key, but not true: nothing is believed but what verify says.
            assert await deliver(other, body=altered) == [200]
            await shop.work()
            assert shop.find(reference).state is OrderState.ORDERED
            await shop.settle(other)
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_old_bodies_in_any_order_take_nothing_back(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            await shop.sandbox.deliver_waiting()
            await shop.work()
            for _ in range(2):
                await asyncio.gather(*(_replay(shop, one.body) for one in shop.sandbox.sent))
                await shop.work(hours=80)
            assert shop.find(reference).state is OrderState.VENDED
            assert shop.sales == [""]
            await require_all_money_explained(shop)

    asyncio.run(scenario())


async def _replay(shop: Shop, body: bytes) -> None:
    headers = {"x-paystack-signature": shop.sandbox.sign(body)}
    answer = await shop.customer.post("/paystack/webhook", content=body, headers=headers)
    assert answer.status_code == 200
