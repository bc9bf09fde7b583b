"""Whether a meter may have what a campaign brings: every rule is asked, and nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.accounts.service import account_of
from vending_api.domain.campaigns.errors import KeyChangeFirst, NobodyToTell
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.types import TokenKind, TokenOrder
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.key_changes.service import due_key_change
from vending_api.domain.meters.errors import MeterBlocked
from vending_api.domain.meters.types import KeyData
from vending_api.domain.offers.errors import NothingDue
from vending_api.domain.pricing.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
)
from vending_api.domain.pricing.service import price
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.sales.errors import NoKeyChangeDue
from vending_api.kit.errors import MessageIdUsed

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.keys.key_facts import KeyDirectory
    from tariffs.account import Account
    from vending_api.domain.campaigns.types import Campaign, Pending
    from vending_api.domain.key_changes.types import KeyChangeDue
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.pricing.types import Bill

REFUSALS: Final = (
    MeterBlocked,
    NoKeyChangeDue,
    KeyChangeFirst,
    NobodyToTell,
    NothingDue,
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
    MeterKeyUnusable,
    TokenNotProven,
    MessageIdUsed,
)
"""What is a meter's own fault, and leaves the others of its campaign alone."""


class Asked(NamedTuple):
    """A meter whose turn it is."""

    row: Pending
    meter: Meter
    """As it was locked."""
    recipient: str | None = None
    """Who is told of its tokens: empty for nobody, None where nobody is to be."""


class ToChange(NamedTuple):
    """A meter that may change its key."""

    asked: Asked
    due: KeyChangeDue


class ToGive(NamedTuple):
    """A meter that may have a token, and what that leaves."""

    asked: Asked
    order: TokenOrder
    bill: Bill | None = None
    before: Account | None = None
    """With the next: what its tariff remembers, if it changes by this."""
    after: Account | None = None


def to_change(keys: KeyDirectory, campaign: Campaign, at: datetime, asked: Asked) -> ToChange:
    """Return the key change of a meter; raises one of REFUSALS."""
    meter = asked.meter
    _require_open(asked)
    if campaign.target.is_given:
        wanted = campaign.target.of(KeyData.of(meter.configuration))
        meter = meter._replace(key_data_to_hold=wanted)
    due = due_key_change(keys, meter, None, at)
    if due is None or due.new == KeyData.of(due.held):
        raise NoKeyChangeDue(meter.external_id)
    if campaign.target.is_given and due.new != meter.key_data_to_hold:
        # It holds what the campaign wants, and needs something else by the register's rules.
        raise NoKeyChangeDue(meter.external_id)
    return ToChange(asked, due)


def to_give_free(
    connection: Connection, keys: KeyDirectory, campaign: Campaign, at: datetime, asked: Asked
) -> ToGive:
    """Return the free units that a tariff gives a meter now; raises one of REFUSALS."""
    meter = asked.meter
    _require_open(asked)
    account = account_of(connection, meter.key)
    bought = price(meter.tariff, account, 0, at)
    if not bought.free_units_tenths:
        raise NothingDue(meter.external_id)
    _require_key(keys, meter, at)
    order = TokenOrder(
        kind=TokenKind.FREE,
        units_tenths=bought.free_units_tenths,
        charge=FREE_OF_CHARGE,
        approval=campaign.approval,
    )
    return ToGive(asked, order, bought.bill, account, bought.account)


def to_refund(keys: KeyDirectory, campaign: Campaign, at: datetime, asked: Asked) -> ToGive:
    """Return what a meter is given back; raises one of REFUSALS."""
    to_queue(asked)
    _require_key(keys, asked.meter, at)
    refund = asked.row.refund
    order = TokenOrder(
        kind=TokenKind.REFUND,
        units_tenths=refund.units_tenths,
        charge=FREE_OF_CHARGE._replace(net_minor=refund.amount_minor),
        approval=campaign.approval,
    )
    return ToGive(asked, order)


def to_queue(asked: Asked) -> Asked:
    """Return a meter that may be given back something; raises one of REFUSALS.

    What is given back is worth no more than what the meter may buy for at once.
    """
    meter = asked.meter
    _require_open(asked)
    limits, amount_minor = meter.limits, asked.row.refund.amount_minor
    if amount_minor > limits.maximum_minor:
        raise AmountOutsideLimits(amount_minor, 0, limits.maximum_minor)
    return asked


def _require_open(asked: Asked) -> None:
    if asked.meter.is_blocked:
        raise MeterBlocked(asked.meter.external_id)
    if asked.recipient == "":
        raise NobodyToTell(asked.meter.external_id)


def _require_key(keys: KeyDirectory, meter: Meter, at: datetime) -> None:
    if due_key_change(keys, meter, None, at) is not None:
        raise KeyChangeFirst(meter.external_id)
