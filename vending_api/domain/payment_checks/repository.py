"""The SQL of the daily check: what was paid, what was sold online, and whether it has tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import func, select

from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import HOUSE_USER
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.payments.documents import payment_of
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

_ROWS_AT_ONCE: Final = 1_000
_TOKENS: Final = (
    select(func.count()).where(TOKEN.c.sale_key == SALE.c.key).scalar_subquery().label("tokens")
)
_SOLD: Final = (
    select(SALE.c.purchase_id, SALE.c.amount_minor, SALE.c.currency, _TOKENS)
    .join(CLIENT, CLIENT.c.key == SALE.c.client_key)
    .where(
        CLIENT.c.user_name == HOUSE_USER,
        SALE.c.kind == SaleKind.PURCHASE.value,
        SALE.c.state.not_in([SaleState.REFUSED.value, SaleState.GIVEN_UP.value]),
    )
)


class OnlineSale(NamedTuple):
    """What the check must know of a sale."""

    reference: str
    amount_minor: int
    currency: str
    tokens: int
    """How many it has."""


def paid_between(
    connection: Connection, begin: datetime, end: datetime
) -> Iterator[tuple[str, datetime]]:
    """Yield reference and moment of making of each payment that we know to have been made.

    The orders are those from one moment to another; where Paystack gave no moment, theirs is
    taken.
    """
    columns = PAYMENT_ORDER.c
    statement = select(columns.reference, columns.ordered_at, columns.payment).where(
        columns.paid_minor.is_not(None), columns.ordered_at >= begin, columns.ordered_at < end
    )
    for row in connection.execute(statement, execution_options={"yield_per": _ROWS_AT_ONCE}):
        payment = payment_of(row.payment)
        created_at = None if payment is None else payment.created_at
        yield row.reference, created_at or row.ordered_at


def sold_between(connection: Connection, begin: datetime, end: datetime) -> list[OnlineSale]:
    """Return what was sold online from one moment to another."""
    return _sales(connection, SALE.c.received_at >= begin, SALE.c.received_at < end)


def sold_under(connection: Connection, references: Sequence[str]) -> list[OnlineSale]:
    """Return what was sold online under some references."""
    return _sales(connection, SALE.c.purchase_id.in_(references))


def _sales(connection: Connection, *conditions: ColumnElement[bool]) -> list[OnlineSale]:
    rows = connection.execute(_SOLD.where(*conditions).order_by(SALE.c.key)).all()
    return [OnlineSale(*row) for row in rows]
