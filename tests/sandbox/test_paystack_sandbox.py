"""The stand-in for Paystack answers calls as the contract says, or goes wrong as it is asked to."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.gateways.called import NEW, REFERENCE
from tests.sandbox.paystack_shop import KEY, Shop, run
from tests.support.service import NOON
from vending_api.domain.payments.errors import PaymentGatewayRefused, PaymentGatewayUnavailable
from vending_api.domain.payments.types import RefundState
from vending_api.gateways.paystack.client import ALREADY_REFUNDED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vending_api.gateways.paystack.client import PaystackGateway


def test_a_payment_is_announced_once_and_abandoned_until_it_is_paid() -> None:
    async def scenario(shop: Shop) -> None:
        checkout = await shop.gateway.initialize(NEW)
        assert checkout.authorization_url.endswith(f"/checkout/{checkout.access_code}")
        announced = await shop.gateway.verify(REFERENCE)
        assert announced is not None
        assert (announced.status, announced.paid_at) == ("abandoned", None)
        with pytest.raises(PaymentGatewayRefused) as refused:
            await shop.gateway.initialize(NEW)
        assert refused.value.reason_code == "duplicate_reference"
        shop.box.pay(REFERENCE)
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert (paid.status, paid.amount_minor, paid.mode) == ("success", 520_000, "test")
        assert await shop.gateway.verify("T000000000000000") is None

    run(scenario)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": 0}, "Invalid Amount Sent"),
        ({"amount": -1}, "Invalid Amount Sent"),
        ({"amount": "5200.50"}, "Invalid Amount Sent"),
        ({"amount": True}, "Invalid Amount Sent"),
        ({"email": "nobody"}, "Invalid Email Address Passed"),
        ({"reference": "T_1"}, "Invalid Transaction Reference"),
        ({"currency": "EUR"}, "Currency not supported by merchant"),
    ],
)
def test_what_cannot_be_announced_is_refused(changes: dict[str, Any], message: str) -> None:
    async def scenario(shop: Shop) -> None:
        answer = await _posted(shop, {"email": "a@b.c", "amount": 100, **changes})
        assert answer.json()["message"] == message
        assert answer.json()["status"] is False
        assert shop.box.transactions == []

    run(scenario)


@pytest.mark.parametrize("amount", [100, "100"], ids=["number", "text"])
@pytest.mark.parametrize("as_form", [True, False])
def test_a_sum_may_be_a_text_and_a_body_a_form(amount: int | str, *, as_form: bool) -> None:
    async def scenario(shop: Shop) -> None:
        fields = {"email": "a@b.c", "amount": amount}
        answer = await _posted(shop, fields, as_form=as_form)
        assert answer.status_code == 200
        (announced,) = shop.box.transactions
        assert (announced.amount, announced.currency) == (100, "NGN")
        assert announced.reference == answer.json()["data"]["reference"]

    run(scenario)


async def _posted(shop: Shop, fields: dict[str, Any], *, as_form: bool = False) -> httpx2.Response:
    async with httpx2.AsyncClient(
        transport=shop.box.transport(), base_url="http://sandbox"
    ) as client:
        headers = {"Authorization": f"Bearer {KEY}"}
        path = "/transaction/initialize"
        if as_form:
            return await client.post(path, data=fields, headers=headers)
        return await client.post(path, json=fields, headers=headers)


def test_another_key_is_refused_everywhere() -> None:
    async def scenario(shop: Shop) -> None:
        gateway = shop.gateway
        for call in (
            gateway.initialize(NEW),
            gateway.verify(REFERENCE),
            gateway.refund(1, note=""),
            gateway.find_refund("1"),
            gateway.payments(NOON, NOON),
        ):
            with pytest.raises(PaymentGatewayRefused) as refused:
                await call
            assert refused.value.status == 401

    run(scenario, key="sk_test_other")


def test_nobody_pays_twice() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid()
        with pytest.raises(ValueError, match="paid twice"):
            shop.box.pay(REFERENCE)

    run(scenario)


def test_payments_come_in_every_wrong_way() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid(amount=40_333, requested=30_050, currency="USD", domain="live")
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert (paid.amount_minor, paid.requested_minor) == (40_333, 30_050)
        assert (paid.currency, paid.mode) == ("USD", "live")
        shop.box.tells_requested_amount = False
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert paid.requested_minor is None

    run(scenario)


def test_a_whole_refund_is_given_once() -> None:
    async def scenario(shop: Shop) -> None:
        number = await shop.paid()
        asked = await shop.gateway.refund(number, note="")
        assert (asked.amount_minor, asked.state) == (520_000, RefundState.PENDING)
        with pytest.raises(PaymentGatewayRefused) as refused:
            await shop.gateway.refund(number, note="")
        assert refused.value.reason_code == ALREADY_REFUNDED
        assert shop.box.money_back() == 0
        shop.box.finish_refund(REFERENCE)
        assert (await shop.gateway.find_refund(asked.refund_id)).state is RefundState.PROCESSED
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert paid.status == "reversed"
        assert (shop.box.money_in(), shop.box.money_back()) == (520_000, 520_000)
        await shop.box.deliver_waiting()
        assert shop.listener.events() == ["charge.success", "refund.pending", "refund.processed"]
        sums = [json.loads(body)["data"]["amount"] for _, body in shop.listener.came]
        assert sums == [520_000, "520000", 520_000]

    run(scenario)


def test_a_refund_that_failed_may_be_asked_for_again() -> None:
    async def scenario(shop: Shop) -> None:
        number = await shop.paid()
        await shop.gateway.refund(number, note="")
        shop.box.finish_refund(REFERENCE, "failed")
        assert (await shop.gateway.refund(number, note="")).state is RefundState.PENDING
        assert [one.status for one in shop.box.refunds] == ["failed", "pending"]

    run(scenario)


def test_parts_may_be_given_back_elsewhere_up_to_all() -> None:
    async def scenario(shop: Shop) -> None:
        number = await shop.paid()
        shop.box.refund_elsewhere(REFERENCE, 200_000)
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert (paid.status, shop.box.money_back()) == ("success", 200_000)
        with pytest.raises(PaymentGatewayRefused) as refused:
            await shop.gateway.refund(number, note="")  # all of it is more than what is left
        assert refused.value.reason_code == "invalid_amount"
        shop.box.refund_elsewhere(REFERENCE, 320_000)
        assert shop.box.money_back() == 520_000
        with pytest.raises(PaymentGatewayRefused) as refused:
            await shop.gateway.refund(number, note="")
        assert refused.value.reason_code == ALREADY_REFUNDED

    run(scenario)


@pytest.mark.parametrize("number", [7, 4_000_000_001])
def test_what_was_not_paid_is_not_given_back(number: int) -> None:
    async def scenario(shop: Shop) -> None:
        await shop.gateway.initialize(NEW)
        with pytest.raises(PaymentGatewayRefused):
            await shop.gateway.refund(number, note="")

    run(scenario)


def test_payments_are_listed_by_time_and_page() -> None:
    async def scenario(shop: Shop) -> None:
        for number in range(230):
            shop.box.pay(f"T{number}", amount=100 + number)
        day = timedelta(days=1)
        found = await shop.gateway.payments(NOON - day, NOON + day)
        assert [one.amount_minor for one in found] == list(range(329, 99, -1))
        assert await shop.gateway.payments(NOON + day, NOON + 2 * day) == []
        assert await shop.gateway.payments(NOON - 2 * day, NOON - day) == []

    run(scenario)


@pytest.mark.parametrize("how", [500, 503, "garbage"])
def test_a_call_goes_wrong_and_nothing_is_done(how: Any) -> None:
    async def scenario(shop: Shop) -> None:
        shop.box.fail("initialize", 1, how)
        with pytest.raises(PaymentGatewayUnavailable):
            await shop.gateway.initialize(NEW)
        assert shop.box.transactions == []
        await shop.gateway.initialize(NEW)

    run(scenario)


@pytest.mark.parametrize("how", ["lost", "timeout"])
def test_a_call_is_done_and_its_answer_never_comes(how: Any) -> None:
    async def scenario(shop: Shop) -> None:
        shop.box.fail("initialize", 1, how)
        with pytest.raises(PaymentGatewayUnavailable):
            await shop.gateway.initialize(NEW)
        assert [one.reference for one in shop.box.transactions] == [REFERENCE]
        # What only asks is asked again by itself.
        shop.box.fail("verify", 2, how)
        assert await shop.gateway.verify(REFERENCE) is not None
        shop.box.fail("verify", 30, how)
        with pytest.raises(PaymentGatewayUnavailable):
            await shop.gateway.verify(REFERENCE)
        shop.box.heal()
        assert await shop.gateway.verify(REFERENCE) is not None
        with pytest.raises(ValueError, match="pay is none of"):
            shop.box.fail("pay")

    run(scenario)


@asynccontextmanager
async def _over_loopback(shop: Shop) -> AsyncIterator[tuple[str, PaystackGateway]]:
    async with shop.box.serving() as url:
        gateway = shop.gateway_to(url)
        try:
            yield url, gateway
        finally:
            await gateway.aclose()


def test_it_serves_over_loopback_with_the_same_bad_days() -> None:
    async def scenario(shop: Shop) -> None:
        async with _over_loopback(shop) as (url, gateway):
            assert url.startswith("http://127.0.0.1:")
            checkout = await gateway.initialize(NEW)
            assert checkout.authorization_url.startswith(f"{url}/checkout/")
            number = shop.box.pay(REFERENCE).id
            shop.box.fail("refund", 1, "lost")
            with pytest.raises(PaymentGatewayUnavailable):
                await gateway.refund(number, note="")
            with pytest.raises(PaymentGatewayRefused) as refused:
                await gateway.refund(number, note="")
            assert refused.value.reason_code == ALREADY_REFUNDED
            shop.box.fail("verify", 3, "timeout")
            with pytest.raises(PaymentGatewayUnavailable):
                await gateway.verify(REFERENCE)

    run(scenario)


def test_it_answers_nobody_from_outside() -> None:
    async def scenario(shop: Shop) -> None:
        for peer, status in (("127.0.0.1", 404), ("::1", 404), ("203.0.113.9", 403)):
            transport = httpx2.ASGITransport(shop.box.app, client=(peer, 1))
            async with httpx2.AsyncClient(transport=transport, base_url="http://s") as client:
                assert (await client.get("/checkout/none")).status_code == status

    run(scenario)
