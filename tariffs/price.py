"""What a unit costs, part by part: the prices of a tariff's version for one kind of customer.

Levies and taxes are percentages of other parts, so a price list works them out once:
for each block of the month, what one quantum (0.00001 unit) costs in all, without tax
for each part, and how much of each tax is in it. All of them are whole numbers over one
denominator; a sale then needs no fraction but its last.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import lcm
from typing import TYPE_CHECKING, Final

from tariffs.errors import UnknownClass
from tariffs.rounding import QUANTA_PER_UNIT, half_up, quanta_of, units_of
from tariffs.tariff import ENERGY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tariffs.tariff import Block, Charge, Levy, PerUnit, Tax, Version

NO_END: Final = 10**24
"""The end of the last block: more quanta than any money buys."""
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class BlockPrice:
    """What a quantum costs in one block; all numbers are over the list's denominator."""

    rate: Decimal
    """As the tariff states it, at the rate of the day."""
    reason: str
    """Which units of the month these are, in words."""
    start_quanta: int
    """The quanta of the month that lie before it."""
    end_quanta: int
    """The last quantum of the month in it; NO_END for the last block."""
    start_gross: int
    """What all quanta before it cost."""
    start_taxes: tuple[int, ...]
    """How much of each tax is in that."""
    gross: int
    """All parts and all taxes."""
    energy: int
    per_unit: tuple[int, ...]
    levies: tuple[int, ...]
    taxes: tuple[int, ...]
    """How much of each tax."""
    tax_on_energy: int
    tax_on_per_unit: tuple[int, ...]
    tax_on_levies: tuple[int, ...]

    @property
    def end_gross(self) -> int:
        """What all quanta up to its end cost."""
        return self.start_gross + (self.end_quanta - self.start_quanta) * self.gross

    @property
    def end_taxes(self) -> tuple[int, ...]:
        """How much of each tax is in that."""
        width = self.end_quanta - self.start_quanta
        taxes = zip(self.start_taxes, self.taxes, strict=True)
        return tuple(before + width * tax for before, tax in taxes)


@dataclass(frozen=True, slots=True)
class ChargePrice:
    """A fixed charge, and how one minor unit of it, levies and taxes included, splits."""

    charge: Charge
    cap_words: str
    """How its share is told on a bill; empty without one."""
    gross_minor: Fraction
    """What falls due each time, levies and taxes included."""
    once_minor: int
    """The same, rounded half up."""
    denominator: int
    """What the splits are over."""
    levies: tuple[int, ...]
    taxes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PriceList:
    """A version's prices for one class of customer, exempt or not, at one rate of exchange."""

    denominator: int
    blocks: tuple[BlockPrice, ...]
    charges: tuple[ChargePrice, ...]
    per_unit: tuple[PerUnit, ...]
    levies: tuple[Levy, ...]
    taxes: tuple[Tax, ...]
    """Those that this customer pays."""
    energy_tax_percent: Decimal
    """The taxes on energy, added up."""

    def span(self, start_quanta: int, quanta: int) -> list[tuple[BlockPrice, int]]:
        """Return the blocks that `quanta` after `start_quanta` lie in, with how many in each."""
        position, last = start_quanta, start_quanta + quanta
        spans = []
        for block in self.blocks:
            if position >= last:
                break
            if block.end_quanta > position:
                end = min(last, block.end_quanta)
                spans.append((block, end - position))
                position = end
        return spans


