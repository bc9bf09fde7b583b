"""Where the money went: the lines of a bill as a slip shows them, which add up to what was paid."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tariffs.currencies import minor_decimals
from tariffs.lines import CHARGE_LINE, DEBT_LINE, ENERGY_LINE, LineKind
from vending_api.kit.currencies import letters_of, plain_money

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vending_api.domain.pricing.types import Bill, BillLine
    from vending_api.domain.slips.layout import Paper

_ORDER: Final = (
    ENERGY_LINE,
    LineKind.PER_UNIT,
    LineKind.LEVY,
    LineKind.CHANNEL_FEE,
    CHARGE_LINE,
    DEBT_LINE,
    LineKind.CARRIED,
    LineKind.ROUNDING,
)
_PLACES: Final = {kind: place for place, kind in enumerate(_ORDER)}
_AFTER_TAX: Final = _PLACES[DEBT_LINE]
"""The place from which lines stand below the taxes."""
_OWING: Final = (DEBT_LINE, CHARGE_LINE)
_RATE_DECIMALS: Final = 2
"""How many decimals a price per unit has at least beyond those of its currency."""
_GROUP: Final = 3
"""How many digits of a large number stand together."""
_ROUNDED_MINOR: Final = 2
"""How far rounding may take the sum of a line from units times rate."""
_SOME_TAX: Final = "Tax"

_Taxes = dict[tuple[str, Decimal], int]


class Paid(NamedTuple):
    """The sum of a bill."""

    label: str
    amount_minor: int
    currency: str
    """ISO 4217 number, 3 digits."""


def write_bill(paper: Paper, bill: Bill, *, paid: Paid, unit: str, gifts: Sequence[str]) -> None:
    """Write what was paid for, the sum, and what is still owed.

    A tariff without tax in its prices gets sums without tax and the taxes among them; one with
    tax in its prices gets sums with tax, and the taxes below the total. `gifts` cost nothing.
    """
    has_tax_inside = _has_tax_inside(bill)
    taxes = _taxes(bill)
    currency = paid.currency
    letters = letters_of(currency)
    paper.rule()
    paper.pair("Where the money went", letters)
    are_taxes_due = not has_tax_inside
    for line in sorted(bill.lines, key=_place):
        if are_taxes_due and _PLACES[line.kind] >= _AFTER_TAX:
            _write_taxes(paper, taxes, currency, "")
            are_taxes_due = False
        charge = line.charge
        shown = charge.net_minor + (charge.tax_minor if has_tax_inside else 0)
        if shown:
            paper.pair(_label(line, shown, letters, unit), plain_money(shown, currency))
    if are_taxes_due:
        _write_taxes(paper, taxes, currency, "")
    for gift in gifts:
        paper.pair(gift, plain_money(0, currency))
    paper.rule()
    total = plain_money(paid.amount_minor, currency)
    paper.pair(f"{paid.label} {letters}", total, is_tall=True)
    if has_tax_inside:
        _write_taxes(paper, taxes, currency, " included")
    if len(taxes) > 1:
        paper.pair("Tax in all", plain_money(sum(taxes.values()), currency))
    _write_owed(paper, bill, currency)


@lru_cache(maxsize=4096)
def price_text(minor: Decimal, letters: str) -> str:
    """Return a price per unit with all its decimals, as "2.1611" for 216.11 cents."""
    decimals = minor_decimals(letters)
    exact = f"{minor.scaleb(-decimals):,f}".partition(".")
    rest = exact[2].rstrip("0").ljust(decimals + _RATE_DECIMALS, "0")
    return f"{exact[0]}.{rest}"


def units_text(units: Decimal) -> str:
    """Return units with at least one decimal, as "40.2"."""
    whole, _, rest = str(units).partition(".")
    if len(whole) > _GROUP or not (whole + rest).isdigit():  # many, or with sign or exponent
        whole, _, rest = f"{units:,f}".partition(".")
    return f"{whole}.{rest.rstrip('0') or '0'}"


def _place(line: BillLine) -> int:
    return _PLACES[line.kind]


def _has_tax_inside(bill: Bill) -> bool:
    """Tell whether the prices of a bill have tax in them, by a line that they explain."""
    for line in bill.lines:
        tax_minor = line.charge.tax_minor
        if tax_minor and line.units is not None and line.rate_minor is not None:
            beyond_net = line.units * line.rate_minor - line.charge.net_minor
            return abs(beyond_net - tax_minor) < abs(beyond_net)
    return False


def _taxes(bill: Bill) -> _Taxes:
    """Return what each tax comes to; a sum without a name, from rounding, goes to the first."""
    taxes: _Taxes = {}
    unnamed = 0
    for line in bill.lines:
        charge = line.charge
        if not charge.tax_minor:
            continue
        if not charge.tax_name:
            unnamed += charge.tax_minor
            continue
        which = (charge.tax_name, charge.tax_rate_percent)
        taxes[which] = taxes.get(which, 0) + charge.tax_minor
    if unnamed:
        which = next(iter(taxes), ("", Decimal(0)))
        taxes[which] = taxes.get(which, 0) + unnamed
    return taxes


def _write_taxes(
    paper: Paper, taxes: Mapping[tuple[str, Decimal], int], currency: str, ending: str
) -> None:
    for (name, percent), amount_minor in taxes.items():
        label = f"{name} {_plain(percent)} %" if name else _SOME_TAX
        paper.pair(label + ending, plain_money(amount_minor, currency))


def _write_owed(paper: Paper, bill: Bill, currency: str) -> None:
    owed = [line for line in bill.lines if line.balance_minor and line.kind in _OWING]
    if not owed:
        return
    paper.rule()
    paper.pair("Still owed", letters_of(currency))
    for line in owed:
        paper.pair(_sentence(line.name), plain_money(line.balance_minor or 0, currency))


def _label(line: BillLine, shown_minor: int, letters: str, unit: str) -> str:
    """Return what a line is about, in words."""
    kind = line.kind
    if line.units is not None and line.rate_minor is not None:
        priced = _priced(line.units, line.rate_minor, shown_minor, letters, unit)
        return priced if kind is ENERGY_LINE else f"{_sentence(line.name)}, {priced}"
    if kind is DEBT_LINE:
        number = "" if line.receipt_number is None else f", receipt {line.receipt_number}"
        return f"Debt: {line.name}{number}"
    return f"{_sentence(line.name)}, {line.reason}"


@lru_cache(maxsize=4096)
def _priced(units: Decimal, rate_minor: Decimal, shown_minor: int, letters: str, unit: str) -> str:
    """Return units and what each costs; whoever buys all of a block gets the same line."""
    price = price_text(_price(units, rate_minor, shown_minor), letters)
    return f"{units_text(units)} {unit} at {price}"


def _price(units: Decimal, rate_minor: Decimal, shown_minor: int) -> Decimal:
    """Return the price that explains a sum: the stated one, or what a unit came to.

    A customer who is exempt from a tax pays less than a price with this tax inside.
    """
    if abs(units * rate_minor - shown_minor) <= _ROUNDED_MINOR or not units:
        return rate_minor
    return (shown_minor / units).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
