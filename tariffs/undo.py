"""What a purchase did to an account, undone: for a sale whose money is given back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tariffs.account import Debt, Owed
from tariffs.deductions import month_of
from tariffs.lines import LineKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tariffs.account import Account
    from tariffs.lines import Line


def undone(account: Account, lines: Sequence[Line], amount_minor: int, day: date) -> Account:
    """Return an account as it would be had a purchase of `day` not been made.

    `account` may have bought more since. `lines` and `amount_minor` are the purchase's own.
    Charges that fell due with it stay due, and are owed again; free units stay given.
    """
    units = sum(
        (line.quantity for line in lines if line.kind is LineKind.ENERGY and line.quantity),
        start=Decimal(0),
    )
    # The units and the money of a month gone by no longer count, so nothing is taken back.
    last = account.last_purchase_on
    is_this_month = last is not None and month_of(last) == month_of(day)
    carried = sum(line.amount_minor for line in lines if line.kind is LineKind.CARRIED)
    owed = {one.name: one.amount_minor for one in account.owed}
    debts = {one.name: one.balance_minor for one in account.debts}
    return account._replace(
        units_this_month=account.units_this_month - (units if is_this_month else 0),
        paid_this_month_minor=account.paid_this_month_minor - amount_minor * is_this_month,
        owed=tuple(
            Owed(name=name, amount_minor=minor)
            for name, minor in _given_back(owed, lines, LineKind.CHARGE).items()
        ),
        debts=tuple(
            Debt(name=name, balance_minor=minor)
            for name, minor in _given_back(debts, lines, LineKind.DEBT).items()
        ),
        carried_minor=account.carried_minor - carried,
    )


def _given_back(now: Mapping[str, int], lines: Sequence[Line], kind: LineKind) -> Mapping[str, int]:
    """Return what is owed with what was taken of it; what was paid off comes first again."""
    taken = {
        line.name: line.taken_minor for line in lines if line.kind is kind and line.taken_minor
    }
    order = [name for name in taken if name not in now] + list(now)
    return {name: now.get(name, 0) + taken.get(name, 0) for name in order}
