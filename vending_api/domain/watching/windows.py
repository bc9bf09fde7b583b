"""Which rows are of a window, and in which bites they are read.

A window is a dict of values, which statements are run with: its ends, its zone, and for each
table that it was looked up in the range of its keys, with the bites of that. A bite of a window
has one of them for the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Boolean, String, and_, bindparam, func, or_, select

from vending_api.domain.issuing.tables import TOKEN
from vending_api.domain.meters.tables import METER, SUPPLY_GROUP, UTILITY
from vending_api.domain.sales.tables import SALE
from vending_api.domain.sales.types import SaleState
from vending_api.domain.watching import ranges
from vending_api.kit.db import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, FromClause, Row, Select

    from vending_api.domain.watching.types import Window

_NO_KEY: Final = 0
_OLDER_AT_ONCE: Final = 500
BEGIN: Final = bindparam("begin", type_=UtcDateTime)
END: Final = bindparam("end", type_=UtcDateTime)
# Written out, not sent: where there is one zone, PostgreSQL sees that it need not look for meters.
_ALL_ARE_HERE: Final = bindparam("has_one_zone", type_=Boolean, literal_execute=True)
IS_HERE: Final = or_(
    _ALL_ARE_HERE,
    func.coalesce(UTILITY.c.time_zone, bindparam("home", type_=String)) == bindparam("zone"),
)
"""What leads to no utility is looked at in one zone, rather than in none."""


def within(moment: Column[Any]) -> ColumnElement[bool]:
    """Return whether a moment is in the window."""
    return and_(moment >= BEGIN, moment < END)


def with_zone(rows: FromClause, is_meter: ColumnElement[bool]) -> FromClause:
    """Return rows beside their meter and its utility, where there is one."""
    return (
        rows.outerjoin(METER, is_meter)
        .outerjoin(SUPPLY_GROUP, SUPPLY_GROUP.c.supply_group_code == METER.c.supply_group_code)
        .outerjoin(UTILITY, UTILITY.c.key == SUPPLY_GROUP.c.utility_key)
    )


def in_keys(key: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return whether a key is in a range of the values of a window."""
    return and_(key >= bindparam(f"{name}_from"), key < bindparam(f"{name}_to"))


IS_SOLD: Final = SALE.c.state.not_in([SaleState.REFUSED.value, SaleState.GIVEN_UP.value])
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
_OLDER_SALES: Final[Select[Any]] = (
    select(TOKEN.c.sale_key)
    .distinct()
    .where(in_keys(TOKEN.c.key, "token"), ~in_keys(TOKEN.c.sale_key, "sale"))
)


def values_of(connection: Connection, window: Window, zones: Sequence[str]) -> dict[str, Any]:
    """Return what statements about sales and tokens of a window are run with.

    `zones` are all that there are; what leads to none of them is of the first.
    """
    values: dict[str, Any] = {
        "zone": window.zone,
        "home": zones[0],
        "has_one_zone": len(zones) == 1,
        "begin": window.begin,
        "end": window.end,
    }
    values = with_keys(connection, values, "sale", SALE.c.key, SALE.c.received_at)
    values = with_keys(connection, values, "token", TOKEN.c.key, TOKEN.c.made_at)
    older = {row.sale_key for row in read(connection, _OLDER_SALES, in_bites(values, "token"))}
    return {**values, "older_sales": sorted(older)}


def with_keys(
    connection: Connection,
    values: dict[str, Any],
    name: str,
    order: Column[Any],
    moment: Column[Any],
    *of: ColumnElement[bool],
) -> dict[str, Any]:
    """Return the values of a window with where a table's keys of it are, all and bite by bite."""
    keys = ranges.keys_between(connection, order, moment, values["begin"], values["end"], *of)
    found = list(ranges.bites(connection, order, keys, *of))
    return {**values, **_bounds(name, keys), f"{name}_bites": found}


def in_bites(values: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the values of a window again and again, each time with the next keys of a table."""
    for some in values[f"{name}_bites"]:
        yield {**values, **_bounds(name, some)}


def of_sales(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the values of bites of a window's sales."""
    older = values["older_sales"]
    yield from in_bites({**values, "older_sales": [_NO_KEY]}, "sale")
    for first in range(0, len(older), _OLDER_AT_ONCE):
        some = older[first : first + _OLDER_AT_ONCE]
        yield {**values, **_bounds("sale", range(0)), "older_sales": some}


def read(
    connection: Connection, statement: Select[Any], bites: Iterable[dict[str, Any]]
) -> Iterator[Row[Any]]:
    """Yield the rows of a statement, bite by bite; sums are those of a bite."""
    for values in bites:
        yield from connection.execute(statement, values).all()


def _bounds(name: str, keys: range) -> dict[str, int]:
    return {f"{name}_from": keys.start, f"{name}_to": keys.stop}
