"""The SQL of the meter lists: statements that take rows by the thousand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from vending_api.domain.accounts.tables import ACCOUNT
from vending_api.domain.meters.tables import CUSTOMER, METER, SUPPLY_GROUP, TARIFF, UTILITY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, Row, Select

_GROUPS: Final[Select[Any]] = select(
    SUPPLY_GROUP.c.supply_group_code,
    UTILITY.c.minimum_purchase_minor,
    UTILITY.c.maximum_purchase_minor,
).join(UTILITY, SUPPLY_GROUP.c.utility_key == UTILITY.c.key)
_CLASS: Final = func.coalesce(ACCOUNT.c.customer_class, "")
_METERS: Final = (
    select(
        METER,
        TARIFF.c.name.label("tariff"),
        CUSTOMER.c.first_name,
        CUSTOMER.c.last_name,
        CUSTOMER.c.address,
        _CLASS.label("customer_class"),
        func.coalesce(ACCOUNT.c.is_exempt, False).label("is_exempt"),
        func.coalesce(ACCOUNT.c.gets_free_units, False).label("gets_free_units"),
    )
    .join(TARIFF, METER.c.tariff_key == TARIFF.c.key)
    .join(CUSTOMER, METER.c.customer_key == CUSTOMER.c.key)
    .join(ACCOUNT, METER.c.key == ACCOUNT.c.meter_key, isouter=True)
    .where(METER.c.external_id.in_(bindparam("external_ids", expanding=True)))
)
_PANS: Final = select(METER.c.pan, METER.c.external_id).where(
    METER.c.pan.in_(bindparam("pans", expanding=True))
)


def supply_groups(connection: Connection) -> Sequence[Row[Any]]:
    """Return all supply groups, each with the limits of its utility."""
    return connection.execute(_GROUPS).all()


def tariffs(connection: Connection) -> Sequence[Row[Any]]:
    """Return the rows of all tariffs."""
    return connection.execute(select(TARIFF)).all()


def find_meters(connection: Connection, external_ids: Collection[str]) -> dict[str, Row[Any]]:
    """Return what is registered under these numbers: meter, customer, and flags of the account."""
    rows = connection.execute(_METERS, {"external_ids": list(external_ids)})
    return {row.external_id: row for row in rows}


def find_pans(connection: Connection, pans: Collection[str]) -> dict[str, str]:
    """Return the numbers under which these PANs are registered."""
    rows = connection.execute(_PANS, {"pans": list(pans)})
    return {row.pan: row.external_id for row in rows}


def update_meters(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store other values of meters, and lock their rows in the given order.

    The rows are alike: `of_meter` is the key of a meter, `new_...` the new value of a column.
    """
    # A column set to itself: with no other to store, the row is still locked.
    values = {"external_id": METER.c.external_id} | _new_values(rows[0])
    connection.execute(
        update(METER).where(METER.c.key == bindparam("of_meter")).values(values), rows
    )


def update_customers(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Store other values of customers, by their keys `of_customer`; rows as in `update_meters`."""
    if rows:
        statement = update(CUSTOMER).where(CUSTOMER.c.key == bindparam("of_customer"))
        connection.execute(statement.values(_new_values(rows[0])), rows)


def _new_values(row: dict[str, Any]) -> dict[str, Any]:
    names = [name.removeprefix("new_") for name in row if name.startswith("new_")]
    return {name: bindparam(f"new_{name}") for name in names}
