"""What a tariff must remember of a customer between purchases."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """An old debt, paid off by a part of each purchase."""

    name: str
    balance_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What is still owed of a fixed charge, tax and levies included."""

    name: str
    amount_minor: int


class Account(NamedTuple):
    """A customer as a tariff sees one; money in minor units of the payment currency."""

    customer_class: str = ""
    is_exempt: bool = False
    gets_free_units: bool = False
    last_purchase_on: date | None = None
    """The day, in the tariff's time zone, up to which charges have fallen due."""
    units_this_month: Decimal = Decimal(0)
    """Units of the calendar month of `last_purchase_on` that count towards the blocks."""
    paid_this_month_minor: int = 0
    """Money paid in that month."""
    free_units_on: date | None = None
    """When free units were last given."""
    owed: tuple[Owed, ...] = ()
    debts: tuple[Debt, ...] = ()
    """In the order in which they are paid off."""
    carried_minor: int = 0
    """Left over from the last purchase; below 0 if that one gave more than was paid."""
