"""The SQL of the sums of a day, and of the alerts that were noticed.

Each statement reads a range of keys (`ranges.py`), never a whole table that grows with the sales.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, and_, bindparam, case, cast, func, null, or_, select

from tariffs.lines import LineKind
from vending_api.domain.clients.tables import CLIENT
from vending_api.domain.clients.types import HOUSE_USER
from vending_api.domain.credit.tables import CREDIT_ENTRY
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.issuing.types import TokenKind
from vending_api.domain.meters.tables import METER, SUPPLY_GROUP, UTILITY
from vending_api.domain.payments.tables import PAYMENT_ORDER
from vending_api.domain.payments.types import OrderState
from vending_api.domain.reconciling.log_rows import KEY_CHANGE, LOG_BESIDE_SALES, PURCHASE
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind, SaleState
from vending_api.domain.token_log.tables import TOKEN_LOG
from vending_api.domain.watching.ranges import APART, keys_between
from vending_api.domain.watching.tables import ALERT
from vending_api.kit.db import UtcDateTime, insert_or_ignore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Column, ColumnElement, Connection, FromClause, Row, Select

    from vending_api.domain.watching.types import Alert, Window

IS_SOLD: Final = SALE.c.state.not_in([SaleState.REFUSED.value, SaleState.GIVEN_UP.value])
_IS_PURCHASE: Final = SALE.c.kind == SaleKind.PURCHASE.value
_IS_STANDARD: Final = TOKEN.c.kind == TokenKind.STANDARD.value
_HAS_BILL: Final = SALE.c.key_data.is_not(null())
"""Bills and key data came together; what was sold before them has neither."""
_NO_KEY: Final = 0
_NOT_OF_TOKENS: Final = [LineKind.CHARGE.value, LineKind.DEBT.value]
_BEGIN: Final = bindparam("begin", type_=UtcDateTime)
_END: Final = bindparam("end", type_=UtcDateTime)
IS_HERE: Final = func.coalesce(UTILITY.c.time_zone, bindparam("home")) == bindparam("zone")
"""What leads to no utility is looked at in one zone, rather than in none."""


def within(moment: Column[Any]) -> ColumnElement[bool]:
    """Return whether a moment is in the window."""
    return and_(moment >= _BEGIN, moment < _END)


def with_zone(rows: FromClause, is_meter: ColumnElement[bool]) -> FromClause:
    """Return rows beside their meter and its utility, where there is one."""
    return (
        rows.outerjoin(METER, is_meter)
        .outerjoin(SUPPLY_GROUP, SUPPLY_GROUP.c.supply_group_code == METER.c.supply_group_code)
        .outerjoin(UTILITY, UTILITY.c.key == SUPPLY_GROUP.c.utility_key)
    )


def in_keys(key: Column[Any], name: str) -> ColumnElement[bool]:
    """Return whether a key is in a range of the values of a window."""
    return and_(key >= bindparam(f"{name}_from"), key < bindparam(f"{name}_to"))


OF_WINDOW: Final = and_(
    IS_SOLD,
    # Keys as such, not a subquery: PostgreSQL would guess that it is worth to read all sales.
    or_(in_keys(SALE.c.key, "sale"), SALE.c.key.in_(bindparam("older_sales", expanding=True))),
    within(SALE.c.received_at),
    IS_HERE,
)
SALES: Final = with_zone(SALE, METER.c.external_id == SALE.c.external_meter_id)
TOKENS: Final = with_zone(TOKEN, METER.c.key == TOKEN.c.meter_key)
TOKENS_OF_WINDOW: Final = and_(in_keys(TOKEN.c.key, "token"), within(TOKEN.c.made_at), IS_HERE)

# A sale that was refused before has the key of that day, but its tokens have those of this one.
_OLDER_SALES: Final = (
    select(TOKEN.c.sale_key)
    .distinct()
    .where(in_keys(TOKEN.c.key, "token"), ~in_keys(TOKEN.c.sale_key, "sale"))
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
_IS_OF_ENTRY: Final = and_(
    _IS_PURCHASE,
    SALE.c.purchase_id == CREDIT_ENTRY.c.reference,
    SALE.c.client_key == CREDIT_ENTRY.c.client_key,
)
_DRAWN: Final[Any] = (
    select(
        CREDIT_ENTRY.c.client_key,
        SALE.c.currency,
        (-func.sum(CREDIT_ENTRY.c.amount_minor)).label("drawn_minor"),
    )
    .select_from(
        with_zone(
            CREDIT_ENTRY.outerjoin(SALE, _IS_OF_ENTRY),
            METER.c.external_id == SALE.c.external_meter_id,
        )
    )
    .where(
        CREDIT_ENTRY.c.kind == EntryKind.SALE.value,
        in_keys(CREDIT_ENTRY.c.key, "entry"),
        within(CREDIT_ENTRY.c.at),
        IS_HERE,
    )
    .group_by(CREDIT_ENTRY.c.client_key, SALE.c.currency)
)
_DUE: Final = (
    select(SALE.c.currency, func.sum(SALE.c.amount_minor).label("due_minor"))
    .select_from(SALES)
    .where(
        OF_WINDOW,
        SALE.c.client_key == bindparam("client_key"),
        SALE.c.received_at >= bindparam("since", type_=UtcDateTime),
    )
    .group_by(SALE.c.currency)
)
_OF_CLIENT: Final = CREDIT_ENTRY.c.client_key == bindparam("client_key")
_TOOK: Final = and_(_OF_CLIENT, CREDIT_ENTRY.c.kind == EntryKind.SALE.value)
_TOOK_BEFORE: Final = select(CREDIT_ENTRY.c.key).where(_TOOK, CREDIT_ENTRY.c.at < _BEGIN).limit(1)
_FIRST_TAKEN: Final = select(func.min(CREDIT_ENTRY.c.at)).where(
    _TOOK, in_keys(CREDIT_ENTRY.c.key, "entry")
)
_FIRST_ENTRY: Final = select(func.min(CREDIT_ENTRY.c.at)).where(
    _OF_CLIENT, CREDIT_ENTRY.c.kind != EntryKind.SALE.value
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
        SALES.join(CLIENT, CLIENT.c.key == SALE.c.client_key).join(
            PAYMENT_ORDER, and_(_ORDER.reference == SALE.c.purchase_id, _IS_VENDED)
        )
    )
    .where(OF_WINDOW, _IS_PURCHASE, CLIENT.c.user_name == HOUSE_USER)
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
        _ORDER.ordered_at >= bindparam("ordered_from", type_=UtcDateTime),
        _ORDER.ordered_at < _END,
        within(_ORDER.paid_at),
        IS_HERE,
    )
    .group_by(_ORDER.currency)
)
_FIRST_WRITER: Final = select(func.min(TOKEN_LOG.c.writer).label("writer")).cte(
    "chain", recursive=True
)
# From each writer to the next in the primary key, however long their chains are.
_CHAIN: Final = _FIRST_WRITER.union_all(
    select(
        select(func.min(TOKEN_LOG.c.writer))
        .where(TOKEN_LOG.c.writer > _FIRST_WRITER.c.writer)
        .scalar_subquery()
    ).where(_FIRST_WRITER.c.writer.is_not(None))
)
_WRITERS: Final = select(
    _CHAIN.c.writer,
    select(TOKEN_LOG.c.made_at)
    .where(TOKEN_LOG.c.writer == _CHAIN.c.writer)
    .order_by(TOKEN_LOG.c.sequence.desc())
    .limit(1)
    .scalar_subquery()
    .label("newest_at"),
).where(_CHAIN.c.writer.is_not(None))


def zones(connection: Connection) -> list[str]:
    """Return the time zones of all utilities, in their order."""
    zone = UTILITY.c.time_zone
    return list(connection.execute(select(zone).distinct().order_by(zone)).scalars())


def values_of(connection: Connection, window: Window, home: str) -> dict[str, Any]:
    """Return what statements about sales and tokens of a window are run with."""
    begin, end = window.begin, window.end
    sales = keys_between(connection, SALE.c.key, SALE.c.received_at, begin, end)
    tokens = keys_between(connection, TOKEN.c.key, TOKEN.c.made_at, begin, end)
    ranges = {**bounds("sale", sales), **bounds("token", tokens)}
    older = connection.execute(_OLDER_SALES, ranges).scalars().all()
    return {
        "zone": window.zone,
        "home": home,
        "begin": begin,
        "end": end,
        "older_sales": older or [_NO_KEY],
        **ranges,
    }


def sold(connection: Connection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Return number and money of the sales of a window, and their bills, by client, currency."""
    return connection.execute(_sold(connection.dialect.name), values).all()


