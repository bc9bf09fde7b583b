"""The worker sends what a campaign has to tell, beside what orders have."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.domain.campaigns.proposing import exported, listed, new, run
from tests.online.shop import open_shop
from tests.support.residents import METER
from vending_api.domain.campaigns.types import Delivery

if TYPE_CHECKING:
    from sqlalchemy import Engine


def test_the_worker_tells_of_a_campaign_once(estate: Engine) -> None:
    run(estate, new(delivery=Delivery.MESSAGE, selection=listed(METER)))
    (given,) = exported(estate, again=True)

    async def scenario() -> None:
        async with open_shop(estate) as shop:
            await shop.work()
            await shop.work(hours=24)
            ((_, message),) = shop.messages.sent
            assert given.tokens[0][:4] in message.text

    asyncio.run(scenario())
