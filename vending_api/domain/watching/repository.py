"""The SQL of the sums of a day, and of the alerts that were noticed.

Each statement reads a bite of a range of keys (`windows.py`), never a whole table that grows with
the sales, nor a whole day: whoever adds up adds the bites.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, and_, bindparam, case, cast, func, null, select, true

from tariffs.lines import LineKind
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.tables import METER, UTILITY
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import OrderState
from vending_api.domain.reconciling.log_rows import KEY_CHANGE, LOG_BESIDE_SALES, PURCHASE
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching.ranges import APART
from vending_api.domain.watching.tables import ALERT
from vending_api.domain.watching.windows import (
    END,
    IS_HERE,
    IS_SOLD,
    OF_WINDOW,
    SALES,
    TOKENS,
    TOKENS_OF_WINDOW,
    in_bites,
    in_keys,
    of_sales,
    read,
    with_keys,
    with_zone,
    within,
)
from vending_api.kit.db import UtcDateTime, insert_or_ignore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row, Select

    from vending_api.domain.watching.types import Alert

_WRITERS_AT_ONCE: Final = 200
_IS_PURCHASE: Final = SALE.c.kind == SaleKind.PURCHASE.value
_IS_STANDARD: Final = TOKEN.c.kind == TokenKind.STANDARD.value
_HAS_BILL: Final = SALE.c.key_data.is_not(null())
"""Bills and key data came together; what was sold before them has neither."""
_NOT_OF_TOKENS: Final = [LineKind.CHARGE.value, LineKind.DEBT.value]

_STANDARD: Final = (
    select(func.coalesce(func.sum(TOKEN.c.net_minor + TOKEN.c.tax_minor), 0))
    .where(TOKEN.c.sale_key == SALE.c.key, _IS_STANDARD)
    .scalar_subquery()
)
_HAS_TOKEN: Final = select(TOKEN.c.key).where(TOKEN.c.sale_key == SALE.c.key).exists()
_SOLD: Final[Any] = (
    select(
        SALE.c.client_key,
        SALE.c.currency,
        func.count().label("sales"),
        func.sum(SALE.c.amount_minor).label("sold_minor"),
        func.sum(case((_HAS_BILL, 0), else_=SALE.c.amount_minor)).label("billed_minor"),
        func.sum(case((_HAS_BILL, 0), else_=_STANDARD)).label("for_tokens_minor"),
        func.sum(case((_HAS_TOKEN, 0), else_=1)).label("without_token"),
    )
    .select_from(SALES)
    .where(OF_WINDOW)
    .group_by(SALE.c.client_key, SALE.c.currency)
)
_MADE: Final[Any] = (
    select(
        SALE.c.client_key,
        SALE.c.currency,
        func.count().label("tokens"),
        func.sum(case((_IS_STANDARD, TOKEN.c.net_minor + TOKEN.c.tax_minor), else_=0)).label(
            "charged_minor"
        ),
    )
    .select_from(TOKENS.outerjoin(SALE, SALE.c.key == TOKEN.c.sale_key))
    .where(TOKENS_OF_WINDOW)
    .group_by(SALE.c.client_key, SALE.c.currency)
)
_LOG_CLIENT: Final = func.coalesce(PURCHASE.c.client_key, KEY_CHANGE.c.client_key)
_LOG_CURRENCY: Final = func.coalesce(PURCHASE.c.currency, KEY_CHANGE.c.currency)
_LOGGED: Final[Any] = (
    select(
        _LOG_CLIENT.label("client_key"),
        _LOG_CURRENCY.label("currency"),
        func.count().label("logged"),
    )
    .select_from(with_zone(LOG_BESIDE_SALES, METER.c.key == TOKEN_LOG.c.meter_key))
    .where(
        TOKEN_LOG.c.writer == bindparam("writer"),
        in_keys(TOKEN_LOG.c.sequence, "row"),
        within(TOKEN_LOG.c.made_at),
        IS_HERE,
    )
    .group_by(_LOG_CLIENT, _LOG_CURRENCY)
)
_ORDER: Final = PAYMENT_ORDER.c
_IS_VENDED: Final = _ORDER.state == OrderState.VENDED.value
_PAID: Final = func.coalesce(_ORDER.paid_minor, 0)
_FOR_CREDIT: Final = (
    case((_ORDER.amount_minor > _PAID, _PAID), else_=_ORDER.amount_minor) - _ORDER.charge_minor
)
"""Of what was paid: neither the estate's charge, nor fees that were passed on."""
_PAID_FOR: Final[Select[Any]] = (
    select(_ORDER.currency, func.sum(_FOR_CREDIT).label("paid_minor"))
    .select_from(
        SALES.join(PAYMENT_ORDER, and_(_ORDER.reference == SALE.c.purchase_id, _IS_VENDED))
    )
    .where(OF_WINDOW, _IS_PURCHASE, SALE.c.client_key == bindparam("client_key"))
    .group_by(_ORDER.currency)
)
_PAID_FOR_NOTHING: Final[Select[Any]] = (
    select(_ORDER.currency, func.sum(_FOR_CREDIT).label("paid_minor"))
    .select_from(
        with_zone(PAYMENT_ORDER, METER.c.key == _ORDER.meter_key).outerjoin(
            SALE, and_(_IS_PURCHASE, SALE.c.purchase_id == _ORDER.reference, IS_SOLD)
        )
    )
    .where(
        _IS_VENDED,
        SALE.c.key.is_(None),
        in_keys(_ORDER.key, "order"),
        _ORDER.ordered_at >= bindparam("ordered_from", type_=UtcDateTime),
        _ORDER.ordered_at < END,
        within(_ORDER.paid_at),
        IS_HERE,
    )
    .group_by(_ORDER.currency)
)
_FIRST_WRITER: Final = (
    select(func.min(TOKEN_LOG.c.writer).label("writer"))
    .where(TOKEN_LOG.c.writer > bindparam("after"))
    .cte("chain", recursive=True)
)
# From each writer to the next in the primary key, however long their chains are.
_CHAIN: Final = _FIRST_WRITER.union_all(
    select(
        select(func.min(TOKEN_LOG.c.writer))
        .where(TOKEN_LOG.c.writer > _FIRST_WRITER.c.writer)
        .scalar_subquery()
    ).where(_FIRST_WRITER.c.writer.is_not(None))
)
# The limit ends the recursion, for its rows come one after the other.
_WRITERS: Final = (
    select(
        _CHAIN.c.writer,
        select(TOKEN_LOG.c.made_at)
        .where(TOKEN_LOG.c.writer == _CHAIN.c.writer)
        .order_by(TOKEN_LOG.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
        .label("newest_at"),
    )
    .where(_CHAIN.c.writer.is_not(None))
    .limit(bindparam("at_once"))
)


def zones(connection: Connection) -> list[str]:
    """Return the time zones of all utilities, in their order."""
    zone = UTILITY.c.time_zone
    return list(connection.execute(select(zone).distinct().order_by(zone)).scalars())


def sold(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield number and money of the sales of a window, by client and currency.

    What sales were billed is here only where they are from before there were bills.
    """
    return read(connection, _SOLD, of_sales(values))


def billed(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield what the bills of a window's sales come to, by client and currency."""
    return read(connection, _billed(connection.dialect.name), of_sales(values))


def made(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield the tokens of a window and their charge, by client and currency, where known."""
    return read(connection, _MADE, in_bites(values, "token"))


def logged(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield the rows of the token log of a window, writer by writer, by client and currency."""
    columns = TOKEN_LOG.c
    for writer in _writers_since(connection, values["begin"] - APART):
        of = columns.writer == writer
        order = columns.sequence
        rows = with_keys(connection, values, "row", order, columns.made_at, of)
        of_writer = {**rows, "writer": writer}
        yield from read(connection, _LOGGED, in_bites(of_writer, "row"))


def paid_for_sales(
    connection: Connection, values: dict[str, Any], client_key: int
) -> Iterator[Row[Any]]:
    """Yield by currency what was paid for credit of vended orders, which are a client's sales."""
    given = {**values, "client_key": client_key}
    return read(connection, _PAID_FOR, of_sales(given))


def paid_for_nothing(
    connection: Connection, values: dict[str, Any], *, ordered_before: timedelta
) -> Iterator[Row[Any]]:
    """Yield by currency what was paid for credit of vended orders that have no sale.

    These are orders that were paid in the window, and placed so long before it at most.
    """
    since = values["begin"] - ordered_before
    with_orders = with_keys(
        connection, {**values, "begin": since}, "order", _ORDER.key, _ORDER.ordered_at
    )
    given = {**with_orders, "begin": values["begin"], "ordered_from": since}
    bites = in_bites(given, "order")
    return read(connection, _PAID_FOR_NOTHING, bites)


def add_alert(connection: Connection, alert: Alert, at: datetime) -> bool:
    """Store an alert unless it was noticed before; return whether it is new."""
    row = {
        "until": alert.until,
        "kind": alert.kind.value,
        "trace": alert.trace,
        "count": alert.count,
        "noticed_at": at,
    }
    new = insert_or_ignore(connection.dialect.name, ALERT).returning(ALERT.c.kind)
    return connection.execute(new, row).first() is not None


def count_alerts(connection: Connection, now: datetime) -> dict[str, int]:
    """Return how many alerts there are of days that have not ended, by kind."""
    statement = (
        select(ALERT.c.kind, func.count().label("alerts"))
        .where(ALERT.c.until > now)
        .group_by(ALERT.c.kind)
    )
    return {row.kind: row.alerts for row in connection.execute(statement)}


def _writers_since(connection: Connection, moment: datetime) -> Iterator[str]:
    """Yield the writers whose newest row is not older than that."""
    after = ""
    while True:
        given = {"after": after, "at_once": _WRITERS_AT_ONCE}
        chains = connection.execute(_WRITERS, given).all()
        yield from (chain.writer for chain in chains if chain.newest_at >= moment)
        if len(chains) < _WRITERS_AT_ONCE:
            return
        after = chains[-1].writer


@cache
def _billed(dialect_name: str) -> Select[Any]:
    """Return the statement that adds up the lines of bills."""
    is_sqlite = dialect_name == "sqlite"
    elements = func.json_each if is_sqlite else func.jsonb_array_elements
    line = elements(SALE.c.bill).table_valued("value", name="line")
    kind, net, tax = (line.c.value.op("->>")(one) for one in ("kind", "net_minor", "tax_minor"))
    charge = cast(net, BigInteger) + cast(tax, BigInteger)
    for_tokens = case((kind.not_in(_NOT_OF_TOKENS), charge), else_=0)
    return (
        select(
            SALE.c.client_key,
            SALE.c.currency,
            func.sum(charge).label("billed_minor"),
            func.sum(for_tokens).label("for_tokens_minor"),
        )
        .select_from(SALES.join(line, true()))
        .where(OF_WINDOW, _HAS_BILL)
        .group_by(SALE.c.client_key, SALE.c.currency)
    )
