"""How a token comes into the world: identifier, security module, proof, record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sts.base_date import BaseDate
from sts.errors import (
    ReadBackMismatch,
    StsError,
    TokenIdentifierOutOfRange,
    VendingKeyNotFound,
)
from sts.security_module import IssueRequest
from sts.tokens.credit import Resource, TransferCredit
from vending_api.domain.issuing import repository
from vending_api.domain.issuing.errors import MeterKeyUnusable, TokenNotProven
from vending_api.domain.issuing.types import SoldToken, TaxedAmount, TokenKind
from vending_api.domain.meters.service import take_token_identifier
from vending_api.domain.meters.types import ServiceType

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.security_module import SecurityModule
    from sts.units import TransferAmount
    from vending_api.domain.meters.types import Meter


_RESOURCES: Final = {
    ServiceType.ELECTRICITY: Resource.ELECTRICITY,
    ServiceType.WATER: Resource.WATER,
    ServiceType.GAS: Resource.GAS,
    ServiceType.TIME: Resource.TIME,
}


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """What making tokens needs from outside."""

    security_module: SecurityModule
    random_nibble: Callable[[], int]
    """A source of RND, 0 to 15."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditOrder:
    """One token of paid credit."""

    amount: TransferAmount
    charge: TaxedAmount
    now: datetime


def make_credit_token(
    connection: Connection, maker: TokenMaker, meter: Meter, order: CreditOrder
) -> SoldToken:
    """Return a new credit token for a locked meter, proven by reading it back.

    Its identifier is recorded as used with it. Raises MeterKeyUnusable when the
    meter's key cannot make it, TokenNotProven when it does not read back.
    """
    _require_usable_base_date(maker.security_module, meter)
    try:
        token_identifier = take_token_identifier(connection, meter, order.now)
    except TokenIdentifierOutOfRange as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error
    token = TransferCredit(
        resource=_RESOURCES[meter.service_type],
        amount=order.amount,
        token_identifier=token_identifier,
        random=maker.random_nibble(),
    )
    (issued,) = maker.security_module.issue([IssueRequest(meter.configuration, token)])
    if isinstance(issued, ReadBackMismatch):
        raise TokenNotProven(meter.external_id) from issued
    if isinstance(issued, StsError):
        raise MeterKeyUnusable(meter.external_id, str(issued)) from issued
    if issued.token != token:
        raise TokenNotProven(meter.external_id)
    return SoldToken(
        kind=TokenKind.STANDARD,
        digits=issued.digits,
        units_tenths=order.amount.tenths,
        token_identifier=token_identifier,
        charge=order.charge,
    )


def record_token(
    connection: Connection, token: SoldToken, *, sale_key: int, meter: Meter, made_at: datetime
) -> None:
    """Store a token with the sale that it was made for."""
    repository.add_token(connection, token, sale_key=sale_key, meter=meter, made_at=made_at)


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale, in the order in which they are keyed in."""
    return repository.tokens_of_sale(connection, sale_key)


def _require_usable_base_date(security_module: SecurityModule, meter: Meter) -> None:
    # Also when the clock is wrong: credit of this base date ended on 2024-11-24.
    if meter.base_date is BaseDate.YEAR_1993:
        raise MeterKeyUnusable(
            meter.external_id, "base date 1993 ended on 2024-11-24; the meter needs a key change"
        )
    try:
        key = security_module.vending_key_for(
            meter.configuration.supply_group_code, meter.configuration.key_revision_number
        )
    except VendingKeyNotFound as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error
    # Identifiers count from the key's base date; counted from another, the meter refuses them.
    if key.base_date is not meter.base_date:
        raise MeterKeyUnusable(
            meter.external_id,
            f"the register says base date {meter.base_date.value}, "
            f"its vending key {key.base_date.value}",
        )
