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
from vending_api.domain.issuing.types import SoldToken
from vending_api.domain.meters.service import take_token_identifiers
from vending_api.domain.meters.types import ServiceType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.security_module import IssuedToken, SecurityModule
    from sts.units import TransferAmount
    from vending_api.domain.issuing.types import TokenKind
    from vending_api.domain.meters.types import Meter
    from vending_api.domain.pricing.types import TaxedAmount


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
    """One token of credit, paid for or free."""

    kind: TokenKind
    amount: TransferAmount
    charge: TaxedAmount


def make_credit_tokens(
    connection: Connection,
    maker: TokenMaker,
    meter: Meter,
    orders: Sequence[CreditOrder],
    *,
    now: datetime,
) -> tuple[SoldToken, ...]:
    """Return new credit tokens for a locked meter, proven by reading them back.

    All tokens of a sale are ordered at once; their identifiers are recorded as used. Raises
    MeterKeyUnusable when the meter's key cannot make one, TokenNotProven when one does not
    read back.
    """
    _require_usable_base_date(maker.security_module, meter)
    try:
        identifiers = take_token_identifiers(connection, meter, now, count=len(orders))
    except TokenIdentifierOutOfRange as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error
    tokens = [
        TransferCredit(
            resource=_RESOURCES[meter.service_type],
            amount=order.amount,
            token_identifier=token_identifier,
            random=maker.random_nibble(),
        )
        for order, token_identifier in zip(orders, identifiers, strict=True)
    ]
    requests = [IssueRequest(meter.configuration, token) for token in tokens]
    issued = maker.security_module.issue(requests)
    return tuple(
        SoldToken(
            kind=order.kind,
            digits=_proven_digits(meter, token, outcome),
            units_tenths=order.amount.tenths,
            token_identifier=token.token_identifier,
            charge=order.charge,
        )
        for order, token, outcome in zip(orders, tokens, issued, strict=True)
    )


def record_tokens(
    connection: Connection,
    tokens: Sequence[SoldToken],
    *,
    sale_key: int,
    meter: Meter,
    made_at: datetime,
) -> None:
    """Store tokens with the sale that they were made for, in the order of their entry."""
    repository.add_tokens(connection, tokens, sale_key=sale_key, meter=meter, made_at=made_at)


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale, in the order in which they are keyed in."""
    return repository.tokens_of_sale(connection, sale_key)


def _proven_digits(meter: Meter, token: TransferCredit, outcome: IssuedToken | StsError) -> str:
    """Return the digits of a token that the security module made as it was asked to."""
    if isinstance(outcome, ReadBackMismatch):
        raise TokenNotProven(meter.external_id) from outcome
    if isinstance(outcome, StsError):
        raise MeterKeyUnusable(meter.external_id, str(outcome)) from outcome
    if outcome.token != token:
        raise TokenNotProven(meter.external_id)
    return outcome.digits


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
