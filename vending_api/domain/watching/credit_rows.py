"""The SQL of what a day's sales took from prepaid credit, and what they had to take."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, and_, bindparam, case, func, select

from vending_api.domain.credit.tables import CREDIT_ENTRY
from vending_api.domain.credit.types import EntryKind
from vending_api.domain.meters.tables import METER
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleKind
from vending_api.domain.watching.windows import (
    IS_HERE,
    OF_WINDOW,
    SALES,
    in_bites,
    in_keys,
    of_sales,
    read,
    with_keys,
    with_zone,
    within,
)
from vending_api.kit.db import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

_ENTRIES_AT_ONCE: Final = 2_000
_ENTRY: Final = CREDIT_ENTRY.c
_IS_OF_ENTRY: Final = and_(
    SALE.c.kind == SaleKind.PURCHASE.value,
    SALE.c.purchase_id == _ENTRY.reference,
    SALE.c.client_key == _ENTRY.client_key,
)
_DRAWN: Final[Select[Any]] = (
    select(
        _ENTRY.client_key,
        SALE.c.currency,
        (-func.sum(_ENTRY.amount_minor)).label("drawn_minor"),
    )
    .select_from(
        with_zone(
            CREDIT_ENTRY.outerjoin(SALE, _IS_OF_ENTRY),
            METER.c.external_id == SALE.c.external_meter_id,
        )
    )
    .where(
        _ENTRY.kind == EntryKind.SALE.value,
        in_keys(_ENTRY.key, "entry"),
        within(_ENTRY.at),
        IS_HERE,
    )
    .group_by(_ENTRY.client_key, SALE.c.currency)
)
_DUE: Final[Select[Any]] = (
    select(SALE.c.currency, func.sum(SALE.c.amount_minor).label("due_minor"))
    .select_from(SALES)
    .where(
        OF_WINDOW,
        SALE.c.client_key == bindparam("client_key"),
        SALE.c.received_at >= bindparam("since", type_=UtcDateTime),
    )
    .group_by(SALE.c.currency)
)
_OF_CLIENT: Final = _ENTRY.client_key == bindparam("client_key")
# In the order of the unique key, in which old ones and new ones are mixed.
_SOME_TAKEN: Final = (
    select(_ENTRY.key, _ENTRY.reference, _ENTRY.at)
    .where(
        _OF_CLIENT,
        _ENTRY.kind == EntryKind.SALE.value,
        _ENTRY.reference > bindparam("after", type_=String),
    )
    .order_by(_ENTRY.reference)
    .limit(bindparam("at_once"))
    .subquery()
)
_TAKEN: Final = select(
    func.max(_SOME_TAKEN.c.reference).label("last"),
    func.min(_SOME_TAKEN.c.at).label("oldest"),
    func.min(case((in_keys(_SOME_TAKEN.c.key, "entry"), _SOME_TAKEN.c.at))).label("of_window"),
)
_FIRST_ENTRY: Final = select(func.min(_ENTRY.at)).where(
    _OF_CLIENT, _ENTRY.kind != EntryKind.SALE.value
)


def with_entries(connection: Connection, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a window with the range of its credit entries."""
    return with_keys(connection, values, "entry", _ENTRY.key, _ENTRY.at)


def drawn(connection: Connection, values: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield what was taken from credit for sales, by client and currency, where known."""
    return read(connection, _DRAWN, in_bites(values, "entry"))


def taken_since(connection: Connection, values: dict[str, Any], client_key: int) -> datetime | None:
    """Return from when on a client's sales are taken from its credit; None if they never were.

    That is from the first that was; before one was, from the first deposit.
    """
    begin: datetime = values["begin"]
    given = {**values, "client_key": client_key, "after": "", "at_once": _ENTRIES_AT_ONCE}
    first: datetime | None = None
    while (some := connection.execute(_TAKEN, given).one()).last is not None:
        if some.oldest < begin:
            return begin
        if some.of_window is not None:
            first = some.of_window if first is None else min(first, some.of_window)
        given["after"] = some.last
    return first or connection.execute(_FIRST_ENTRY, given).scalar()


def due(
    connection: Connection, values: dict[str, Any], client_key: int, since: datetime
) -> Counter[str]:
    """Return what a client sold in a window from a moment on, by currency."""
    given = {**values, "client_key": client_key, "since": since}
    found: Counter[str] = Counter()
    for row in read(connection, _DUE, of_sales(given)):
        found[row.currency] += int(row.due_minor)
    return found
