"""How a token comes into the world: identifier, security module, proof, record, log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sts.errors import ReadBackMismatch, StsError, TokenIdentifierOutOfRange
from sts.security_module import IssueRequest, KeyChangeRequest
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.management import ClearCredit, ClearTamperCondition, SetMaximumPowerLimit
from sts.units import PowerLimit, TransferAmount
from vending_api.domain.issuing import repository
from vending_api.domain.issuing.errors import TokenNotProven
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.key_changes.errors import MeterKeyUnusable
from vending_api.domain.meters.service import take_token_identifiers
from vending_api.domain.meters.types import ServiceType
from vending_api.domain.pricing.types import FREE_OF_CHARGE
from vending_api.domain.token_log.service import append
from vending_api.domain.token_log.types import LogEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from sts.security_module import IssuedToken, SecurityModule
    from sts.token_identifier import TokenIdentifier
    from sts.tokens.kinds import DatedToken
    from vending_api.domain.issuing.types import MadeFor, TokenOrder
    from vending_api.domain.key_changes.types import KeyChangeDue
    from vending_api.domain.meters.types import Meter

_RESOURCES: Final = {
    ServiceType.ELECTRICITY: Resource.ELECTRICITY,
    ServiceType.WATER: Resource.WATER,
    ServiceType.GAS: Resource.GAS,
    ServiceType.TIME: Resource.TIME,
}
_OF_SETTINGS: Final = frozenset(
    {TokenKind.POWER_LIMIT, TokenKind.CLEAR_CREDIT, TokenKind.CLEAR_TAMPER}
)


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """What making tokens needs from outside."""

    security_module: SecurityModule
    random_nibble: Callable[[], int]
    """A source of RND, 0 to 15."""
    log_writer: Callable[[], str]
    """The name under which the calling thread keeps its chain of the token log."""


def make_key_change_tokens(
    maker: TokenMaker, external_id: str, due: KeyChangeDue
) -> tuple[SoldToken, ...]:
    """Return the set of tokens of a key change, in the order of their entry.

    Raises MeterKeyUnusable when the keys make no such set, TokenNotProven when one does not
    read back.
    """
    request = KeyChangeRequest(
        meter=due.held,
        new_supply_group_code=due.new.supply_group_code,
        new_key_revision_number=due.new.key_revision_number,
        new_tariff_index=due.new.tariff_index,
    )
    (outcome,) = maker.security_module.change_key([request])
    if isinstance(outcome, StsError):
        raise _reason(external_id, outcome) from outcome
    return tuple(
        SoldToken(
            kind=TokenKind.KEY_CHANGE,
            digits=token.digits,
            units_tenths=0,
            token_identifier=None,
            charge=FREE_OF_CHARGE,
        )
        for token in outcome
    )


def make_tokens(
    connection: Connection,
    maker: TokenMaker,
    meter: Meter,
    orders: Sequence[TokenOrder],
    *,
    now: datetime,
) -> tuple[SoldToken, ...]:
    """Return new tokens for a locked meter, proven by reading them back.

    All tokens of a sale are ordered at once; their identifiers are recorded as used. Raises
    MeterKeyUnusable when the meter's key cannot make one, TokenNotProven when one does not
    read back.
    """
    try:
        identifiers = take_token_identifiers(connection, meter, now, count=len(orders))
    except TokenIdentifierOutOfRange as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error
    tokens = [
        _token(order, meter, identifier, maker.random_nibble())
        for order, identifier in zip(orders, identifiers, strict=True)
    ]
    issued = maker.security_module.issue([IssueRequest(meter.configuration, one) for one in tokens])
    return tuple(
        SoldToken(
            kind=order.kind,
            digits=_proven_digits(meter, token, outcome),
            units_tenths=order.units_tenths,
            token_identifier=token.token_identifier,
            charge=order.charge,
            setting=order.setting,
        )
        for order, token, outcome in zip(orders, tokens, issued, strict=True)
    )


def with_receipts(tokens: Sequence[SoldToken], numbers: Sequence[str]) -> tuple[SoldToken, ...]:
    """Return tokens of which the first have receipt numbers, as many as there are."""
    numbered = [
        # Every sale comes by: `replace` would take three times as long.
        SoldToken(
            kind=token.kind,
            digits=token.digits,
            units_tenths=token.units_tenths,
            token_identifier=token.token_identifier,
            charge=token.charge,
            setting=token.setting,
            receipt_number=number,
        )
        for token, number in zip(tokens, numbers, strict=False)
    ]
    return (*numbered, *tokens[len(numbers) :])


def record_tokens(
    connection: Connection,
    maker: TokenMaker,
    tokens: Sequence[SoldToken],
    *,
    meter: Meter,
    made_for: MadeFor,
) -> None:
    """Store tokens with the sale that they were made for, and log them.

    `meter` has the key data that they were made under.
    """
    repository.add_tokens(connection, tokens, meter=meter, made_for=made_for)
    entries = [
        LogEntry(
            reference=made_for.reference,
            meter_key=meter.key,
            kind=token.kind.value,
            base_date=meter.base_date.value,
            token_identifier=token.identifier_minutes,
            digits=token.digits,
            made_at=made_for.at,
        )
        for token in tokens
    ]
    append(connection, maker.log_writer(), entries)


def newest_identifier(connection: Connection, meter: Meter) -> TokenIdentifier | None:
    """Return the newest token identifier ever made for a meter under its base date, or None."""
    return repository.newest_identifier(connection, meter.key, meter.base_date)


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale, in the order in which they are keyed in."""
    return repository.tokens_of_sale(connection, sale_key)


def _token(
    order: TokenOrder, meter: Meter, token_identifier: TokenIdentifier, random: int
) -> DatedToken:
    if order.kind not in _OF_SETTINGS:
        return TransferCredit(
            resource=_RESOURCES[meter.service_type],
            amount=TransferAmount(order.units_tenths),
            token_identifier=token_identifier,
            random=random,
        )
    setting = order.setting or 0
    if order.kind is TokenKind.POWER_LIMIT:
        power = PowerLimit(setting)
        return SetMaximumPowerLimit(power=power, token_identifier=token_identifier, random=random)
    if order.kind is TokenKind.CLEAR_CREDIT:
        return ClearCredit(register=setting, token_identifier=token_identifier, random=random)
    return ClearTamperCondition(token_identifier=token_identifier, random=random)


def _proven_digits(meter: Meter, token: DatedToken, outcome: IssuedToken | StsError) -> str:
    """Return the digits of a token that the security module made as it was asked to."""
    if isinstance(outcome, StsError):
        raise _reason(meter.external_id, outcome) from outcome
    if outcome.token != token:
        raise TokenNotProven(meter.external_id)
    return outcome.digits


def _reason(external_id: str, error: StsError) -> TokenNotProven | MeterKeyUnusable:
    if isinstance(error, ReadBackMismatch):
        return TokenNotProven(external_id)
    return MeterKeyUnusable(external_id, str(error))
