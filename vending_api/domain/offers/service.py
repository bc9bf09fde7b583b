"""Works out what a request would bring: every rule is asked, in a fixed order, and nothing changes.

A sale carries the offer out; a trial only shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vending_api.domain.accounts.service import account_of
from vending_api.domain.clients.errors import TerminalNotRegistered
from vending_api.domain.clients.service import require_terminal
from vending_api.domain.credit.errors import InsufficientFunds, LimitExceeded
from vending_api.domain.credit.service import count, draw, require_funds, require_within
from vending_api.domain.credit.types import Scope
from vending_api.domain.issuing.types import TokenKind, TokenOrder
from vending_api.domain.key_changes.errors import CardContradicts, MeterKeyUnusable
from vending_api.domain.key_changes.service import due_key_change
from vending_api.domain.meters.errors import MeterBlocked, UnknownMeter
from vending_api.domain.meters.service import external_id_of, find_meter, lock_meter
from vending_api.domain.offers.errors import CurrencyNotAccepted, NothingDue
from vending_api.domain.offers.types import Offer
from vending_api.domain.pricing.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
)
from vending_api.domain.pricing.service import price
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.token_queue.service import waiting
from vending_api.domain.token_queue.types import QueuedKind

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from sts.id_record import IdRecord
    from sts.security_module import SecurityModule
    from vending_api.domain.clients.types import Client
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.offers.types import AskForCredit
    from vending_api.domain.pricing.types import Priced
    from vending_api.domain.token_queue.types import QueuedToken

REFUSALS: Final = (
    UnknownMeter,
    MeterBlocked,
    TerminalNotRegistered,
    CardContradicts,
    CurrencyNotAccepted,
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
    NothingDue,
    MeterKeyUnusable,
    LimitExceeded,
    InsufficientFunds,
)
"""What a rule of business turns down, and what is therefore remembered."""

_KINDS: Final = {
    QueuedKind.REFUND: TokenKind.REFUND,
    QueuedKind.POWER_LIMIT: TokenKind.POWER_LIMIT,
    QueuedKind.CLEAR_TAMPER: TokenKind.CLEAR_TAMPER,
    QueuedKind.CLEAR_CREDIT: TokenKind.CLEAR_CREDIT,
}


class _DayLimit(NamedTuple):
    """How much may be sold in a day, and to or by whom."""

    scope: Scope
    scope_key: int
    day: date
    maximum_minor: int
    what: str


def prepare(
    connection: Connection, security_module: SecurityModule, ask: AskForCredit, *, lock: bool
) -> Offer:
    """Return what a request would bring; `lock` keeps the meter for whoever carries it out.

    The account is read after the meter is locked. Raises the first of REFUSALS that applies,
    but those of the client's limits and credit, which are asked when they are used.
    """
    at = ask.received_at
    meter = meter_of(connection, ask.external_meter_id, ask.card, lock=lock)
    require_served(connection, meter, ask.client, ask.terminal_id)
    if ask.currency != meter.utility.currency:
        raise CurrencyNotAccepted(ask.currency, meter.utility.currency)
    # Nothing is the sum for free units; whether any are due is seen once they are worked out.
    if ask.amount_minor != 0:
        _require_within_limits(meter, ask.amount_minor)
    account = account_of(connection, meter.key)
    bought = price(meter.tariff, account, ask.amount_minor, at)
    credit = _credit_orders(meter, bought)
    key_change = due_key_change(security_module, meter, ask.card, at)
    queued = waiting(connection, meter)
    return Offer(
        registered=meter,
        key_change=key_change,
        account=account,
        bought=bought,
        orders=(*credit, *map(_queued_order, queued)),
        queued_keys=tuple(token.key for token in queued),
    )


def use_means(connection: Connection, ask: AskForCredit, meter: Meter, *, reference: str) -> None:
    """Count a sale towards the limits of client and meter, and take it from the client's credit.

    Raises LimitExceeded, InsufficientFunds; both before anything is issued.
    """
    _require_within_sale_limit(ask)
    for limit in _day_limits(ask, meter):
        count(
            *(connection, limit.scope, limit.scope_key, limit.day, ask.amount_minor),
            maximum_minor=limit.maximum_minor,
            what=limit.what,
        )
    draw(connection, ask.client, ask.amount_minor, reference=reference, at=ask.received_at)


def require_means(connection: Connection, ask: AskForCredit, meter: Meter) -> None:
    """Raise what `use_means` would for a sale that is only tried; count and take nothing."""
    _require_within_sale_limit(ask)
    for limit in _day_limits(ask, meter):
        require_within(
            *(connection, limit.scope, limit.scope_key, limit.day, ask.amount_minor),
            maximum_minor=limit.maximum_minor,
            what=limit.what,
        )
    require_funds(connection, ask.client, ask.amount_minor)


def meter_of(
    connection: Connection, external_id: str, card: IdRecord | None, *, lock: bool
) -> Meter:
    """Return the meter of a number, or of a card where no number is given.

    `lock` keeps others from selling to it. Raises UnknownMeter.
    """
    if not external_id and card is not None:
        external_id = external_id_of(connection, card.pan)
    return lock_meter(connection, external_id) if lock else find_meter(connection, external_id)


def require_served(connection: Connection, meter: Meter, client: Client, terminal_id: str) -> None:
    """Raise MeterBlocked or TerminalNotRegistered for whom nothing is made."""
    if meter.is_blocked:
        raise MeterBlocked(meter.external_id)
    require_terminal(connection, client, terminal_id)


def _day_limits(ask: AskForCredit, meter: Meter) -> list[_DayLimit]:
    """Return what limits the sales of a day, in the one order in which rows are locked."""
    of_meter = meter.rules.meter_day_maximum_minor
    of_client = ask.client.terms.day_maximum_minor
    if of_meter is None and of_client is None:
        return []
    day = meter.utility.local_date(ask.received_at)
    limits = []
    if of_meter is not None:
        what = "the sum that one meter buys for in a day"
        limits.append(_DayLimit(Scope.METER, meter.key, day, of_meter, what))
    if of_client is not None:
        what = "the sum that this client sells in a day"
        limits.append(_DayLimit(Scope.CLIENT, ask.client.key, day, of_client, what))
    return limits


def _require_within_sale_limit(ask: AskForCredit) -> None:
    maximum_minor = ask.client.terms.sale_maximum_minor
    if maximum_minor is not None and ask.amount_minor > maximum_minor:
        raise LimitExceeded("one sale of this client", maximum_minor)


def _require_within_limits(meter: Meter, amount_minor: int) -> None:
    limits = meter.limits
    if not limits.minimum_minor <= amount_minor <= limits.maximum_minor:
        raise AmountOutsideLimits(amount_minor, limits.minimum_minor, limits.maximum_minor)


def _credit_orders(meter: Meter, bought: Priced) -> list[TokenOrder]:
    """Return the credit that is paid for, then the free units that are due.

    Raises NothingDue for a purchase of nothing when nothing is due.
    """
    orders = []
    if bought.units_tenths:
        orders.append(
            TokenOrder(
                kind=TokenKind.STANDARD,
                units_tenths=bought.units_tenths,
                charge=bought.bill.credit,
            )
        )
    if bought.free_units_tenths:
        orders.append(
            TokenOrder(
                kind=TokenKind.FREE,
                units_tenths=bought.free_units_tenths,
                charge=FREE_OF_CHARGE,
                approval=f"free units of {meter.tariff_name}",
            )
        )
    if not orders:
        raise NothingDue(meter.external_id)
    return orders


def _queued_order(token: QueuedToken) -> TokenOrder:
    """Return a token of the queue as an order; what a refund is worth, nobody pays."""
    is_refund = token.kind is QueuedKind.REFUND
    approved = f", approved by {token.approved_by}" if token.approved_by else ""
    return TokenOrder(
        kind=_KINDS[token.kind],
        units_tenths=token.value if is_refund else 0,
        setting=None if is_refund else token.value,
        charge=FREE_OF_CHARGE._replace(net_minor=token.amount_minor),
        approval=f"order {token.key} by {token.ordered_by}{approved}",
    )