@lru_cache(maxsize=1024)
def price_list(
    version: Version,
    customer_class: str,
    is_exempt: bool,  # noqa: FBT001 (a cached function's arguments are its key)
    rate_of_the_day: Decimal | None,
) -> PriceList:
    """Return the prices of a version; worked out once for each kind of customer.

    `rate_of_the_day` is between minor units of the two currencies. Raises UnknownClass.
    """
    blocks = version.blocks.get(customer_class)
    if blocks is None:
        raise UnknownClass(customer_class, tuple(version.blocks))
    shares = _Shares(version, is_exempt)
    exchange = Fraction(1) if rate_of_the_day is None else Fraction(rate_of_the_day)
    exact = [_exact_block(version, shares, block, exchange) for block in blocks]
    denominator = lcm(*(number.denominator for price in exact for number in price.numbers()))
    row: list[BlockPrice] = []
    for price, block in zip(exact, blocks, strict=True):
        rate = at_rate(block.rate, rate_of_the_day)
        row.append(price.over(denominator, rate, block.up_to, row[-1] if row else None))
    return PriceList(
        denominator=denominator,
        blocks=tuple(row),
        charges=tuple(
            _charge(shares, charge, exchange)
            for charge in version.charges
            if charge.exempt_customers_pay or not is_exempt
        ),
        per_unit=version.per_unit,
        levies=version.levies,
        taxes=shares.taxes,
        energy_tax_percent=sum(
            (tax.percent for tax in shares.taxes if ENERGY in tax.on), start=Decimal(0)
        ),
    )


def at_rate(price: Decimal, rate_of_the_day: Decimal | None) -> Decimal:
    """Return a price in the payment currency."""
    return price if rate_of_the_day is None else price * rate_of_the_day


def _reason(start_quanta: int, end_quanta: int) -> str:
    if end_quanta == NO_END:
        return f"units above {units_of(start_quanta)} this month" if start_quanta else "every unit"
    if start_quanta:
        return f"units {units_of(start_quanta)} to {units_of(end_quanta)} this month"
    return f"first {units_of(end_quanta)} this month"


class _Shares:
    """What levies and taxes add to one minor unit of each part."""

    def __init__(self, version: Version, is_exempt: bool) -> None:  # noqa: FBT001 (as above)
        self._version = version
        self._levies = {levy.name: levy for levy in version.levies}
        self._known: dict[tuple[str, str], Fraction] = {}
        self.taxes = tuple(
            tax for tax in version.taxes if tax.exempt_customers_pay or not is_exempt
        )

    def net(self, part: str, stated: Decimal) -> Fraction:
        """Return a stated price without the taxes that are in it."""
        if not self._version.tax_inclusive:
            return Fraction(stated)
        inside = sum(_share(tax.percent) for tax in self._version.taxes if part in tax.on)
        return Fraction(stated) / (1 + inside)

    def levies_on(self, part: str) -> tuple[Fraction, ...]:
        """Return what each levy adds."""
        return tuple(self._levy_on(levy, part) for levy in self._version.levies)

    def taxes_on(self, part: str) -> tuple[Fraction, ...]:
        """Return what each tax adds to the part itself, its levies apart."""
        return tuple(_share(tax.percent) * (part in tax.on) for tax in self.taxes)

    def taxes_on_levies(self, part: str) -> tuple[tuple[Fraction, ...], ...]:
        """Return, for each tax, what it adds for each levy on the part."""
        amounts = list(zip(self._version.levies, self.levies_on(part), strict=True))
        return tuple(
            tuple(_share(tax.percent) * (levy.name in tax.on) * amount for levy, amount in amounts)
            for tax in self.taxes
        )

    def _levy_on(self, levy: Levy, part: str) -> Fraction:
        known = self._known.get((levy.name, part))
        if known is None:
            below = (self._levies[name] for name in levy.on if name in self._levies)
            base = (part in levy.on) + sum(self._levy_on(other, part) for other in below)
            # Kept, because levies on levies would otherwise be worked out over and over.
            known = self._known[levy.name, part] = _share(levy.percent) * base
        return known


