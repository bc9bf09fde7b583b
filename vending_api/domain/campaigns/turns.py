"""A turn of a campaign: some of its meters get their due, all in one transaction.

Their rows are locked first, then the meters, in the order of their numbers. Every rule is asked
of each meter and its tokens are made before anything of it is written; so what is wrong with one
meter is its own refusal, and stops no other. Rows, sales and tokens are stored together: whoever
is killed in between has changed nothing, and the digits that were made reached nobody.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vending_api.domain.accounts.service import read_accounts
from vending_api.domain.campaigns import repository
from vending_api.domain.campaigns.eligibility import (
    Asked,
    to_change,
    to_give_free,
    to_queue,
    to_refund,
)
from vending_api.domain.campaigns.making import Making
from vending_api.domain.campaigns.service import order_of
from vending_api.domain.campaigns.types import (
    CampaignKind,
    CampaignState,
    Delivery,
    Done,
    RowState,
    Settled,
)
from vending_api.domain.clients.service import campaign_client
from vending_api.domain.consumers.service import emails_of_meters
from vending_api.domain.meters.service import lock_meters, order_key_changes
from vending_api.domain.token_queue.service import queue_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from vending_api.domain.campaigns.eligibility import ToChange
    from vending_api.domain.campaigns.types import Campaign, Turn
    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.meters.types import Meter


def take_turn(connection: Connection, maker: TokenMaker, turn: Turn) -> Done:
    """Give the next meters of a campaign their due, and return what it came to.

    Run it in a group (`kit.group`), so that what it writes of many meters goes in a few
    statements. Raises SecurityModuleUnavailable, and TokenNotProven where no token of all is right:
    then nothing was done.
    """
    campaign = repository.share(connection, turn.campaign_key)
    if campaign.state is not CampaignState.RUNNING:
        return Done(state=campaign.state)
    client = campaign_client(connection)
    pending = repository.take_pending(connection, turn)
    if not pending:
        return Done(state=campaign.state)
    meters = {
        meter.external_id: meter
        for meter in lock_meters(connection, {row.external_id for row in pending})
    }
    recipient_of = _recipients(connection, campaign, list(meters.values()))
    asked = [
        Asked(row, meters[row.external_id], recipient_of.get(row.external_id)) for row in pending
    ]
    making = Making(connection, maker, campaign, client, turn)
    keys = maker.security_module
    if campaign.kind is CampaignKind.KEY_CHANGE:
        _change_keys(
            connection, making, campaign, asked, partial(to_change, keys, campaign, turn.at)
        )
    elif campaign.kind is CampaignKind.FREE_UNITS:
        read_accounts(connection, [meter.key for meter in meters.values()])
        making.give(
            making.sort_out(asked, partial(to_give_free, connection, keys, campaign, turn.at))
        )
    elif campaign.delivery is Delivery.NEXT_PURCHASE:
        _order_refunds(connection, making, campaign, turn, asked)
    else:
        making.give(making.sort_out(asked, partial(to_refund, keys, campaign, turn.at)))
    repository.settle(connection, campaign.key, making.settled, turn.at)
    return Done(
        state=campaign.state,
        last=pending[-1].position,
        settled=len(making.settled),
        is_limit_reached=making.is_limit_reached,
    )


def refuse(connection: Connection, turn: Turn, code: str) -> Done:
    """Refuse the next meter that is pending, because its records cannot be stored."""
    campaign = repository.share(connection, turn.campaign_key)
    pending = repository.take_pending(connection, turn)
    settled = [
        Settled(position=row.position, state=RowState.REFUSED, refusal_code=code) for row in pending
    ]
    repository.settle(connection, campaign.key, settled, turn.at)
    last = pending[-1].position if pending else None
    return Done(state=campaign.state, last=last, settled=len(settled))


def _recipients(
    connection: Connection, campaign: Campaign, meters: Sequence[Meter]
) -> dict[str, str]:
    """Return whom a campaign tells of each meter's tokens, empty for nobody; nothing if none is."""
    if campaign.delivery is not Delivery.MESSAGE:
        return {}
    emails = emails_of_meters(connection, [meter.key for meter in meters])
    return {meter.external_id: emails.get(meter.key, "") for meter in meters}


def _change_keys(
    connection: Connection,
    making: Making,
    campaign: Campaign,
    asked: Sequence[Asked],
    decide: Callable[[Asked], ToChange],
) -> None:
    ready = making.sort_out(asked, decide)
    if campaign.delivery is not Delivery.NEXT_PURCHASE:
        making.change_keys(ready)
        return
    order_key_changes(connection, [(one.asked.meter, one.due.new) for one in ready])
    for one in ready:
        making.order(one.asked)


def _order_refunds(
    connection: Connection, making: Making, campaign: Campaign, turn: Turn, asked: Sequence[Asked]
) -> None:
    ready = making.sort_out(asked, to_queue)
    orders = [(one.meter, order_of(campaign, one.row.refund)) for one in ready]
    for one, key in zip(ready, queue_tokens(connection, orders, turn.at), strict=True):
        making.order(one, key)
