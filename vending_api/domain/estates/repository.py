"""The SQL of the estates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, select

from vending_api.domain.estates.tables import ESTATE
from vending_api.domain.estates.types import Estate
from vending_api.domain.meters.tables import UTILITY
from vending_api.kit.db import insert_into
from vending_api.kit.entries import require_fit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

_ESTATES: Final = select(ESTATE, UTILITY.c.name, UTILITY.c.currency, UTILITY.c.time_zone).join(
    UTILITY, ESTATE.c.utility_key == UTILITY.c.key
)
_ALL: Final = _ESTATES.order_by(ESTATE.c.key)
_BY_KEY: Final = _ESTATES.where(ESTATE.c.key == bindparam("of_key"))
_BY_UTILITY: Final = _ESTATES.where(UTILITY.c.name == bindparam("of_name"))
_UTILITY_KEY: Final = select(UTILITY.c.key).where(UTILITY.c.name == bindparam("of_name"))
_CHANGED: Final = ("account_code", "transaction_charge_minor", "updated_at")


def all_estates(connection: Connection) -> list[Estate]:
    """Return every estate by its number."""
    return [_estate(row) for row in connection.execute(_ALL)]


def find_by_key(connection: Connection, key: int) -> Estate | None:
    """Return the estate of a number, or None."""
    row = connection.execute(_BY_KEY, {"of_key": key}).one_or_none()
    return None if row is None else _estate(row)


def find_by_utility(connection: Connection, utility_name: str) -> Estate | None:
    """Return the estate that a utility of this name is, or None."""
    row = connection.execute(_BY_UTILITY, {"of_name": utility_name}).one_or_none()
    return None if row is None else _estate(row)


def utility_key(connection: Connection, utility_name: str) -> int | None:
    """Return the key of a registered utility, or None."""
    return connection.execute(_UTILITY_KEY, {"of_name": utility_name}).scalar()


def store_estate(
    connection: Connection,
    utility_key: int,
    *,
    account_code: str,
    transaction_charge_minor: int,
    at: datetime,
) -> int:
    """Store that a utility is an estate, or other terms of one that it is; return its key."""
    values = {
        "utility_key": utility_key,
        "account_code": account_code,
        "transaction_charge_minor": transaction_charge_minor,
        "created_at": at,
        "updated_at": at,
    }
    require_fit(ESTATE, values)
    new = insert_into(connection.dialect.name, ESTATE).values(values)
    terms = {name: new.excluded[name] for name in _CHANGED}
    stored = new.on_conflict_do_update(index_elements=[ESTATE.c.utility_key], set_=terms)
    return int(connection.execute(stored.returning(ESTATE.c.key)).scalar_one())


def _estate(row: Row[Any]) -> Estate:
    return Estate(
        key=row.key,
        utility_key=row.utility_key,
        name=row.name,
        currency=row.currency,
        time_zone=row.time_zone,
        account_code=row.account_code,
        transaction_charge_minor=row.transaction_charge_minor,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
