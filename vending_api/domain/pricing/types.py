"""What a purchase buys, and its bill."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.lines import CHARGE_LINE, DEBT_LINE, LineKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tariffs.account import Account

_SERVICES: Final = (LineKind.CHANNEL_FEE, CHARGE_LINE)
_NOT_OF_THE_TOKEN: Final = (*_SERVICES, DEBT_LINE)


class TaxedAmount(NamedTuple):
    """A sum without tax, and the tax on it, in minor units."""

    net_minor: int
    tax_minor: int
    tax_name: str
    """"VAT"; at most 10 characters, and empty where no tax applies."""
    tax_rate_percent: Decimal


FREE_OF_CHARGE: Final = TaxedAmount(
    net_minor=0, tax_minor=0, tax_name="", tax_rate_percent=Decimal(0)
)


class TariffBlock(NamedTuple):
    """Units of one price."""

    units: Decimal
    price_minor: Decimal
    """Minor units for each, with the prices per unit, levies and taxes that are on it."""


class BillLine(NamedTuple):
    """One line of a bill, as the tariff explains it."""

    kind: LineKind
    name: str
    reason: str
    charge: TaxedAmount
    units: Decimal | None = None
    rate_minor: Decimal | None = None
    """Minor units for each unit, as the tariff states it."""
    price_minor: Decimal | None = None
    """Minor units for each unit, with everything that is on it; for energy alone."""
    balance_minor: int | None = None
    """What is still owed after the purchase, for debts and charges."""
    taken_minor: int | None = None
    """What was taken of a debt or a charge, the levies and taxes on it included."""
    receipt_number: str | None = None
    """Of a debt that something was paid of, once it is sold."""

    @property
    def is_paid(self) -> bool:
        """Whether any money went to it."""
        return bool(self.charge.net_minor or self.charge.tax_minor)

    @property
    def is_recovered_debt(self) -> bool:
        """Whether it is a debt that something was paid of."""
        return self.kind is DEBT_LINE and self.is_paid


@dataclass(frozen=True, slots=True)
class Bill:
    """Where the money of a purchase went: with their taxes, the lines are the money paid."""

    lines: tuple[BillLine, ...] = ()

    @property
    def credit(self) -> TaxedAmount:
        """What the credit token costs: every line but service charges and debts."""
        charges = [line.charge for line in self.lines if line.kind not in _NOT_OF_THE_TOKEN]
        label = charges[0] if charges else FREE_OF_CHARGE
        return TaxedAmount(
            net_minor=sum(charge.net_minor for charge in charges),
            tax_minor=sum(charge.tax_minor for charge in charges),
            tax_name=label.tax_name,
            tax_rate_percent=label.tax_rate_percent,
        )

    def with_receipts(self, numbers: Sequence[str]) -> Bill:
        """Return the bill with receipt numbers of the debts that something was paid of."""
        if not self.debts_recovered:
            return self
        left = iter(numbers)
        return Bill(
            tuple(
                line._replace(receipt_number=next(left)) if line.is_recovered_debt else line
                for line in self.lines
            )
        )

    @property
    def blocks(self) -> tuple[TariffBlock, ...]:
        """The units that were bought, by their price."""
        return tuple(
            TariffBlock(units=line.units, price_minor=line.price_minor)
            for line in self.lines
            if line.units is not None and line.price_minor is not None
        )

    @property
    def service_charges(self) -> tuple[BillLine, ...]:
        """Channel fees and fixed charges that were paid."""
        return tuple([line for line in self.lines if line.kind in _SERVICES and line.is_paid])

    @property
    def debts_recovered(self) -> tuple[BillLine, ...]:
        """Debts that something was paid of."""
        return tuple([line for line in self.lines if line.is_recovered_debt])


class Priced(NamedTuple):
    """What a sum buys: nothing is changed yet, and `account` is what the purchase would leave."""

    units_tenths: int
    """On the credit token; 0 for a purchase of free units alone."""
    free_units_tenths: int
    """On a token of their own; 0 when none are due."""
    bill: Bill
    account: Account
