"""A tariff in words: every version as a table of parts, what each is for, and its price."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from rich import box
from rich.table import Table
from rich.text import Text

from tariffs.tariff import Direction, Every, Remainder, Step
from vending_api.cli.tariff.output import console, money, plain, rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from tariffs.tariff import (
        Block,
        ChannelFee,
        Charge,
        DebtRule,
        Limits,
        Rounding,
        Tariff,
        Version,
    )

_WIDTH: Final = 80
_PERIODS: Final = {
    (Every.MONTH, True): "each month, also without a purchase",
    (Every.MONTH, False): "each month with a purchase",
    (Every.DAY, True): "each day since the last purchase",
    (Every.DAY, False): "each day since the last purchase",
    (Every.FIRST_PURCHASE, True): "with the first purchase of a month, for silent months too",
    (Every.FIRST_PURCHASE, False): "with the first purchase of a month",
}
"""By how often a charge falls due, and whether it accrues."""
_STEPS: Final = {
    Step.CHANNEL_FEE: "channel fee",
    Step.DEBT: "debts",
    Step.CHARGES: "charges",
    Step.ENERGY: "energy",
}
_DIRECTIONS: Final = {
    Direction.UP: "up",
    Direction.DOWN: "down",
    Direction.NEAREST: "to the nearest",
}
_REMAINDERS: Final = {
    Remainder.CUSTOMER: "the difference is let go",
    Remainder.CARRY: "the difference goes to the next purchase",
}


class Row(NamedTuple):
    """A part of a version."""

    part: str
    meaning: str
    price: str


def print_tariff(tariff: Tariff) -> None:
    """Print the whole tariff."""
    out = console()
    out.print(Text(tariff.name, "bold"))
    for line in (_currencies(tariff), f"Days of {tariff.time_zone}", f"Source: {tariff.source}"):
        out.print(Text(line), soft_wrap=True)  # an address must not be broken
    for version, next_one in pairwise([*tariff.versions, None]):
        if version is not None:  # only to end the last pair
            out.print()
            out.print(_table(tariff, version, None if next_one is None else next_one.valid_from))


def rows_of(tariff: Tariff, version: Version) -> Iterator[Row]:
    """Yield all that a version says, in the order in which a reader asks."""
    words = _Words(tariff, version)
    yield from words.energy()
    yield from words.prices()
    yield from words.taxes()
    yield from words.rules()


def _table(tariff: Tariff, version: Version, until: date | None) -> Table:
    title = f"From {version.valid_from}"
    if until is not None:
        title += f" to {until - timedelta(days=1)}"
    if version.taxes:
        title += f", prices {'with' if version.tax_inclusive else 'without'} tax"
    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(title, "bold"),
        title_justify="left",
        title_style="",
        pad_edge=False,
        show_edge=False,
        width=min(_WIDTH, console().width),
    )
    table.add_column("Part", ratio=24)
    table.add_column("What for", ratio=34)
    table.add_column("Price", ratio=22, justify="right")
    before = ""
    for row in rows_of(tariff, version):
        part = "" if row.part == before else row.part
        table.add_row(*map(Text, (part, row.meaning, row.price)))
        before = row.part
    return table


def _currencies(tariff: Tariff) -> str:
    if tariff.price_currency == tariff.payment_currency:
        return f"{tariff.unit}, priced and paid in {tariff.price_currency}"
    return (
        f"{tariff.unit}, priced in {tariff.price_currency} and paid in "
        f"{tariff.payment_currency} at the rate of the day"
    )


class _Words:
    """The rows of one version."""

    def __init__(self, tariff: Tariff, version: Version) -> None:
        self._unit = tariff.unit
        self._priced = tariff.price_currency
        self._paid = tariff.payment_currency
        self._version = version

    def energy(self) -> Iterator[Row]:
        for name, blocks in self._version.blocks.items():
            part = f"energy, class {name}" if name else "energy"
            for block, meaning in zip(blocks, self._spans(blocks), strict=True):
                yield Row(part, meaning, self._per_unit(block.rate))

    def prices(self) -> Iterator[Row]:
        version = self._version
        for price in version.per_unit:
            yield Row(price.name, f"on each {self._unit}", self._per_unit(price.rate))
        for charge in version.charges:
            yield Row(charge.name, _charge(charge), self._stated(charge.amount_minor))
        if version.channel_fee is not None:
            yield self._channel_fee(version.channel_fee)

    def taxes(self) -> Iterator[Row]:
        for levy in self._version.levies:
            yield Row(levy.name, f"levy on {', '.join(levy.on)}", _percent(levy.percent))
        for tax in self._version.taxes:
            also = "; exempt customers pay it too" if tax.exempt_customers_pay else ""
            yield Row(tax.name, f"tax on {', '.join(tax.on)}{also}", _percent(tax.percent))

    def rules(self) -> Iterator[Row]:
        version = self._version
        if version.debt is not None:
            yield self._debt(version.debt)
        if (free := version.free_units) is not None:
            counting = "they count" if free.counts_towards_blocks else "they do not count"
            meaning = f"once a month, for who is eligible; {counting} towards the blocks"
            yield Row("free units", meaning, f"{plain(free.units)} {self._unit}")
        yield from self._limits(version.limits)
        yield self._rounding(version.rounding)
        steps = [_STEPS[step] for step in version.order if self._has(step)]
        if len(steps) > 1:
            yield Row("order", f"first {', then '.join(steps)}", "")

    def _has(self, step: Step) -> bool:
        version = self._version
        has: dict[Step, bool] = {
            Step.CHANNEL_FEE: version.channel_fee is not None,
            Step.DEBT: version.debt is not None,
            Step.CHARGES: bool(version.charges),
            Step.TAX: False,  # on what it is on, says its own row
        }
        return has.get(step, True)

    def _spans(self, blocks: Sequence[Block]) -> Iterator[str]:
        if len(blocks) == 1:
            yield "every unit"
            return
        before = ""
        for block in blocks:
            upto = None if block.up_to is None else plain(block.up_to)
            if not before:
                yield f"first {upto} {self._unit} of a month"
            else:
                yield f"above {before}" + (f", up to {upto}" if upto else "")
            before = upto or ""

    def _channel_fee(self, fee: ChannelFee) -> Row:
        price = " + ".join(
            [self._sum(fee.flat_minor)] * bool(fee.flat_minor)
            + [_percent(fee.percent)] * bool(fee.percent)
        )
        bounds = ""
        if fee.minimum_minor:
            bounds += f"; at least {self._sum(fee.minimum_minor)}"
        if fee.maximum_minor is not None:
            bounds += f"; at most {self._sum(fee.maximum_minor)}"
        return Row(fee.name, f"on each purchase{bounds}", price)

    def _debt(self, rule: DebtRule) -> Row:
        fixed = "" if rule.fixed_minor is None else self._sum(rule.fixed_minor)
        if rule.share_percent is None:
            return Row("debts", "of each purchase", fixed)
        most = f"; at most {fixed}" if fixed else ""
        return Row("debts", f"of each purchase{most}", _percent(rule.share_percent))

    def _limits(self, limits: Limits) -> Iterator[Row]:
        for meaning, amount in (
            ("at least, in a purchase", limits.minimum_minor),
            ("at most, in a purchase", limits.maximum_minor),
            ("at most, in a month", limits.month_maximum_minor),
        ):
            if amount is not None:
                yield Row("money paid", meaning, self._sum(amount))

    def _rounding(self, rounding: Rounding) -> Row:
        direction = _DIRECTIONS[rounding.direction]
        step = f"{rounding.step:f} {self._unit}"
        return Row("rounding", f"{direction}; {_REMAINDERS[rounding.remainder]}", step)

    def _per_unit(self, minor: Decimal) -> str:
        return f"{self._priced} {rate(minor, self._priced)} / {self._unit}"

    def _stated(self, minor: Decimal) -> str:
        return f"{self._priced} {rate(minor, self._priced, least_decimals=2)}"

    def _sum(self, minor: int) -> str:
        return f"{self._paid} {money(minor, self._paid)}"


def _charge(charge: Charge) -> str:
    words = [_PERIODS[charge.every, charge.accrues]]
    if charge.share_percent is not None:
        words.append(f"at most {_percent(charge.share_percent)} of a purchase, the rest is owed")
    if not charge.exempt_customers_pay:
        words.append("not for exempt customers")
    return "; ".join(words)


def _percent(percent: Decimal) -> str:
    return f"{plain(percent)} %"
