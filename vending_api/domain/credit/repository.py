"""The SQL of the credit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, case, func, insert, select, update

from vending_api.domain.credit.tables import CREDIT, CREDIT_ENTRY, SPENDING
from vending_api.domain.credit.types import Entry, EntryKind
from vending_api.kit.db import insert_into, insert_or_ignore
from vending_api.kit.entries import require_fit
from vending_api.kit.group import recall, remember
from vending_api.kit.statements import Statement

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection, Insert

    from vending_api.domain.credit.types import Scope

_OF_CLIENT: Final = CREDIT.c.client_key == bindparam("of_client")
_OF_DAY: Final = (
    (SPENDING.c.scope == bindparam("of_scope"))
    & (SPENDING.c.scope_key == bindparam("of_key"))
    & (SPENDING.c.day == bindparam("of_day"))
)

_BALANCE: Final = select(CREDIT.c.balance_minor).where(_OF_CLIENT)
_TAKE: Final = Statement(
    update(CREDIT)
    .where(_OF_CLIENT, CREDIT.c.balance_minor >= bindparam("amount"))
    .values(balance_minor=CREDIT.c.balance_minor - bindparam("amount"))
    .returning(CREDIT.c.balance_minor),
    is_apart=True,
)
_SET: Final = Statement(update(CREDIT).where(_OF_CLIENT).values(balance_minor=bindparam("left")))
_ADD: Final = (
    update(CREDIT)
    .where(_OF_CLIENT)
    .values(balance_minor=CREDIT.c.balance_minor + bindparam("amount"))
    .returning(CREDIT.c.balance_minor)
)
_ADD_ENTRY: Final = Statement(insert(CREDIT_ENTRY))
_HELD_BY_SALE: Final = select(func.sum(CREDIT_ENTRY.c.amount_minor)).where(
    CREDIT_ENTRY.c.client_key == bindparam("of_client"),
    CREDIT_ENTRY.c.kind.in_((EntryKind.SALE.value, EntryKind.REVERSAL.value)),
    CREDIT_ENTRY.c.reference == bindparam("of_reference"),
)
_STATEMENT: Final = (
    select(CREDIT_ENTRY)
    .where(CREDIT_ENTRY.c.client_key == bindparam("of_client"))
    .order_by(CREDIT_ENTRY.c.key)
)
_STATEMENT_SINCE: Final = _STATEMENT.where(CREDIT_ENTRY.c.at >= bindparam("since"))

_SPENT: Final = select(SPENDING.c.amount_minor).where(_OF_DAY)
_UNCOUNT: Final = (
    update(SPENDING)
    .where(_OF_DAY)
    .values(
        amount_minor=case(
            (
                SPENDING.c.amount_minor > bindparam("amount"),
                SPENDING.c.amount_minor - bindparam("amount"),
            ),
            else_=0,
        )
    )
)


def find_balance(connection: Connection, client_key: int) -> int:
    """Return what is left of a client's deposits; 0 for a client who never made one."""
    return connection.execute(_BALANCE, {"of_client": client_key}).scalar() or 0


def all_balances(connection: Connection) -> dict[int, int]:
    """Return what is left of the deposits of all clients who ever made one, by their keys."""
    rows = connection.execute(select(CREDIT.c.client_key, CREDIT.c.balance_minor))
    return {row.client_key: row.balance_minor for row in rows}


def take(connection: Connection, client_key: int, amount_minor: int) -> int | None:
    """Take a sum from a client's credit and return what is left; None if it holds less.

    One statement decides and takes, so sales at the same moment cannot both get the last cent;
    from then on the row is locked, and the group of the connection knows what it holds.
    """
    known: int | None = recall(connection, (_SET, client_key))
    if known is None:
        values = {"of_client": client_key, "amount": amount_minor}
        row = _TAKE.row(connection, values)
        if row is None:
            return None
        left = int(row.balance_minor)
    elif known < amount_minor:
        return None
    else:
        left = known - amount_minor
        _SET.run_later(connection, [{"of_client": client_key, "left": left}], of=client_key)
    remember(connection, (_SET, client_key), left)
    return left


