"""The SQL of the tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, insert, select

from sts.token_identifier import TokenIdentifier
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.pricing.types import TaxedAmount
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from sts.base_date import BaseDate
    from vending_api.domain.issuing.types import MadeFor
    from vending_api.domain.meters.types import Meter

_INSERT: Final = Statement(insert(TOKEN))
_NEWEST: Final = select(func.max(TOKEN.c.token_identifier)).where(
    TOKEN.c.meter_key == bindparam("of_meter"), TOKEN.c.base_date == bindparam("of_base_date")
)
_OF_SALE: Final = (
    select(TOKEN).where(TOKEN.c.sale_key == bindparam("sale_key")).order_by(TOKEN.c.key)
)


def add_tokens(
    connection: Connection, tokens: Sequence[SoldToken], *, meter: Meter, made_for: MadeFor
) -> None:
    """Store the tokens that were made for a sale, with the key data that they are made under."""
    configuration = meter.configuration
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
            "digits": token.digits,
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


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale in the order in which they were made."""
    return tuple(
        SoldToken(
            kind=TokenKind(row.kind),
            digits=row.digits,
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


def _identifier(minutes: int | None) -> TokenIdentifier | None:
    return None if minutes is None else TokenIdentifier(minutes)
