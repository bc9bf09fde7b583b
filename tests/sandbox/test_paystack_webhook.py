"""The stand-in for Paystack tells what happened: signed, twice, in any order, late or never."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re

import httpx2
import pytest

from tests.gateways.called import NEW, REFERENCE
from tests.sandbox.paystack_shop import KEY, Shop, run
from tests.support.service import AdvancingClock
from vending_api.sandbox.paystack import PaystackSandbox


def test_the_event_is_signed_over_its_octets() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid()
        assert await shop.box.deliver(REFERENCE) == [200]
        ((signature, body),) = shop.listener.came
        assert hmac.new(KEY.encode(), body, hashlib.sha512).hexdigest() == signature
        data = json.loads(body)["data"]
        assert (data["reference"], data["amount"], data["status"]) == (
            REFERENCE,
            520_000,
            "success",
        )
        # So a signature over rewritten JSON would be another.
        assert json.dumps(json.loads(body)).encode() != body

    run(scenario)


def test_a_payment_that_failed_has_no_event() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid(status="failed")
        assert await shop.box.deliver_waiting() == []
        assert shop.box.money_in() == 0
        # It may still go well.
        shop.box.pay(REFERENCE)
        assert await shop.box.deliver_waiting() == [200]
        assert shop.box.money_in() == 520_000

    run(scenario)


def test_a_payment_may_come_that_nobody_announced() -> None:
    async def scenario(shop: Shop) -> None:
        shop.box.pay("T1", amount=100)
        assert await shop.box.deliver("T1") == [200]
        with pytest.raises(ValueError, match="how much"):
            shop.box.pay("T2")

    run(scenario)


def test_deliveries_come_twice_in_any_order_or_never() -> None:
    async def scenario(shop: Shop) -> None:
        for number in range(3):
            shop.box.pay(f"T{number}", amount=100)
        shop.box.lose, shop.box.duplicate, shop.box.reorder = 1, 1, True
        assert await shop.box.deliver_waiting() == [200] * 4
        came = [json.loads(body)["data"]["reference"] for _, body in shop.listener.came]
        assert came == ["T2", "T1", "T2", "T1"]
        assert (shop.box.lose, shop.box.waiting) == (0, [])
        # What was lost is still known, and may be sent by hand.
        assert await shop.box.deliver("T0", times=3) == [200] * 3

    run(scenario)


def test_more_may_be_lost_than_waits() -> None:
    async def scenario(shop: Shop) -> None:
        shop.box.lose = 2
        shop.box.pay("T1", amount=100)
        assert await shop.box.deliver_waiting() == []
        assert shop.box.lose == 1

    run(scenario)


@pytest.mark.parametrize(("retries", "status"), [(0, 503), (1, 500), (2, 200), (9, 200)])
def test_what_is_not_answered_with_200_is_sent_again(retries: int, status: int) -> None:
    async def scenario(shop: Shop) -> None:
        shop.listener.statuses = [503, 500]
        shop.box.retries = retries
        shop.box.pay("T1", amount=100)
        assert await shop.box.deliver_waiting() == [status]
        assert len(shop.listener.came) == min(1 + retries, 3)

    run(scenario)


def test_a_delivery_may_be_altered_or_signed_otherwise() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid()
        body = shop.box.body_of(REFERENCE)
        await shop.box.deliver(REFERENCE, body=body.replace(b"520000", b"1"), signature="0" * 128)
        await shop.box.deliver(REFERENCE, body=b"{}")
        assert shop.listener.came[0] == ("0" * 128, body.replace(b"520000", b"1"))
        assert shop.listener.came[1] == (shop.box.sign(b"{}"), b"{}")
        assert len(shop.box.waiting) == 1  # the true one was not sent

    run(scenario)


def test_nobody_there_is_no_status() -> None:
    box = PaystackSandbox(KEY, webhook_url="http://127.0.0.1:9/", now=AdvancingClock())
    box.pay("T1", amount=100)
    assert asyncio.run(box.deliver("T1")) == [0]


def test_a_bank_may_take_the_money_back() -> None:
    async def scenario(shop: Shop) -> None:
        await shop.paid()
        shop.box.dispute(REFERENCE)
        shop.box.dispute(REFERENCE, "resolve", status="resolved")
        shop.box.reverse(REFERENCE)
        paid = await shop.gateway.verify(REFERENCE)
        assert paid is not None
        assert (paid.status, shop.box.money_back()) == ("reversed", 520_000)
        await shop.box.deliver_waiting()
        assert shop.listener.events()[1:] == ["charge.dispute.create", "charge.dispute.resolve"]
        data = json.loads(shop.listener.came[1][1])["data"]
        assert (data["transaction_reference"], data["transaction"]["reference"]) == (
            None,
            REFERENCE,
        )

    run(scenario)


@pytest.mark.parametrize("outcome", ["success", "failed"])
def test_a_customer_pays_on_the_page_and_is_sent_back(outcome: str) -> None:
    async def scenario(shop: Shop) -> None:
        checkout = await shop.gateway.initialize(NEW)
        async with (
            shop.box.serving() as url,
            httpx2.AsyncClient(base_url=url, trust_env=False) as browser,
        ):
            path = f"/checkout/{checkout.access_code}"
            page = await browser.get(path)
            assert f"NGN 5,200.00 to pay for {REFERENCE}" in page.text
            assert f'action="?status={outcome}"' in page.text
            answer = await browser.post(f"{path}?status={outcome}")
            assert answer.status_code == 303
            assert answer.headers["location"] == (
                f"{NEW.callback_url}?trxref={REFERENCE}&reference={REFERENCE}"
            )
            again = await browser.get(path)
            assert ("is paid" in again.text) == (outcome == "success")
        # The event went out while the browser was sent back.
        assert shop.listener.events() == (["charge.success"] if outcome == "success" else [])

    run(scenario)


def test_a_page_that_there_is_not_is_not_there() -> None:
    async def scenario(shop: Shop) -> None:
        async with httpx2.AsyncClient(
            transport=shop.box.transport(), base_url="http://sandbox"
        ) as browser:
            for method in ("GET", "POST"):
                assert (await browser.request(method, "/checkout/none")).status_code == 404

    run(scenario)


def test_nothing_is_left_to_chance() -> None:
    def told() -> list[str]:
        shop = Shop()
        for number in range(3):
            shop.box.pay(f"T{number}", amount=100)
            shop.box.refund_elsewhere(f"T{number}")
        return [one.body.decode() for one in shop.box.waiting]

    first = told()
    assert told() == first
    assert len(set(first)) == 9
    assert re.findall(r'"reference":"(T\d)"', "".join(first)) == ["T0", "T1", "T2"]
