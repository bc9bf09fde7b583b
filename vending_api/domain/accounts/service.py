"""What may be asked of the accounts, and how they change.

Whoever reads an account to change it holds the lock on its meter (`meters.lock_meter`),
so two sales of one meter at the same moment see each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tariffs.account import Account
from vending_api.domain.accounts import repository
from vending_api.kit.entries import EntryInvalid
from vending_api.kit.group import recall, remember

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from tariffs.account import Debt

_ACCOUNT: Final = "account"


def account_of(connection: Connection, meter_key: int) -> Account:
    """Return what a tariff knows of a meter; a meter that has none gets a fresh account."""
    known: Account | None = recall(connection, (_ACCOUNT, meter_key))
    return known or repository.find_account(connection, meter_key) or Account()


def read_accounts(connection: Connection, meter_keys: Sequence[int]) -> None:
    """Let the group of a connection know the accounts of meters that it has locked."""
    for key, account in repository.find_accounts(connection, meter_keys).items():
        remember(connection, (_ACCOUNT, key), account or Account())


def store_account(
    connection: Connection, meter_key: int, account: Account, *, before: Account
) -> None:
    """Store the account of a locked meter; what it owes only where that differs from `before`."""
    remember(connection, (_ACCOUNT, meter_key), account)
    repository.put_account(connection, meter_key, account)
    if (account.owed, account.debts) != (before.owed, before.debts):
        repository.put_arrears(connection, meter_key, account)


def set_customer(
    connection: Connection,
    meter_key: int,
    *,
    customer_class: str = "",
    is_exempt: bool = False,
    gets_free_units: bool = False,
) -> None:
    """Say what kind of customer a tariff finds at a locked meter.

    Raises EntryInvalid for a class with a name longer than 40 characters.
    """
    before = account_of(connection, meter_key)
    account = before._replace(
        customer_class=customer_class,
        is_exempt=is_exempt,
        gets_free_units=gets_free_units,
    )
    store_account(connection, meter_key, account, before=before)


def set_debts(connection: Connection, meter_key: int, debts: Sequence[Debt]) -> None:
    """Say what debts a locked meter has, in the order in which they are paid off.

    Raises EntryInvalid for a debt without a name that fits on a receipt, or of nothing.
    """
    _require_sound(debts)
    before = account_of(connection, meter_key)
    store_account(connection, meter_key, before._replace(debts=tuple(debts)), before=before)


def open_accounts(connection: Connection, accounts: Mapping[int, Account]) -> None:
    """Give new meters, by their keys, the accounts that they begin with.

    Raises EntryInvalid as `set_customer` and `set_debts`.
    """
    for account in accounts.values():
        _require_sound(account.debts)
    repository.add_accounts(connection, accounts)


def set_customers(
    connection: Connection, accounts: Mapping[int, Account], fields: Collection[str]
) -> None:
    """Say what kind of customers a tariff finds at locked meters, by their keys.

    Of each account only `fields` of it count: customer_class, is_exempt, gets_free_units.
    Raises EntryInvalid as `set_customer`.
    """
    if accounts and fields:
        repository.put_flags(connection, accounts, fields)


def _require_sound(debts: Sequence[Debt]) -> None:
    for debt in debts:
        if not debt.name:
            raise EntryInvalid("debt.name", "is empty; write what receipts should call it")
        if debt.balance_minor <= 0:
            raise EntryInvalid("debt.balance_minor", f"{debt.balance_minor}; write 1 or more")
