"""Money that comes otherwise than ordered goes back; what goes back is followed to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.online.proof import require_all_money_explained, require_clean_days
from tests.online.shop import CHARGE, SUM, open_shop
from tests.support.service import writing
from vending_api.domain.payments import cases
from vending_api.domain.payments.types import OrderState

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.online.shop import Shop


@pytest.mark.parametrize(
    ("paid", "problem"),
    [
        ({"amount": SUM - 1, "requested": SUM - 1}, "underpaid"),
        ({"amount": SUM - 1, "requested": SUM}, "underpaid"),
        ({"amount": SUM + 1, "requested": SUM + 1}, "other_amount"),
        ({"currency": "GHS"}, "wrong_currency"),
        ({"domain": "live"}, "wrong_mode"),
    ],
    ids=["too little asked", "too little paid", "too much", "currency", "mode"],
)
def test_money_that_is_not_as_ordered_goes_back(
    estate: Engine, paid: dict[str, Any], problem: str
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order(phone="+2348000000001")
            charged = shop.sandbox.pay(reference, **paid).charged
            order = await shop.settle(reference)
            assert (order.state, order.problem) == (OrderState.REFUND_DUE, problem)
            await require_all_money_explained(shop, open_minor=charged)
            await shop.work()
            assert shop.find(reference).state is OrderState.REFUNDING
            assert [one.amount for one in shop.sandbox.refunds] == [charged]
            shop.sandbox.finish_refund(reference)
            await shop.sandbox.deliver_waiting()
            assert shop.find(reference).state is OrderState.REFUNDED
            await shop.work(hours=100)
            assert shop.sales == []
            assert {recipient for recipient, _ in shop.messages.sent} == {
                "resident101@example.org",
                "+2348000000001",
            }
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize("tells_requested_amount", [True, False])
def test_fees_that_the_customer_bears_buy_nothing(
    estate: Engine, *, tells_requested_amount: bool
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            shop.sandbox.tells_requested_amount = tells_requested_amount
            reference = await shop.order()
            charged = SUM + 7_800 * tells_requested_amount
            shop.sandbox.pay(reference, amount=charged)
            order, sale = await shop.online.purchases.after_payment(reference, 20)
            assert (order.state, order.paid_minor) == (OrderState.VENDED, charged)
            assert sale is not None
            assert sale.amount_minor == SUM - CHARGE
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_money_that_comes_after_the_order_failed_or_ran_out_is_taken(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            failed, expired = await shop.order(), await shop.order(serial=102)
            shop.sandbox.pay(failed, status="failed")
            assert (await shop.settle(failed)).state is OrderState.FAILED
            for _ in range(20):
                await shop.work(hours=6)
            assert shop.find(expired).state is OrderState.EXPIRED
            assert shop.find(expired).next_step_at is None
            for reference in (failed, expired):
                shop.sandbox.pay(reference)
            await shop.sandbox.deliver_waiting()
            await shop.work()
            assert {order.state for order in shop.orders()} == {OrderState.VENDED}
            await require_all_money_explained(shop)

    asyncio.run(scenario())


async def _to_be_refunded(shop: Shop) -> str:
    reference = await shop.order()
    shop.sandbox.pay(reference, amount=SUM + 1, requested=SUM + 1)
    await shop.settle(reference)
    return reference


@pytest.mark.parametrize("fault", ["lost", "timeout"])
def test_a_refund_whose_answer_is_lost_is_asked_for_again_and_given_once(
    estate: Engine, fault: Any
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            shop.sandbox.fail("refund", how=fault)
            await shop.work()
            assert shop.find(reference).state is OrderState.REFUND_DUE
            await shop.work(minutes=2)
            assert shop.find(reference).state is OrderState.REFUNDING
            assert len(shop.sandbox.refunds) == 1
            # Without its id it is followed by what was paid, should its event be lost.
            shop.sandbox.finish_refund(reference)
            await shop.work(hours=2)
            assert shop.find(reference).state is OrderState.REFUNDED
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_a_refund_is_followed_by_its_id_when_its_events_are_lost(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            await shop.work()
            shop.sandbox.fail("find_refund", times=3)
            await shop.work(hours=1)
            await shop.work(hours=1)
            assert shop.find(reference).state is OrderState.REFUNDING
            shop.sandbox.heal()
            shop.sandbox.finish_refund(reference)
            await shop.work(hours=7)
            assert shop.find(reference).state is OrderState.REFUNDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_refund_that_does_not_go_through_is_a_case_until_somebody_asks_anew(
    estate: Engine,
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            await shop.work()
            shop.sandbox.finish_refund(reference, "failed")
            await shop.work(hours=1)
            failed = shop.find(reference)
            assert (failed.state, failed.is_open) == (OrderState.REFUND_FAILED, True)
            await require_all_money_explained(shop, open_minor=SUM + 1)
            with writing(estate) as connection, connection.begin():
                cases.order_refund(connection, reference, shop.clock())
            await shop.work()
            shop.sandbox.finish_refund(reference)
            await shop.work(hours=1)
            done = shop.find(reference)
            assert (done.state, done.is_open) == (OrderState.REFUNDED, False)
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_a_refund_that_paystack_refuses_is_a_case(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            shop.sandbox.fail("refund", how=400)
            await shop.work()
            order = shop.find(reference)
            assert (order.state, order.is_open) == (OrderState.REFUND_FAILED, True)
            await shop.work(hours=100)
            assert shop.find(reference).state is OrderState.REFUND_FAILED
            await require_all_money_explained(shop, open_minor=SUM + 1)

    asyncio.run(scenario())


def test_a_key_that_paystack_refuses_decides_nothing_about_a_refund(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            shop.sandbox.fail("refund", how=401)
            await shop.work()
            assert shop.find(reference).state is OrderState.REFUND_DUE
            await shop.work(minutes=2)
            assert shop.find(reference).state is OrderState.REFUNDING
            await require_all_money_explained(shop, open_minor=SUM + 1)

    asyncio.run(scenario())


def test_money_that_is_gone_when_a_refund_is_due_is_not_given_back_twice(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _to_be_refunded(shop)
            shop.sandbox.reverse(reference)
            await shop.work()
            assert shop.find(reference).state is OrderState.REFUNDED
            assert list(shop.sandbox.refunds) == []
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_money_that_goes_back_after_its_token_was_made_is_a_case(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            await shop.settle(reference)
            shop.sandbox.refund_elsewhere(reference)
            await shop.sandbox.deliver_waiting()
            order = shop.find(reference)
            assert order.state is OrderState.VENDED
            assert (order.problem, order.is_open) == ("refunded_after_vending", True)
            await shop.work(hours=100)
            await require_all_money_explained(shop, lost_minor=SUM)
            await require_clean_days(shop, differing=frozenset({reference}))

    asyncio.run(scenario())


def test_a_disputed_order_waits_for_the_operator(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            shop.sandbox.dispute(reference)
            shop.sandbox.reorder = True
            await shop.sandbox.deliver_waiting()
            await shop.work()
            held = shop.find(reference)
            assert (held.state, held.is_open) == (OrderState.PAID, True)
            await shop.work(hours=100)
            assert shop.find(reference).state is OrderState.PAID
            await require_all_money_explained(shop, open_minor=SUM)
            with writing(estate) as connection, connection.begin():
                cases.close_case(connection, reference, "won", shop.clock())
            await shop.work()
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_part_of_the_money_given_back_elsewhere_holds_the_sale(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference)
            shop.sandbox.refund_elsewhere(reference, 100)
            await shop.sandbox.deliver_waiting()
            await shop.work()
            held = shop.find(reference)
            assert (held.state, held.problem) == (OrderState.PAID, "partly_refunded")
            assert shop.sales == []
            await require_all_money_explained(shop, open_minor=SUM - 100)

    asyncio.run(scenario())
