"""Look up, sell, and sell again only if it was not sold: claim the id first, then act.

Each function runs inside a transaction that its caller commits before it answers.
What a business rule turns down is returned as a Refusal and committed, so that its
id stays used; what is raised leaves no trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sts.errors import InvalidField
from sts.units import TransferAmount
from tariffs.quote import quote
from vending_api.domain.issuing.errors import MeterKeyUnusable
from vending_api.domain.issuing.service import (
    CreditOrder,
    make_credit_token,
    record_token,
    tokens_of_sale,
)
from vending_api.domain.issuing.types import TaxedAmount
from vending_api.domain.meters.errors import MeterBlocked, UnknownMeter
from vending_api.domain.meters.service import find_meter, lock_meter
from vending_api.domain.sales import repository
from vending_api.domain.sales.errors import (
    AmountOutsideLimits,
    AmountTooLarge,
    CurrencyNotAccepted,
    MessageIdUsed,
    NothingDue,
)
from vending_api.domain.sales.types import Refusal, Sale
from vending_api.kit.idempotency import claim

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vending_api.domain.issuing.service import TokenMaker
    from vending_api.domain.issuing.types import SoldToken
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.sales.types import LookUpMeter, SellCredit
    from vending_api.kit.errors import DomainError

_LOOKUP: Final = "lookup"
_PURCHASE: Final = "purchase"

_REFUSALS: Final = (
    UnknownMeter,
    MeterBlocked,
    CurrencyNotAccepted,
    AmountOutsideLimits,
    AmountTooLarge,
    NothingDue,
    MeterKeyUnusable,
)
"""What a rule of business turns down, and what is therefore remembered."""


def look_up(connection: Connection, command: LookUpMeter) -> Meter | Refusal:
    """Return a registered meter, or the refusal of an unknown one.

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
        return find_meter(connection, command.external_meter_id)
    except UnknownMeter as reason:
        return Refusal(reason)


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
    )


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
    """Sell or refuse under a claimed id, and store which of the two."""
    try:
        meter = lock_meter(connection, command.external_meter_id)
        token = _token_for(connection, maker, meter, command)
    except _REFUSALS as reason:
        _store(connection, command, refusal=reason, is_known=is_known)
        return Refusal(reason)
    sale_key = _store(connection, command, refusal=None, is_known=is_known)
    record_token(connection, token, sale_key=sale_key, meter=meter, made_at=command.received_at)
    return Sale(
        purchase_id=command.purchase_id,
        amount_minor=command.amount_minor,
        currency=command.currency,
        sold_at=command.received_at,
        meter=meter,
        tokens=(token,),
    )


def _token_for(
    connection: Connection, maker: TokenMaker, meter: Meter, command: SellCredit
) -> SoldToken:
    _require_allowed(meter, command)
    bought = quote(meter.tariff, command.amount_minor)
    try:
        amount = TransferAmount.covering(bought.units_tenths)
    except InvalidField as error:
        raise AmountTooLarge(command.amount_minor) from error
    charge = TaxedAmount(
        net_minor=bought.net_minor,
        tax_minor=bought.tax_minor,
        tax_name=bought.tax_name,
        tax_rate_percent=bought.tax_rate_percent,
    )
    order = CreditOrder(amount=amount, charge=charge, now=command.received_at)
    return make_credit_token(connection, maker, meter, order)


def _require_allowed(meter: Meter, command: SellCredit) -> None:
    """Raise the first rule that forbids the sale; the order is part of the interface."""
    limits = meter.limits
    if meter.is_blocked:
        raise MeterBlocked(meter.external_id)
    if command.currency != meter.utility.currency:
        raise CurrencyNotAccepted(command.currency, meter.utility.currency)
    if not limits.minimum_minor <= command.amount_minor <= limits.maximum_minor:
        raise AmountOutsideLimits(command.amount_minor, limits.minimum_minor, limits.maximum_minor)
    if command.amount_minor == 0:
        raise NothingDue(meter.external_id)


def _store(
    connection: Connection, command: SellCredit, *, refusal: DomainError | None, is_known: bool
) -> int:
    code = None if refusal is None else refusal.code
    if is_known:
        return repository.replace_sale(connection, command, refusal_code=code)
    return repository.add_sale(connection, command, refusal_code=code)
