"""What prepaid clients have left, and how much a client or a meter may buy for in a day.

Nothing here is read first and written later: the statement that takes money is the one that
sees whether there is enough, so the database decides between sales at the same moment. The
row of a client's credit stays locked until its sale is committed, so take it late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vending_api.domain.clients.service import all_clients
from vending_api.domain.credit import repository
from vending_api.domain.credit.errors import DepositKnown, InsufficientFunds, LimitExceeded
from vending_api.domain.credit.types import Entry, EntryKind
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from vending_api.domain.clients.types import Client
    from vending_api.domain.credit.types import Scope

_LARGEST_DEPOSIT_MINOR: Final = 10**15 - 1
"""15 digits, the most that points of sale can say of any sum."""


def draw(
    connection: Connection, client: Client, amount_minor: int, *, reference: str, at: datetime
) -> None:
    """Take the price of a sale from the credit of a prepaid client.

    Does nothing for other clients, and for a sale of nothing. Raises InsufficientFunds when
    the credit is smaller; then it is as it was.
    """
    if not client.terms.is_prepaid or amount_minor <= 0:
        return
    left = repository.take(connection, client.key, amount_minor)
    if left is None:
        raise InsufficientFunds(amount_minor)
    taken = Entry(
        kind=EntryKind.SALE,
        amount_minor=-amount_minor,
        balance_minor=left,
        reference=reference,
        note="",
        at=at,
    )
    repository.add_entry(connection, client.key, taken)


def require_funds(connection: Connection, client: Client, amount_minor: int) -> None:
    """Raise InsufficientFunds where `draw` would, and take nothing."""
    if not client.terms.is_prepaid or amount_minor <= 0:
        return
    if repository.find_balance(connection, client.key) < amount_minor:
        raise InsufficientFunds(amount_minor)


def give_back(connection: Connection, client_key: int, *, reference: str, at: datetime) -> None:
    """Give a client back what a sale took from its credit, once.

    Does nothing for a sale that took nothing, or that gave it back before.
    """
    amount_minor = repository.held_by_sale(connection, client_key, reference)
    if not amount_minor:
        return
    returned = Entry(
        kind=EntryKind.REVERSAL,
        amount_minor=amount_minor,
        balance_minor=repository.add(connection, client_key, amount_minor),
        reference=reference,
        note="",
        at=at,
    )
    repository.add_entry(connection, client_key, returned)


def deposit(
    connection: Connection,
    client_key: int,
    amount_minor: int,
    *,
    reference: str,
    note: str,
    at: datetime,
) -> int:
    """Add a payment to a client's credit, and return the new balance.

    `reference` names the payment, so that it counts once. Raises DepositKnown for one that
    was recorded before; EntryInvalid for a sum that is none, for no reference, and for texts
    that are too long.
    """
    if not 0 < amount_minor <= _LARGEST_DEPOSIT_MINOR:
        raise EntryInvalid(
            "credit_entry.amount_minor",
            f"{amount_minor}; write 1 to {_LARGEST_DEPOSIT_MINOR} minor units",
        )
    if not reference.strip():
        raise EntryInvalid("credit_entry.reference", "is empty; write what names the payment")
    balance_minor = repository.lock_credit(connection, client_key) + amount_minor
    paid_in = Entry(
        kind=EntryKind.DEPOSIT,
        amount_minor=amount_minor,
        balance_minor=balance_minor,
        reference=reference,
        note=note,
        at=at,
    )
    # The entry comes first, so that a payment which is known has changed nothing.
    if not repository.add_entry_once(connection, client_key, paid_in):
        raise DepositKnown(reference)
    return repository.add(connection, client_key, amount_minor)


def balance(connection: Connection, client_key: int) -> int:
    """Return what is left of a client's deposits; 0 for a client who never made one."""
    return repository.find_balance(connection, client_key)


def prepaid_balances(connection: Connection) -> dict[str, int]:
    """Return what is left of the deposits of each prepaid client, by its user name.

    Clients that are switched off are left out.
    """
    balances = repository.all_balances(connection)
    return {
        client.user_name: balances.get(client.key, 0)
        for client in all_clients(connection)
        if client.is_active and client.terms.is_prepaid
    }


def statement(
    connection: Connection, client_key: int, *, since: datetime | None = None
) -> list[Entry]:
    """Return what changed a client's credit, from a moment on if one is given, oldest first."""
    return repository.statement(connection, client_key, since)


def count(
    connection: Connection,
    scope: Scope,
    scope_key: int,
    day: date,
    amount_minor: int,
    *,
    maximum_minor: int | None,
    what: str,
) -> None:
    """Count a sale towards the limit of a day.

    Does nothing where there is no limit, and for a sale of nothing. Raises LimitExceeded,
    which calls the limit `what`; then nothing was counted.
    """
    if maximum_minor is None or amount_minor <= 0:
        return
    is_within = amount_minor <= maximum_minor and repository.count(
        connection, scope, scope_key, day, amount_minor, maximum_minor=maximum_minor
    )
    if not is_within:
        raise LimitExceeded(what, maximum_minor)


def require_within(
    connection: Connection,
    scope: Scope,
    scope_key: int,
    day: date,
    amount_minor: int,
    *,
    maximum_minor: int | None,
    what: str,
) -> None:
    """Raise LimitExceeded where `count` would, and count nothing."""
    if maximum_minor is None or amount_minor <= 0:
        return
    if repository.find_spent(connection, scope, scope_key, day) + amount_minor > maximum_minor:
        raise LimitExceeded(what, maximum_minor)


def uncount(
    connection: Connection, scope: Scope, scope_key: int, day: date, amount_minor: int
) -> None:
    """Take a reversed sale from what was counted in its day; never below nothing."""
    repository.uncount(connection, scope, scope_key, day, amount_minor)
