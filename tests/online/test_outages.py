"""Paystack, the keys, the database or the service itself fails for a while: nothing is lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.online.proof import require_all_money_explained, require_clean_days
from tests.online.shop import SUM, open_shop
from tests.support.selling import BROKEN_MAKER, MAKER
from vending_api.domain.payments.errors import PaymentGatewayUnavailable, PaymentsNotOffered
from vending_api.domain.payments.types import OrderState
from vending_api.kit.errors import OutcomeUnknown, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from tests.online.shop import Shop


async def _paid(shop: Shop) -> str:
    reference = await shop.order()
    shop.sandbox.pay(reference)
    return reference


@pytest.mark.parametrize("fault", [503, "timeout", "garbage"])
def test_paystack_that_does_not_say_for_an_hour_delays_the_token_and_no_more(
    estate: Engine, fault: Any
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            shop.sandbox.fail("verify", times=1_000, how=fault)
            await shop.sandbox.deliver(reference)
            page = await shop.customer.get(f"/paystack/return?reference={reference}")
            assert page.status_code == 200
            for _ in range(12):
                await shop.work(minutes=5)
                assert shop.find(reference).state is OrderState.ORDERED
            shop.sandbox.heal()
            await shop.work(hours=1)
            assert shop.find(reference).state is OrderState.VENDED
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_paystack_that_never_says_makes_the_order_a_case_and_is_asked_on(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            shop.sandbox.fail("verify", times=10_000)
            for _ in range(30):
                await shop.work(hours=3)
            order = shop.find(reference)
            assert (order.state, order.problem) == (OrderState.ORDERED, "not_verified")
            assert order.is_open
            shop.sandbox.heal()
            await shop.work(hours=7)
            settled = shop.find(reference)
            assert (settled.state, settled.is_open) == (OrderState.VENDED, False)
            await require_all_money_explained(shop)

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", [503, "timeout", "lost", "garbage"])
def test_an_order_that_paystack_was_not_told_of_for_sure_runs_out_or_is_vended(
    estate: Engine, fault: Any
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            shop.sandbox.fail("initialize", how=fault)
            with pytest.raises(PaymentGatewayUnavailable):
                await shop.order()
            (order,) = shop.orders()
            assert order.state is OrderState.ORDERED
            is_known = order.reference in shop.sandbox.ledger.transactions
            assert is_known is (fault in {"timeout", "lost"})
            if is_known:
                shop.sandbox.pay(order.reference)
            for _ in range(20):
                await shop.work(hours=6)
            expected = OrderState.VENDED if is_known else OrderState.EXPIRED
            assert shop.find(order.reference).state is expected
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_keys_that_are_broken_and_mended_delay_the_token_and_no_more(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate, maker=BROKEN_MAKER) as shop:
            reference = await _paid(shop)
            paid = await shop.settle(reference)
            assert (paid.state, paid.problem) == (OrderState.PAID, "token_not_proven")
            await require_all_money_explained(shop, open_minor=SUM)
            for _ in range(10):
                await shop.work(minutes=10)
            assert shop.find(reference).state is OrderState.PAID
            # Paystack is not needed any more for what was verified once.
            shop.sandbox.fail("verify", times=1_000)
            shop.vault.maker = MAKER
            await shop.work(minutes=10)
            assert shop.find(reference).state is OrderState.VENDED
            assert set(shop.sales[:-1]) == {"token_not_proven"}
            assert shop.sales[-1] == ""
            shop.sandbox.heal()
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_what_cannot_be_vended_in_time_goes_back_and_is_never_vended(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate, maker=BROKEN_MAKER) as shop:
            reference = await _paid(shop)
            await shop.settle(reference)
            for _ in range(25):
                await shop.work(hours=1)
            order = shop.find(reference)
            assert (order.state, order.problem) == (OrderState.REFUNDING, "not_vended_in_time")
            shop.vault.maker = MAKER
            shop.sandbox.finish_refund(reference)
            await shop.sandbox.deliver_waiting()
            await shop.work(hours=24)
            assert shop.find(reference).state is OrderState.REFUNDED
            assert "" not in shop.sales
            assert [message.subject for _, message in shop.messages.sent]
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())


def test_a_fault_of_ours_while_vending_does_not_hide_that_the_customer_has_paid(
    estate: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await _paid(shop)
            with monkeypatch.context() as patch:
                patch.setattr("vending_api.domain.payments.settling.retry", _faulty)
                paid = await shop.settle(reference)
                assert (paid.state, paid.problem) == (OrderState.PAID, "unexpected")
                await shop.work(minutes=1)
                assert shop.find(reference).state is OrderState.PAID
                await require_all_money_explained(shop, open_minor=SUM)
            await shop.work(minutes=10)
            assert shop.find(reference).state is OrderState.VENDED
            assert shop.sales == ["unexpected", "unexpected", ""]
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def _faulty(*_: object) -> None:
    raise ZeroDivisionError


async def _not_done(_: Callable[[], Any]) -> Any:
    raise StorageUnavailable


async def _done_without_an_answer(run: Callable[[], Any]) -> Any:
    await run()
    raise OutcomeUnknown


@pytest.mark.parametrize("answer", [_not_done, _done_without_an_answer])
@pytest.mark.parametrize("paid", [{}, {"amount": SUM + 1, "requested": SUM + 1}])
def test_a_database_that_gives_no_answer_for_a_while_loses_and_doubles_nothing(
    estate: Engine, answer: Callable[..., Any], paid: dict[str, Any]
) -> None:
    """Let every transaction fail in turn, one after the other, whatever it is for."""

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order()
            shop.sandbox.pay(reference, **paid)
            for before in range(6):
                # So many transactions go well, and then one does not.
                shop.vault.faults = [None] * before + [answer]
                with suppress(StorageUnavailable, OutcomeUnknown):
                    await shop.work(minutes=10)
            shop.vault.faults = []
            if paid:
                shop.sandbox.finish_refund(reference)
            for _ in range(3):
                await shop.work(hours=6)
            expected = OrderState.REFUNDED if paid else OrderState.VENDED
            assert shop.find(reference).state is expected
            assert len(shop.sandbox.refunds) == bool(paid)
            await require_all_money_explained(shop)

    asyncio.run(scenario())


def test_without_a_key_of_paystack_nothing_is_ordered_and_what_is_paid_is_vended(
    estate: Engine,
) -> None:
    async def scenario() -> None:
        async with open_shop(estate, maker=BROKEN_MAKER) as shop:
            unpaid = await shop.order(serial=102)
            reference = await _paid(shop)
            await shop.settle(reference)
            async with open_shop(
                estate, clock=shop.clock, paystack=shop.sandbox, has_paystack=False
            ) as other:
                with pytest.raises(PaymentsNotOffered):
                    await other.order(serial=103)
                await other.work(minutes=10)
                assert other.find(reference).state is OrderState.VENDED
                assert other.find(unpaid).state is OrderState.ORDERED
            await require_all_money_explained(shop)

    asyncio.run(scenario())
