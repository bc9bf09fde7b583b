"""What may be asked about estates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from vending_api.domain.estates import repository
from vending_api.domain.estates.errors import EstateUnknown
from vending_api.kit.entries import EntryInvalid

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from vending_api.domain.estates.types import Estate

_LARGEST_KEY: Final = (1 << 63) - 1
"""What a database can compare with a key; residents may write any number."""
_ACCOUNT_CODE: Final = re.compile(r"ACCT_[A-Za-z0-9]+")


def all_estates(connection: Connection) -> list[Estate]:
    """Return every estate by its number."""
    return repository.all_estates(connection)


def find_estate(connection: Connection, key: int) -> Estate:
    """Return the estate of a number, which may be any; raises EstateUnknown."""
    estate = repository.find_by_key(connection, key) if 0 < key <= _LARGEST_KEY else None
    if estate is None:
        raise EstateUnknown(key)
    return estate


def estate_of_utility(connection: Connection, utility_name: str) -> Estate | None:
    """Return the estate that a utility of this name is; None if it does not sell online."""
    return repository.find_by_utility(connection, utility_name)


def set_estate(
    connection: Connection,
    utility_name: str,
    *,
    account_code: str,
    transaction_charge_minor: int,
    at: datetime,
) -> Estate:
    """Let the residents of a registered utility buy online, or change the terms on which they do.

    Orders keep the terms that they were placed under. Raises EntryInvalid for a utility that is
    not registered, an account code that is none, and a charge below 0.
    """
    if account_code and not _ACCOUNT_CODE.fullmatch(account_code):
        raise EntryInvalid(
            "account_code", f"{account_code[:40]!r}; write the subaccount's code, as ACCT_8f4s1eq7"
        )
    if transaction_charge_minor < 0:
        raise EntryInvalid("transaction_charge_minor", "is below 0; write 0 for no charge")
    utility_key = repository.utility_key(connection, utility_name)
    if utility_key is None:
        raise EntryInvalid("utility", f"{utility_name} is not registered; import its site first")
    key = repository.store_estate(
        connection,
        utility_key,
        account_code=account_code,
        transaction_charge_minor=transaction_charge_minor,
        at=at,
    )
    return find_estate(connection, key)
