"""Look up, sell, and sell again only if it was not sold: claim the id first, then act.

Each function runs inside a transaction that its caller commits before it answers.
What a business rule turns down is returned as a Refusal and committed, so that its
id stays used; what is raised leaves no trace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sts.units import TransferAmount
from vending_api.domain.accounts.service import account_of, store_account
from vending_api.domain.issuing.errors import MeterKeyUnusable
from vending_api.domain.issuing.service import (
    CreditOrder,
    make_credit_tokens,
    record_tokens,
    tokens_of_sale,
)
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.errors import MeterBlocked, UnknownMeter
from vending_api.domain.meters.service import find_meter, lock_meter
from vending_api.domain.pricing.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
)
from vending_api.domain.pricing.service import limits_of, price, undo
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.sales import repository
from vending_api.domain.sales.errors import CurrencyNotAccepted, MessageIdUsed, NothingDue
from vending_api.domain.sales.types import Refusal, Sale
from vending_api.kit.idempotency import claim

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.pricing.types import Bill, Priced
    from vending_api.domain.sales.types import LookUpMeter, SellCredit

_LOOKUP: Final = "lookup"
_PURCHASE: Final = "purchase"

_REFUSALS: Final = (
    UnknownMeter,
    MeterBlocked,
    CurrencyNotAccepted,
    AmountOutsideLimits,
    AmountTooLarge,
    AmountTooSmall,
    NoPrice,
    NothingDue,
    MeterKeyUnusable,
)
"""What a rule of business turns down, and what is therefore remembered."""


def look_up(connection: Connection, command: LookUpMeter) -> Meter | Refusal:
    """Return a registered meter with what it may buy for now, or the refusal of an unknown one.

    Raises MessageIdUsed when another lookup had this id.
    """
    taken = claim(
        connection,
        kind=_LOOKUP,
        message_id=command.lookup_id,
        subject=command.lookup_id,
        at=command.received_at,
    )
    if not taken.is_new:
        raise MessageIdUsed(command.lookup_id)
    try:
        meter = find_meter(connection, command.external_meter_id)
    except UnknownMeter as reason:
        return Refusal(reason)
    return replace(meter, limits=limits_of(meter, command.received_at))


def sell(connection: Connection, maker: TokenMaker, command: SellCredit) -> Sale | Refusal:
    """Sell credit under an id that nothing was sold under before.

    Raises MessageIdUsed when the id is known, TokenNotProven when the token was bad.
    """
    if _claim_purchase(connection, command, command.purchase_id) is not None:
        raise MessageIdUsed(command.purchase_id)
    return _decide(connection, maker, command, is_known=False)


def retry(connection: Connection, maker: TokenMaker, command: SellCredit) -> Sale | Refusal:
    """Return what was sold under the id, or sell now if nothing was.

    What was refused is decided anew. Raises MessageIdUsed when the id belongs to another
    client, when it was sold for another meter or sum, or when the message's own id belongs
    to another sale; TokenNotProven.
    """
    earlier = _claim_purchase(connection, command, command.purchase_id)
    holder = _claim_purchase(connection, command, command.message_id)
    if holder not in {None, command.purchase_id}:
        raise MessageIdUsed(command.message_id)
    if earlier is None:
        return _decide(connection, maker, command, is_known=False)
    if earlier != command.purchase_id:
        raise MessageIdUsed(command.purchase_id)
    stored = repository.lock_sale(connection, command.purchase_id)
    if stored.client_key != command.client.key:
        raise MessageIdUsed(command.purchase_id)
    if stored.was_refused:
        return _decide(connection, maker, command, is_known=True)
    if not _asks_the_same(stored, command):
        raise MessageIdUsed(command.purchase_id)
    return Sale(
        purchase_id=command.purchase_id,
        amount_minor=stored.amount_minor,
        currency=stored.currency,
        sold_at=stored.received_at,
        meter=find_meter(connection, stored.external_meter_id),
        tokens=tokens_of_sale(connection, stored.key),
        bill=stored.bill,
    )


def restore_account(connection: Connection, purchase_id: str) -> None:
    """Undo what a sale did to the account of its meter, as a reversal that is credited does.

    Units of the month, debts, charges and what was carried are as if it had not been sold,
    whatever was sold since. The sale must be sold, and its caller sees that this is done once.
    """
    sold = repository.lock_sale(connection, purchase_id)
    meter = lock_meter(connection, sold.external_meter_id)
    account = account_of(connection, meter.key)
    day = meter.tariff.local_date(sold.received_at)
    before = undo(account, sold.bill, sold.amount_minor, day)
    store_account(connection, meter.key, before, before=account)


def _claim_purchase(connection: Connection, command: SellCredit, message_id: str) -> str | None:
    """Take an id for the sale; return None, or the purchase id that it belonged to already."""
    taken = claim(
        connection,
        kind=_PURCHASE,
        message_id=message_id,
        subject=command.purchase_id,
        at=command.received_at,
    )
    return None if taken.is_new else taken.subject


def _asks_the_same(stored: repository.StoredSale, command: SellCredit) -> bool:
    # The clock and the terminal do not count: an honest retry comes later, maybe from elsewhere.
    return (
        stored.external_meter_id == command.external_meter_id
        and stored.amount_minor == command.amount_minor
        and stored.currency == command.currency
    )


def _decide(
    connection: Connection, maker: TokenMaker, command: SellCredit, *, is_known: bool
) -> Sale | Refusal:
    """Sell or refuse under a claimed id, and store which of the two.

    The account is read after the meter is locked, and changes only if the tokens are made.
    """
    at = command.received_at
    try:
        meter = lock_meter(connection, command.external_meter_id)
        _require_allowed(meter, command)
        account = account_of(connection, meter.key)
        bought = price(meter.tariff, account, command.amount_minor, at)
        orders = _orders(meter, command, bought)
        tokens = make_credit_tokens(connection, maker, meter, orders, now=at)
    except _REFUSALS as reason:
        _store(connection, command, reason.code, is_known=is_known)
        return Refusal(reason)
    sale_key = _store(connection, command, bought.bill, is_known=is_known)
    record_tokens(connection, tokens, sale_key=sale_key, meter=meter, made_at=at)
    store_account(connection, meter.key, bought.account, before=account)
    return Sale(
        purchase_id=command.purchase_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        sold_at=at,
        meter=meter,
        tokens=tokens,
        bill=bought.bill,
    )


def _require_allowed(meter: Meter, command: SellCredit) -> None:
    """Raise the first rule that forbids the sale; the order is part of the interface."""
    if meter.is_blocked:
        raise MeterBlocked(meter.external_id)
    if command.currency != meter.utility.currency:
        raise CurrencyNotAccepted(command.currency, meter.utility.currency)
    # Nothing is the sum for free units; whether any are due is seen once they are worked out.
    if command.amount_minor != 0:
        _require_within_limits(meter, command.amount_minor)


def _require_within_limits(meter: Meter, amount_minor: int) -> None:
    limits = meter.limits
    if not limits.minimum_minor <= amount_minor <= limits.maximum_minor:
        raise AmountOutsideLimits(amount_minor, limits.minimum_minor, limits.maximum_minor)


def _orders(meter: Meter, command: SellCredit, bought: Priced) -> list[CreditOrder]:
    """Return the tokens to make: the credit that is paid for, then the free units that are due.

    Raises AmountOutsideLimits or NothingDue for a purchase of nothing when nothing is due.
    """
    orders = []
    if bought.units_tenths:
        amount = TransferAmount(bought.units_tenths)
        orders.append(
            CreditOrder(kind=TokenKind.STANDARD, amount=amount, charge=bought.bill.credit)
        )
    if bought.free_units_tenths:
        amount = TransferAmount(bought.free_units_tenths)
        orders.append(CreditOrder(kind=TokenKind.FREE, amount=amount, charge=FREE_OF_CHARGE))
    if not orders:
        _require_within_limits(meter, command.amount_minor)
        raise NothingDue(meter.external_id)
    return orders


def _store(
    connection: Connection, command: SellCredit, outcome: Bill | str, *, is_known: bool
) -> int:
    if is_known:
        return repository.replace_sale(connection, command, outcome)
    return repository.add_sale(connection, command, outcome)
