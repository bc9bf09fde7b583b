"""The SQL of the tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, select, tuple_, update

from sts.token_identifier import TokenIdentifier
from vending_api.domain.issuing.digits import (
    DIGEST_LENGTH,
    digest_of_stored,
    digits_of,
    stored_digits,
)
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.pricing.types import TaxedAmount
from vending_api.kit.statements import Statement, StatementForMany
from vending_api.kit.vault import vault_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from sts.base_date import BaseDate
    from vending_api.domain.issuing.types import MadeFor
    from vending_api.domain.meters.types import Meter

_INSERT: Final = Statement(insert(TOKEN))
_NEWEST: Final = select(func.max(TOKEN.c.token_identifier)).where(
    TOKEN.c.meter_key == bindparam("of_meter"), TOKEN.c.base_date == bindparam("of_base_date")
)
_NEWEST_OF_MANY: Final = StatementForMany(
    lambda _, rows: (
        select(TOKEN.c.meter_key, func.max(TOKEN.c.token_identifier).label("newest"))
        .where(
            tuple_(TOKEN.c.meter_key, TOKEN.c.base_date).in_(
                [tuple_(row["of_meter"], row["of_base_date"]) for row in rows]
            )
        )
        .group_by(TOKEN.c.meter_key)
    )
)
_OF_SALE: Final = (
    select(TOKEN).where(TOKEN.c.sale_key == bindparam("sale_key")).order_by(TOKEN.c.key)
)

_KEPT: Final = func.length(TOKEN.c.digits) < DIGEST_LENGTH
_NEXT: Final = (
    select(TOKEN.c.key, TOKEN.c.sale_key, TOKEN.c.digits)
    .where(TOKEN.c.key > bindparam("after"), _KEPT)
    .order_by(TOKEN.c.key)
    .limit(bindparam("most"))
)
_NEXT_TO_FORGET: Final = _NEXT.where(TOKEN.c.made_at < bindparam("before"))
_NEXT_TO_SEAL: Final = _NEXT.where(~TOKEN.c.digits.startswith(bindparam("newest")))
_REPLACE: Final = (
    update(TOKEN).where(TOKEN.c.key == bindparam("of_key")).values(digits=bindparam("to_digits"))
)


def add_tokens(
    connection: Connection, tokens: Sequence[SoldToken], *, meter: Meter, made_for: MadeFor
) -> None:
    """Store the tokens that were made for a sale, with the key data that they are made under."""
    configuration = meter.configuration
    vault = vault_of(connection)
    of_all: dict[str, Any] = {
        "sale_key": made_for.sale_key,
        "meter_key": meter.key,
        "base_date": meter.base_date.value,
        "supply_group_code": configuration.supply_group_code.digits,
        "key_revision_number": configuration.key_revision_number.value,
        "tariff_index": configuration.tariff_index.digits,
        "encryption_algorithm": configuration.encryption_algorithm.value,
        "made_at": made_for.at,
    }
    of_each: Iterator[dict[str, Any]] = (
        {
            "kind": token.kind.value,
            "digits": stored_digits(vault, token.digits, made_for.sale_key),
            "units_tenths": token.units_tenths,
            "token_identifier": token.identifier_minutes,
            "net_minor": token.charge.net_minor,
            "tax_minor": token.charge.tax_minor,
            "tax_name": token.charge.tax_name,
            "tax_rate_percent": str(token.charge.tax_rate_percent),
            "setting": token.setting,
            "receipt_number": token.receipt_number,
        }
        for token in tokens
    )
    _INSERT.run_later(connection, [of_all | own for own in of_each])


def newest_identifier(
    connection: Connection, meter_key: int, base_date: BaseDate
) -> TokenIdentifier | None:
    """Return the newest token identifier of a meter under a base date, or None."""
    values = {"of_meter": meter_key, "of_base_date": base_date.value}
    return _identifier(connection.execute(_NEWEST, values).scalar())


def newest_identifiers(
    connection: Connection, meters: Sequence[tuple[int, BaseDate]]
) -> dict[int, TokenIdentifier]:
    """Return the newest token identifiers of meters under base dates, by meter, where any is."""
    wanted = [{"of_meter": key, "of_base_date": base_date.value} for key, base_date in meters]
    return {
        row.meter_key: TokenIdentifier(row.newest)
        for row in _NEWEST_OF_MANY.rows(connection, wanted)
        if row.newest is not None
    }


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale in the order in which they were made."""
    vault = vault_of(connection)
    return tuple(
        SoldToken(
            kind=TokenKind(row.kind),
            digits=digits_of(vault, row.digits, sale_key),
            units_tenths=row.units_tenths,
            token_identifier=_identifier(row.token_identifier),
            charge=TaxedAmount(
                net_minor=row.net_minor,
                tax_minor=row.tax_minor,
                tax_name=row.tax_name,
                tax_rate_percent=Decimal(row.tax_rate_percent),
            ),
            setting=row.setting,
            receipt_number=row.receipt_number,
        )
        for row in connection.execute(_OF_SALE, {"sale_key": sale_key})
    )


def forget_next(connection: Connection, *, after: int, before: datetime, most: int) -> int | None:
    """Leave of the next tokens that were made before a moment their digests alone.

    Returns the key of the last, or None if there was none after `after`.
    """
    vault = vault_of(connection)
    found = _next_to_forget(connection, after=after, before=before, most=most)
    return _replaced(
        connection,
        {row.key: digest_of_stored(vault, row.digits, row.sale_key) for row in found},
    )


def seal_next(connection: Connection, *, after: int, most: int) -> int | None:
    """Encrypt the next tokens under the newest key that are not; returns as `forget_next`."""
    vault = vault_of(connection)
    found = _next_to_seal(connection, after=after, most=most)
    return _replaced(
        connection,
        {
            row.key: stored_digits(vault, digits_of(vault, row.digits, row.sale_key), row.sale_key)
            for row in found
        },
    )


def has_tokens_to_seal(connection: Connection) -> bool:
    """Tell whether a kept token is not encrypted under the newest key."""
    return bool(_next_to_seal(connection, after=0, most=1))


def has_tokens_before(connection: Connection, moment: datetime) -> bool:
    """Tell whether the digits of a token from before a moment are kept."""
    return bool(_next_to_forget(connection, after=0, before=moment, most=1))


def _next_to_forget(
    connection: Connection, *, after: int, before: datetime, most: int
) -> Sequence[Row[Any, Any, Any]]:
    values = {"after": after, "before": before, "most": most}
    return connection.execute(_NEXT_TO_FORGET, values).all()


def _next_to_seal(connection: Connection, *, after: int, most: int) -> Sequence[Row[Any, Any, Any]]:
    values = {"after": after, "newest": f"{vault_of(connection).newest}.", "most": most}
    return connection.execute(_NEXT_TO_SEAL, values).all()


def _replaced(connection: Connection, digits: Mapping[int, str]) -> int | None:
    if not digits:
        return None
    values = [{"of_key": key, "to_digits": one} for key, one in digits.items()]
    connection.execute(_REPLACE, values)
    return max(digits)


def _identifier(minutes: int | None) -> TokenIdentifier | None:
    return None if minutes is None else TokenIdentifier(minutes)
