"""Whatever disturbs a purchase, it is vended for once, or the money goes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.online.proof import require_all_money_explained, require_clean_days
from tests.online.shop import CHARGE, SUM, open_shop
from vending_api.domain.payments.types import OrderState

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_an_order_that_is_paid_is_vended_when_its_customer_comes_back(estate: Engine) -> None:
    async def scenario() -> None:
        async with open_shop(estate) as shop:
            reference = await shop.order(phone="+2348000000001")
            assert shop.find(reference).state is OrderState.ORDERED
            shop.sandbox.pay(reference)
            order, sale = await shop.online.purchases.after_payment(reference, 20)
            assert order.state is OrderState.VENDED
            assert sale is not None
            assert sale.amount_minor == SUM - CHARGE
            assert shop.find(reference).first_shown_through == "return"
            await shop.work()
            assert {recipient for recipient, _ in shop.messages.sent} == {
                "resident101@example.org",
                "+2348000000001",
            }
            assert shop.sales == [""]
            await require_all_money_explained(shop)
            await require_clean_days(shop)

    asyncio.run(scenario())