def add(connection: Connection, client_key: int, amount_minor: int) -> int:
    """Add a sum to the credit that a client has, and return what it then is."""
    values = {"of_client": client_key, "amount": amount_minor}
    return int(connection.execute(_ADD, values).scalar_one())


def lock_credit(connection: Connection, client_key: int) -> int:
    """Return a client's balance, its row kept from others until the transaction ends."""
    opened = {"client_key": client_key, "balance_minor": 0}
    connection.execute(insert_or_ignore(connection.dialect.name, CREDIT), opened)
    return add(connection, client_key, 0)


def add_entry(connection: Connection, client_key: int, entry: Entry) -> None:
    """Store a line of a client's statement."""
    _ADD_ENTRY.run_later(connection, [_row(client_key, entry)])


def add_entry_once(connection: Connection, client_key: int, entry: Entry) -> bool:
    """Store a line of a client's statement, and return whether it is the first of its kind.

    Raises EntryInvalid for a text longer than its column.
    """
    row = _row(client_key, entry)
    require_fit(CREDIT_ENTRY, row)
    new = insert_or_ignore(connection.dialect.name, CREDIT_ENTRY)
    return connection.execute(new.returning(CREDIT_ENTRY.c.key), row).first() is not None


def held_by_sale(connection: Connection, client_key: int, reference: str) -> int:
    """Return what a sale has taken from a client's credit and not given back."""
    values = {"of_client": client_key, "of_reference": reference}
    return -int(connection.execute(_HELD_BY_SALE, values).scalar() or 0)


def statement(connection: Connection, client_key: int, since: datetime | None) -> list[Entry]:
    """Return what changed a client's credit, oldest first."""
    if since is None:
        rows = connection.execute(_STATEMENT, {"of_client": client_key})
    else:
        rows = connection.execute(_STATEMENT_SINCE, {"of_client": client_key, "since": since})
    return [
        Entry(
            kind=EntryKind(row.kind),
            amount_minor=row.amount_minor,
            balance_minor=row.balance_minor,
            reference=row.reference,
            note=row.note,
            at=row.at,
        )
        for row in rows
    ]


def count(
    connection: Connection,
    scope: Scope,
    scope_key: int,
    day: date,
    amount_minor: int,
    *,
    maximum_minor: int,
) -> bool:
    """Add a sum to what was sold in a day, and return whether the day's limit allowed it.

    `amount_minor` alone is within the limit.
    """
    values = {
        "scope": scope.value,
        "scope_key": scope_key,
        "day": day,
        "amount_minor": amount_minor,
        "maximum": maximum_minor,
    }
    return _COUNT.row(connection, values) is not None


def find_spent(connection: Connection, scope: Scope, scope_key: int, day: date) -> int:
    """Return what was sold in a day, as far as it was counted."""
    return connection.execute(_SPENT, _of_day(scope, scope_key, day)).scalar() or 0


def uncount(
    connection: Connection, scope: Scope, scope_key: int, day: date, amount_minor: int
) -> None:
    """Take a sum from what was counted in a day, down to nothing at most."""
    values = _of_day(scope, scope_key, day) | {"amount": amount_minor}
    connection.execute(_UNCOUNT, values)


def _row(client_key: int, entry: Entry) -> dict[str, Any]:
    return {
        "client_key": client_key,
        "kind": entry.kind.value,
        "amount_minor": entry.amount_minor,
        "balance_minor": entry.balance_minor,
        "reference": entry.reference,
        "note": entry.note,
        "at": entry.at,
    }


def _of_day(scope: Scope, scope_key: int, day: date) -> dict[str, Any]:
    return {"of_scope": scope.value, "of_key": scope_key, "of_day": day}


def _count(dialect_name: str) -> Insert:
    new = insert_into(dialect_name, SPENDING)
    total = SPENDING.c.amount_minor + new.excluded.amount_minor
    return new.on_conflict_do_update(
        index_elements=list(SPENDING.primary_key),
        set_={"amount_minor": total},
        where=total <= bindparam("maximum"),
    ).returning(SPENDING.c.amount_minor)


_COUNT: Final = Statement(_count, is_apart=True)
