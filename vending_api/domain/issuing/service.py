"""How a token comes into the world: identifier, security module, proof, record, log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from sts.errors import ReadBackMismatch, StsError, TokenIdentifierOutOfRange
from sts.security_module import IssueRequest, KeyChangeRequest
from sts.tokens.credit import Resource, TransferCredit
from sts.tokens.management import ClearCredit, ClearTamperCondition, SetMaximumPowerLimit
from sts.units import PowerLimit, TransferAmount
from vending_api.domain.issuing import repository
from vending_api.domain.issuing.columns import Places, column_of
from vending_api.domain.issuing.errors import TokenNotProven, TokenNotWarranted
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
    from vending_api.domain.issuing.types import MadeFor, Payer, TokenOrder
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
    maker: TokenMaker, external_id: str, due: KeyChangeDue, payer: Payer
) -> tuple[SoldToken, ...]:
    """Return the set of tokens of a key change, in the order of their entry.

    Raises MeterKeyUnusable when the keys make no such set, TokenNotProven when one does not
    read back.
    """
    new = due.new
    warrant = (
        f"client {payer.client_key}: key change to {new.supply_group_code.digits} "
        f"{new.key_revision_number.value} {new.tariff_index.digits}"
    )
    (outcome,) = make_key_changes(maker, [(due, warrant)])
    if isinstance(outcome, StsError):
        raise reason_of(external_id, outcome) from outcome
    return outcome


def make_key_changes(
    maker: TokenMaker, due: Sequence[tuple[KeyChangeDue, str]]
) -> list[tuple[SoldToken, ...] | StsError]:
    """Return the set of tokens of each key change, or why there is none, in one request.

    With each comes its warrant. `reason_of` says what such an error means to a meter.
    """
    requests = [
        KeyChangeRequest(
            meter=one.held,
            new_supply_group_code=one.new.supply_group_code,
            new_key_revision_number=one.new.key_revision_number,
            new_tariff_index=one.new.tariff_index,
        )
        for one, _ in due
    ]
    outcomes = maker.security_module.change_key(requests) if requests else []
    return [
        outcome
        if isinstance(outcome, StsError)
        else tuple(_section(digits, warrant) for digits in outcome)
        for outcome, (_, warrant) in zip(outcomes, due, strict=True)
    ]


class OrderedTokens(NamedTuple):
    """Tokens that the security module has been asked for."""

    meter: Meter
    orders: Sequence[TokenOrder]
    tokens: Sequence[DatedToken]
    """What they are to say, an entry for each order."""
    warrants: Sequence[str]
    """What each is made for."""
    places: Places

    def made(self, receipts: Sequence[str]) -> tuple[SoldToken, ...]:
        """Return the tokens, proven by reading them back; waits for them.

        The first of them get the receipt numbers, as many as there are. Raises MeterKeyUnusable
        when the meter's key cannot make one, TokenNotProven when one does not read back.
        """
        numbers = (*receipts, *[None] * (len(self.orders) - len(receipts)))
        return tuple(
            SoldToken(
                kind=order.kind,
                digits=_proven_digits(self.meter, token, outcome),
                units_tenths=order.units_tenths,
                token_identifier=token.token_identifier,
                charge=order.charge,
                setting=order.setting,
                receipt_number=number,
                warrant=warrant,
            )
            for order, token, outcome, number, warrant in zip(
                *(self.orders, self.tokens, self.places.outcomes(), numbers, self.warrants),
                strict=True,
            )
        )


def order_tokens(
    connection: Connection,
    maker: TokenMaker,
    meter: Meter,
    orders: Sequence[TokenOrder],
    *,
    payer: Payer,
    now: datetime,
) -> OrderedTokens:
    """Ask for new tokens for a locked meter, with those of other sales of the transaction.

    All tokens of a sale are ordered at once; their identifiers are recorded as used. Raises
    MeterKeyUnusable when no identifiers are left, TokenNotWarranted before anything is asked for.
    """
    warrants = [_warrant(order, payer) for order in orders]
    try:
        identifiers = take_token_identifiers(connection, meter, now, count=len(orders))
    except TokenIdentifierOutOfRange as error:
        raise MeterKeyUnusable(meter.external_id, str(error)) from error
    tokens = [
        _token(order, meter, identifier, maker.random_nibble())
        for order, identifier in zip(orders, identifiers, strict=True)
    ]
    requests = [IssueRequest(meter.configuration, one) for one in tokens]
    places = column_of(connection, maker.security_module).add(requests)
    return OrderedTokens(meter, orders, tokens, warrants, places)


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
            warrant=token.warrant,
        )
        for token in tokens
    ]
    append(connection, maker.log_writer(), entries)


def newest_identifiers(
    connection: Connection, meters: Sequence[Meter]
) -> dict[int, TokenIdentifier]:
    """Return what `newest_identifier` does of several meters, by their keys; none is left out."""
    return repository.newest_identifiers(connection, [(one.key, one.base_date) for one in meters])


def newest_identifier(connection: Connection, meter: Meter) -> TokenIdentifier | None:
    """Return the newest token identifier ever made for a meter under its base date, or None."""
    return repository.newest_identifier(connection, meter.key, meter.base_date)


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale, in the order in which they are keyed in."""
    return repository.tokens_of_sale(connection, sale_key)


def forget_tokens(connection: Connection, *, after: int, before: datetime, most: int) -> int | None:
    """Leave of tokens that were made before a moment nothing but their digests, some at a time.

    `after` is what the last call returned, 0 for the first: None is the end.
    """
    return repository.forget_next(connection, after=after, before=before, most=most)


def seal_tokens(connection: Connection, *, after: int, most: int) -> int | None:
    """Encrypt stored tokens under the newest data key, some at a time; as `forget_tokens`.

    Raises NotOpened.
    """
    return repository.seal_next(connection, after=after, most=most)


def has_tokens_to_seal(connection: Connection) -> bool:
    """Tell whether a stored token is not encrypted under the newest data key."""
    return repository.has_tokens_to_seal(connection)


def has_tokens_before(connection: Connection, moment: datetime) -> bool:
    """Tell whether the digits of a token from before a moment are kept."""
    return repository.has_tokens_before(connection, moment)


def _warrant(order: TokenOrder, payer: Payer) -> str:
    """Return who ordered a token, and for which money or approval; raises TokenNotWarranted."""
    client_key, amount_minor, currency = payer
    if order.kind is TokenKind.STANDARD:
        if amount_minor > 0:
            return f"client {client_key}: paid {amount_minor} {currency}"
    elif order.approval:
        return f"client {client_key}: {order.approval}"
    raise TokenNotWarranted(f"a {order.kind} token is neither paid for nor approved")


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
        raise reason_of(meter.external_id, outcome) from outcome
    if outcome.token != token:
        raise TokenNotProven(meter.external_id)
    return outcome.digits


def _section(digits: str, warrant: str) -> SoldToken:
    return SoldToken(
        kind=TokenKind.KEY_CHANGE,
        digits=digits,
        units_tenths=0,
        token_identifier=None,
        charge=FREE_OF_CHARGE,
        warrant=warrant,
    )


def reason_of(external_id: str, error: StsError) -> TokenNotProven | MeterKeyUnusable:
    """Return what it means to a meter that the security module has made no token."""
    if isinstance(error, ReadBackMismatch):
        return TokenNotProven(external_id)
    return MeterKeyUnusable(external_id, str(error))