def made(connection: Connection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Return the tokens of a window and their charge, by client and currency, where known."""
    return connection.execute(_MADE, values).all()


def logged(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield the rows of the token log of a window, writer by writer, by client and currency."""
    begin, end, column = values["begin"], values["end"], TOKEN_LOG.c
    chains = connection.execute(_WRITERS).all()
    for writer in [chain.writer for chain in chains if chain.newest_at >= begin - APART]:
        is_of_writer = column.writer == writer
        rows = keys_between(connection, column.sequence, column.made_at, begin, end, is_of_writer)
        yield from connection.execute(_LOGGED, {**values, "writer": writer, **bounds("row", rows)})


def entries_of(connection: Connection, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a window with the range of its credit entries."""
    columns = CREDIT_ENTRY.c
    entries = keys_between(connection, columns.key, columns.at, values["begin"], values["end"])
    return {**values, **bounds("entry", entries)}


def drawn(connection: Connection, values: dict[str, Any]) -> Sequence[Row[Any]]:
    """Return what was taken from credit for sales, by client and currency, where known."""
    return connection.execute(_DRAWN, values).all()


def taken_since(connection: Connection, values: dict[str, Any], client_key: int) -> datetime | None:
    """Return from when on a client's sales are taken from its credit; None if they never were.

    That is from the first that was; before one was, from the first deposit.
    """
    given = {**values, "client_key": client_key}
    if connection.execute(_TOOK_BEFORE, given).first() is not None:
        begin: datetime = values["begin"]
        return begin
    first: datetime | None = connection.execute(_FIRST_TAKEN, given).scalar()
    return first or connection.execute(_FIRST_ENTRY, given).scalar()


def due(
    connection: Connection, values: dict[str, Any], client_key: int, since: datetime
) -> dict[str, int]:
    """Return what a client sold in a window from a moment on, by currency."""
    given = {**values, "client_key": client_key, "since": since}
    return {row.currency: int(row.due_minor) for row in connection.execute(_DUE, given)}


def paid(
    connection: Connection, values: dict[str, Any], *, ordered_before: timedelta
) -> Iterator[Row[Any]]:
    """Yield by currency what was paid for credit of vended orders: for sales, and for nothing.

    Orders without a sale are those that were paid in the window, and placed so long before it at
    most.
    """
    yield from connection.execute(_PAID_FOR, values)
    since = {"ordered_from": values["begin"] - ordered_before}
    yield from connection.execute(_PAID_FOR_NOTHING, {**values, **since})


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


def bounds(name: str, keys: range) -> dict[str, int]:
    """Return the values that tell `in_keys` of a range."""
    return {f"{name}_from": keys.start, f"{name}_to": keys.stop}


@cache
def _sold(dialect_name: str) -> Select[Any]:
    billed = case((_HAS_BILL, _of_bill(dialect_name)), else_=SALE.c.amount_minor)
    standard = (
        select(func.coalesce(func.sum(TOKEN.c.net_minor + TOKEN.c.tax_minor), 0))
        .where(TOKEN.c.sale_key == SALE.c.key, _IS_STANDARD)
        .scalar_subquery()
    )
    for_tokens = case((_HAS_BILL, _of_bill(dialect_name, but=_NOT_OF_TOKENS)), else_=standard)
    has_token = select(TOKEN.c.key).where(TOKEN.c.sale_key == SALE.c.key).exists()
    return (
        select(
            SALE.c.client_key,
            SALE.c.currency,
            func.count().label("sales"),
            func.sum(SALE.c.amount_minor).label("sold_minor"),
            func.sum(billed).label("billed_minor"),
            func.sum(for_tokens).label("for_tokens_minor"),
            func.sum(case((has_token, 0), else_=1)).label("without_token"),
        )
        .select_from(SALES)
        .where(OF_WINDOW)
        .group_by(SALE.c.client_key, SALE.c.currency)
    )


def _of_bill(dialect_name: str, *, but: Sequence[str] = ()) -> ColumnElement[int]:
    """Return what the lines of a sale's bill come to, without those of some kinds."""
    is_sqlite = dialect_name == "sqlite"
    elements = func.json_each if is_sqlite else func.jsonb_array_elements
    line = elements(SALE.c.bill).table_valued("value", name="line")

    def field(name: str) -> ColumnElement[Any]:
        return line.c.value.op("->>")(name)

    charge = cast(field("net_minor"), BigInteger) + cast(field("tax_minor"), BigInteger)
    total = select(func.coalesce(func.sum(charge), 0)).select_from(line)
    return total.where(field("kind").not_in(but)).scalar_subquery()
