"""What the daily check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PaymentDifference:
    """Two of the three records that do not agree."""

    check: str
    """Which: "payment and order", "order and sale", "refund", "money"."""
    reference: str
    """The reference; for "money" the currency."""
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """The money of a day in one currency: what came in is the sum of all the rest."""

    paid_minor: int
    vended_minor: int
    """Credit sold."""
    charges_minor: int
    """The estates' charges on it."""
    passed_on_minor: int
    """What was charged above what was asked for: fees that the customer bears."""
    refunded_minor: int
    open_minor: int
    """Paid, and neither vended nor given back yet."""

    @property
    def explained_minor(self) -> int:
        """Where the money went, all in all."""
        went = self.vended_minor + self.charges_minor + self.passed_on_minor
        return went + self.refunded_minor + self.open_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCheck:
    """What came of the check of a day, in UTC."""

    day: date
    differences: Sequence[PaymentDifference]
    totals: Mapping[str, DayTotals]
    """By currency, in letters."""
