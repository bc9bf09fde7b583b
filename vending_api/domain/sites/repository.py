"""The SQL of the sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, func, select, update

from vending_api.domain.accounts.tables import ACCOUNT
from vending_api.domain.meters.tables import METER, SUPPLY_GROUP, TARIFF, UTILITY
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row, Select

_GROUPS: Final[Select[Any]] = select(
    SUPPLY_GROUP.c.supply_group_code,
    SUPPLY_GROUP.c.key_revision_number,
    UTILITY.c.name.label("utility_name"),
).join(UTILITY, SUPPLY_GROUP.c.utility_key == UTILITY.c.key)
_METERS_OF_UTILITY: Final = (
    select(METER.c.key)
    .join(SUPPLY_GROUP, METER.c.supply_group_code == SUPPLY_GROUP.c.supply_group_code)
    .where(SUPPLY_GROUP.c.utility_key == bindparam("utility_key"))
    .limit(1)
)
_CLASS: Final = func.coalesce(ACCOUNT.c.customer_class, "")
_CLASSES: Final = (
    select(_CLASS.label("customer_class"), func.count().label("meters"))
    .select_from(METER)
    .join(ACCOUNT, METER.c.key == ACCOUNT.c.meter_key, isouter=True)
    .where(METER.c.tariff_key == bindparam("tariff_key"))
    .group_by(_CLASS)
    .order_by(_CLASS)
)


def utilities(connection: Connection) -> Sequence[Row[Any]]:
    """Return the rows of all utilities."""
    return connection.execute(select(UTILITY)).all()


def supply_groups(connection: Connection) -> Sequence[Row[Any]]:
    """Return all supply groups, each with the name of its utility."""
    return connection.execute(_GROUPS).all()


def tariffs(connection: Connection) -> Sequence[Row[Any]]:
    """Return the rows of all tariffs."""
    return connection.execute(select(TARIFF)).all()


def has_meters(connection: Connection, utility_key: int) -> bool:
    """Return whether any meter belongs to a utility."""
    return connection.execute(_METERS_OF_UTILITY, {"utility_key": utility_key}).first() is not None


def classes_of_tariff(connection: Connection, tariff_key: int) -> dict[str, int]:
    """Return how many meters under a tariff are of each customer class."""
    rows = connection.execute(_CLASSES, {"tariff_key": tariff_key})
    return {row.customer_class: row.meters for row in rows}


def update_utility(connection: Connection, name: str, values: dict[str, Any]) -> None:
    """Store other values of columns of a utility."""
    require_fit(UTILITY, values)
    connection.execute(update(UTILITY).where(UTILITY.c.name == name).values(values))


def update_tariff(connection: Connection, name: str, document: str) -> None:
    """Store another document of a tariff."""
    connection.execute(update(TARIFF).where(TARIFF.c.name == name).values(document=document))
