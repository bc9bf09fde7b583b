"""The SQL of the accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, delete, insert, select

from tariffs.account import Account, Debt, Owed
from vending_api.domain.accounts.tables import ACCOUNT, ARREARS
from vending_api.kit.db import insert_or_update
from vending_api.kit.entries import require_fit
from vending_api.kit.statements import Statement, StatementForMany

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection, Row

_CHARGE: Final = "charge"
_DEBT: Final = "debt"

_PUT: Final = Statement(lambda dialect_name: insert_or_update(dialect_name, ACCOUNT))
_WITH_ARREARS: Final = (
    select(ACCOUNT, ARREARS.c.kind, ARREARS.c.name, ARREARS.c.balance_minor)
    .join(ARREARS, ACCOUNT.c.meter_key == ARREARS.c.meter_key, isouter=True)
    .order_by(ARREARS.c.position)
)
_FIND: Final = Statement(
    _WITH_ARREARS.where(ACCOUNT.c.meter_key == bindparam("of_meter")), is_apart=True
)
_FIND_MANY: Final = StatementForMany(
    lambda _, rows: _WITH_ARREARS.where(ACCOUNT.c.meter_key.in_([row["of_meter"] for row in rows]))
)
_DELETE_ARREARS: Final = Statement(
    delete(ARREARS).where(ARREARS.c.meter_key == bindparam("of_meter"))
)
_INSERT_ARREARS: Final = Statement(insert(ARREARS))


def find_account(connection: Connection, meter_key: int) -> Account | None:
    """Return the account of a meter with all that it owes, or None, in one statement."""
    return _account(_FIND.rows(connection, {"of_meter": meter_key}))


def find_accounts(connection: Connection, meter_keys: Sequence[int]) -> dict[int, Account | None]:
    """Return the accounts of meters by their keys, as `find_account` does one."""
    rows_of: dict[int, list[Row[Any]]] = {key: [] for key in meter_keys}
    for row in _FIND_MANY.rows(connection, [{"of_meter": key} for key in meter_keys]):
        rows_of[row.meter_key].append(row)
    return {key: _account(rows) for key, rows in rows_of.items()}


def _account(rows: Sequence[Row[Any]]) -> Account | None:
    if not rows:
        return None
    first = rows[0]
    return Account(
        customer_class=first.customer_class,
        is_exempt=first.is_exempt,
        gets_free_units=first.gets_free_units,
        last_purchase_on=first.last_purchase_on,
        units_this_month=Decimal(first.units_this_month),
        paid_this_month_minor=first.paid_this_month_minor,
        free_units_on=first.free_units_on,
        owed=tuple(
            Owed(name=row.name, amount_minor=row.balance_minor)
            for row in rows
            if row.kind == _CHARGE
        ),
        debts=tuple(
            Debt(name=row.name, balance_minor=row.balance_minor)
            for row in rows
            if row.kind == _DEBT
        ),
        carried_minor=first.carried_minor,
    )


def put_account(connection: Connection, meter_key: int, account: Account) -> None:
    """Store an account in place of the one there was, without what it owes.

    Raises EntryInvalid for a text longer than its column.
    """
    _PUT.run_later(connection, [_row(meter_key, account)], of=meter_key)


def put_arrears(connection: Connection, meter_key: int, account: Account) -> None:
    """Store what an account owes in place of what it owed; the account itself is stored.

    Raises EntryInvalid for a text longer than its column.
    """
    rows = _arrears(meter_key, account)
    _DELETE_ARREARS.run_later(connection, [{"of_meter": meter_key}], of=meter_key)
    _INSERT_ARREARS.run_later(connection, rows, of=meter_key)


def add_accounts(connection: Connection, accounts: Mapping[int, Account]) -> None:
    """Store the accounts of meters that have none, by their keys, with what they owe.

    Raises EntryInvalid for a text longer than its column.
    """
    rows = [_row(meter_key, account) for meter_key, account in accounts.items()]
    if rows:
        connection.execute(insert(ACCOUNT), rows)
    owed = [row for key, account in accounts.items() for row in _arrears(key, account)]
    if owed:
        _INSERT_ARREARS.run_later(connection, owed)


def put_flags(
    connection: Connection, accounts: Mapping[int, Account], columns: Collection[str]
) -> None:
    """Store these columns of accounts, by the keys of their meters, and leave the others.

    A meter that has no account gets the whole of it. Raises EntryInvalid as `put_account`.
    """
    rows = [_row(meter_key, account) for meter_key, account in accounts.items()]
    connection.execute(insert_or_update(connection.dialect.name, ACCOUNT, *sorted(columns)), rows)


def _row(meter_key: int, account: Account) -> dict[str, Any]:
    values = {
        "meter_key": meter_key,
        "customer_class": account.customer_class,
        "is_exempt": account.is_exempt,
        "gets_free_units": account.gets_free_units,
        "last_purchase_on": account.last_purchase_on,
        "units_this_month": f"{account.units_this_month:f}",
        "paid_this_month_minor": account.paid_this_month_minor,
        "free_units_on": account.free_units_on,
        "carried_minor": account.carried_minor,
    }
    require_fit(ACCOUNT, values)
    return values


def _arrears(meter_key: int, account: Account) -> list[dict[str, Any]]:
    owed = [(_CHARGE, place, one.name, one.amount_minor) for place, one in enumerate(account.owed)]
    owed += [(_DEBT, place, one.name, one.balance_minor) for place, one in enumerate(account.debts)]
    rows: list[dict[str, Any]] = [
        {
            "meter_key": meter_key,
            "kind": kind,
            "position": position,
            "name": name,
            "balance_minor": balance_minor,
        }
        for kind, position, name, balance_minor in owed
    ]
    for row in rows:
        require_fit(ARREARS, row)
    return rows
