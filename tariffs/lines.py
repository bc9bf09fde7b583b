"""The bill of a purchase: a line for everything that the money went to, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tariffs.price import at_rate
from tariffs.rounding import half_up, units_of
from tariffs.tariff import Every, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tariffs.deductions import Due, Taken
    from tariffs.price import BlockPrice, ChargePrice, PriceList

    _Charges: TypeAlias = Sequence[tuple[ChargePrice, int]]


class LineKind(StrEnum):
    """What a line is about."""

    CHANNEL_FEE = "channel-fee"
    DEBT = "debt"
    CHARGE = "charge"
    ENERGY = "energy"
    PER_UNIT = "per-unit"
    LEVY = "levy"
    CARRIED = "carried"
    ROUNDING = "rounding"


ENERGY_LINE: Final = LineKind.ENERGY
CHARGE_LINE: Final = LineKind.CHARGE
DEBT_LINE: Final = LineKind.DEBT
"""Kinds by names of their own, for what is done with each line of each bill: to look a member up in
its enumeration takes Python 3.11 twenty times as long."""


class Line(NamedTuple):
    """One line of the bill, in minor units of the payment currency."""

    kind: LineKind
    name: str
    amount_minor: int
    """Without tax."""
    reason: str
    """A phrase that a customer understands."""
    tax_minor: int = 0
    quantity: Decimal | None = None
    """Units, where the line is for units."""
    rate: Decimal | None = None
    """Minor units per unit, as the tariff states it, at the rate of the day."""
    balance_minor: int | None = None
    """What is still owed after the purchase, for debts and charges."""
    taken_minor: int | None = None
    """What was taken of a debt or a charge, the levies and taxes on it included."""


class TaxTotal(NamedTuple):
    """A tax over the whole purchase."""

    name: str
    percent: Decimal
    amount_minor: int


class Bought(NamedTuple):
    """The units on the token, and the exact taxes in the money paid for them."""

    start_quanta: int
    quanta: int
    taxes: tuple[int, ...]
    tax_denominator: int


_PERIODS = {Every.MONTH: "month", Every.DAY: "day", Every.FIRST_PURCHASE: "month"}


def bill(
    prices: PriceList,
    taken: Sequence[Taken],
    bought: Bought,
    *,
    amount_minor: int,
    change_minor: int,
    rate_of_the_day: Decimal | None,
) -> tuple[tuple[Line, ...], tuple[TaxTotal, ...]]:
    """Return the lines of a purchase, which add up to the money paid, and its taxes."""
    charges = [(price, one.amount_minor) for one in taken if (price := one.price) is not None]
    taxes = [
        TaxTotal(tax.name, tax.percent, _tax_total(charges, bought, number))
        for number, tax in enumerate(prices.taxes)
    ]
    tax_minor = tax_on_units = sum(tax.amount_minor for tax in taxes)
    lines = []
    for one in taken:
        line = _deduction(one)
        tax_on_units -= line.tax_minor
        lines.append(line)
    lines += _lines_for_units(prices, charges, bought, rate_of_the_day, tax_on_units)
    if change_minor:
        reason = "less than a token can carry"
        lines.append(Line(LineKind.CARRIED, "for the next purchase", change_minor, reason))
    net_left, tax_left = amount_minor - tax_minor, tax_minor
    for line in lines:
        net_left -= line.amount_minor
        tax_left -= line.tax_minor
    if net_left or tax_left:
        reason = "a token carries whole steps"
        lines.append(Line(LineKind.ROUNDING, "rounding", net_left, reason, tax_left))
    return tuple(lines), tuple(taxes)


def _tax_total(charges: _Charges, bought: Bought, number: int) -> int:
    """Return a tax on units and charges together, from exact parts, rounded once."""
    numerator, denominator = bought.taxes[number], bought.tax_denominator
    for price, amount_minor in charges:
        on_charge = price.taxes[number] * amount_minor
        numerator = numerator * price.denominator + on_charge * denominator
        denominator *= price.denominator
    return half_up(numerator, denominator)


def _deduction(taken: Taken) -> Line:
    """Return the line of what was taken of a purchase before it bought units."""
    step, name, amount_minor, balance_minor, due = taken
    if due is not None:
        tax, levies = (0, 0) if due.price is None else _inside(due.price, amount_minor)
        return Line(
            LineKind.CHARGE,
            name,
            amount_minor - tax - levies,
            _charge_reason(due),
            tax,
            balance_minor=balance_minor,
            taken_minor=amount_minor,
        )
    if step is Step.DEBT:
        return Line(
            LineKind.DEBT,
            name,
            amount_minor,
            "paid off with each purchase",
            balance_minor=balance_minor,
            taken_minor=amount_minor,
        )
    if step is Step.CHANNEL_FEE:
        return Line(LineKind.CHANNEL_FEE, name, amount_minor, "for this way of paying")
    return Line(LineKind.CARRIED, name, amount_minor, "settled now")


def _inside(price: ChargePrice, amount_minor: int) -> tuple[int, int]:
    """Return the tax and the levies inside what was taken of a charge."""
    tax = half_up(sum(price.taxes) * amount_minor, price.denominator)
    levies = 0
    for levy in price.levies:
        levies += half_up(levy * amount_minor, price.denominator)
    return tax, levies


def _charge_reason(due: Due) -> str:
    if due.price is None:
        return "still owed"
    if not due.periods:
        return "still owed" + due.price.cap_words
    period = _PERIODS[due.price.charge.every]
    many = "" if due.periods == 1 else "s"
    return f"for {due.periods} {period}{many}{due.price.cap_words}"


def _lines_for_units(
    prices: PriceList,
    charges: _Charges,
    bought: Bought,
    rate_of_the_day: Decimal | None,
    tax_minor: int,
) -> list[Line]:
    """Return the lines for units, with `tax_minor` shared out among them."""
    spans = prices.span(bought.start_quanta, bought.quanta)
    over = prices.denominator
    taxes = iter(_shared(tax_minor, _tax_weights(prices, spans)))
    lines = [
        Line(
            ENERGY_LINE,
            "energy",
            half_up(block.energy * quanta, over),
            block.reason,
            next(taxes),
            units_of(quanta),
            block.rate,
        )
        for block, quanta in spans
    ]
    for number, price in enumerate(prices.per_unit):
        amount = half_up(sum(block.per_unit[number] * quanta for block, quanta in spans), over)
        units, rate = units_of(bought.quanta), at_rate(price.rate, rate_of_the_day)
        tax = next(taxes)
        if amount or tax:
            lines.append(
                Line(LineKind.PER_UNIT, price.name, amount, "on every unit", tax, units, rate)
            )
    for number, levy in enumerate(prices.levies):
        amount = half_up(sum(block.levies[number] * quanta for block, quanta in spans), over)
        amount += _levy_in_charges(charges, number)
        tax = next(taxes)
        if amount or tax:
            reason = f"{levy.percent:f} % of {', '.join(levy.on)}"
            lines.append(Line(LineKind.LEVY, levy.name, amount, reason, tax))
    return lines


def _tax_weights(prices: PriceList, spans: Sequence[tuple[BlockPrice, int]]) -> list[int]:
    """Return what each line for units weighs when tax is shared: energy, per unit, levies."""
    weights = [block.tax_on_energy * quanta for block, quanta in spans]
    for number, _ in enumerate(prices.per_unit):
        weights.append(sum(block.tax_on_per_unit[number] * quanta for block, quanta in spans))
    for number, _ in enumerate(prices.levies):
        weights.append(sum(block.tax_on_levies[number] * quanta for block, quanta in spans))
    return weights


def _levy_in_charges(charges: _Charges, number: int) -> int:
    return sum(
        half_up(price.levies[number] * amount_minor, price.denominator)
        for price, amount_minor in charges
    )


def _shared(total: int, weights: Sequence[int]) -> list[int]:
    """Return a sum in parts by weight, each rounded so that together they are the sum."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = []
    weight = before = 0
    for one in weights:
        weight += one
        after = half_up(total * weight, whole)
        parts.append(after - before)
        before = after
    return parts