@dataclass(slots=True)
class _ExactBlock:
    """A block's prices as fractions, before they share a denominator."""

    energy: Fraction
    per_unit: list[Fraction]
    levies: list[Fraction]
    taxes: list[Fraction]
    tax_on_energy: Fraction
    tax_on_per_unit: list[Fraction]
    tax_on_levies: list[Fraction]

    def numbers(self) -> Iterator[Fraction]:
        yield self.energy
        yield self.tax_on_energy
        for numbers in (self.per_unit, self.levies, self.taxes):
            yield from numbers
        yield from self.tax_on_per_unit
        yield from self.tax_on_levies

    def over(
        self, denominator: int, rate: Decimal, up_to: Decimal | None, before: BlockPrice | None
    ) -> BlockPrice:
        """Return the prices as whole numbers, for the block that follows `before`."""
        start_quanta = 0 if before is None else before.end_quanta
        end_quanta = NO_END if up_to is None else quanta_of(up_to)

        def whole(number: Fraction) -> int:
            return number.numerator * (denominator // number.denominator)

        parts = self.energy + sum(self.per_unit) + sum(self.levies) + sum(self.taxes)
        return BlockPrice(
            rate=rate,
            reason=_reason(start_quanta, end_quanta),
            start_quanta=start_quanta,
            end_quanta=end_quanta,
            start_gross=0 if before is None else before.end_gross,
            start_taxes=(0,) * len(self.taxes) if before is None else before.end_taxes,
            gross=whole(Fraction(parts)),
            energy=whole(self.energy),
            per_unit=tuple(map(whole, self.per_unit)),
            levies=tuple(map(whole, self.levies)),
            taxes=tuple(map(whole, self.taxes)),
            tax_on_energy=whole(self.tax_on_energy),
            tax_on_per_unit=tuple(map(whole, self.tax_on_per_unit)),
            tax_on_levies=tuple(map(whole, self.tax_on_levies)),
        )


def _exact_block(
    version: Version, shares: _Shares, block: Block, exchange: Fraction
) -> _ExactBlock:
    """Return what one quantum costs: energy and prices per unit, and what is levied on them."""
    scale = exchange / QUANTA_PER_UNIT
    bases = [(ENERGY, shares.net(ENERGY, block.rate) * scale)]
    bases += [(one.name, shares.net(one.name, one.rate) * scale) for one in version.per_unit]
    levies = [Fraction(0)] * len(version.levies)
    tax_on_levies = [Fraction(0)] * len(version.levies)
    taxes = [Fraction(0)] * len(shares.taxes)
    tax_on_base = []
    for part, net in bases:
        for number, share in enumerate(shares.levies_on(part)):
            levies[number] += net * share
        own = shares.taxes_on(part)
        tax_on_base.append(net * sum(own))
        for number, by_levy in enumerate(shares.taxes_on_levies(part)):
            taxes[number] += net * (own[number] + sum(by_levy))
            for levy, share in enumerate(by_levy):
                tax_on_levies[levy] += net * share
    return _ExactBlock(
        energy=bases[0][1],
        per_unit=[net for _, net in bases[1:]],
        levies=levies,
        taxes=taxes,
        tax_on_energy=tax_on_base[0],
        tax_on_per_unit=tax_on_base[1:],
        tax_on_levies=tax_on_levies,
    )


def _charge(shares: _Shares, charge: Charge, exchange: Fraction) -> ChargePrice:
    levies = shares.levies_on(charge.name)
    taxes = tuple(
        own + sum(by_levy)
        for own, by_levy in zip(
            shares.taxes_on(charge.name), shares.taxes_on_levies(charge.name), strict=True
        )
    )
    factor = Fraction(1 + sum(levies) + sum(taxes))
    gross = shares.net(charge.name, charge.amount_minor) * exchange * factor
    splits = [part / factor for part in (*levies, *taxes)]
    denominator = lcm(*(split.denominator for split in splits))
    whole = [split.numerator * (denominator // split.denominator) for split in splits]
    share = charge.share_percent
    return ChargePrice(
        charge=charge,
        cap_words="" if share is None else f"; at most {share:f} % of a purchase",
        gross_minor=gross,
        once_minor=half_up(gross.numerator, gross.denominator),
        denominator=denominator,
        levies=tuple(whole[: len(levies)]),
        taxes=tuple(whole[len(levies) :]),
    )


def _share(percent: Decimal) -> Fraction:
    return Fraction(percent) / _PERCENT
