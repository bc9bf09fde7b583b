"""The SQL of the tokens."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select

from sts.token_identifier import TokenIdentifier
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import SoldToken, TokenKind
from vending_api.domain.pricing.types import TaxedAmount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.meters.types import Meter

_INSERT: Final = insert(TOKEN)
_OF_SALE: Final = (
    select(TOKEN).where(TOKEN.c.sale_key == bindparam("sale_key")).order_by(TOKEN.c.key)
)


def add_tokens(
    connection: Connection,
    tokens: Sequence[SoldToken],
    *,
    sale_key: int,
    meter: Meter,
    made_at: datetime,
) -> None:
    """Store the tokens that were made for a sale, with the key data that its meter holds."""
    configuration = meter.configuration
    of_all: dict[str, Any] = {
        "sale_key": sale_key,
        "meter_key": meter.key,
        "base_date": meter.base_date.value,
        "supply_group_code": configuration.supply_group_code.digits,
        "key_revision_number": configuration.key_revision_number.value,
        "tariff_index": configuration.tariff_index.digits,
        "encryption_algorithm": configuration.encryption_algorithm.value,
        "made_at": made_at,
    }
    of_each: Iterator[dict[str, Any]] = (
        {
            "kind": token.kind.value,
            "digits": token.digits,
            "units_tenths": token.units_tenths,
            "token_identifier": token.token_identifier.minutes,
            "net_minor": token.charge.net_minor,
            "tax_minor": token.charge.tax_minor,
            "tax_name": token.charge.tax_name,
            "tax_rate_percent": str(token.charge.tax_rate_percent),
        }
        for token in tokens
    )
    connection.execute(_INSERT, [of_all | own for own in of_each])


def tokens_of_sale(connection: Connection, sale_key: int) -> tuple[SoldToken, ...]:
    """Return the tokens of a sale in the order in which they were made."""
    return tuple(
        SoldToken(
            kind=TokenKind(row.kind),
            digits=row.digits,
            units_tenths=row.units_tenths,
            token_identifier=TokenIdentifier(row.token_identifier),
            charge=TaxedAmount(
                net_minor=row.net_minor,
                tax_minor=row.tax_minor,
                tax_name=row.tax_name,
                tax_rate_percent=Decimal(row.tax_rate_percent),
            ),
        )
        for row in connection.execute(_OF_SALE, {"sale_key": sale_key})
    )
