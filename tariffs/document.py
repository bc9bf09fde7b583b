"""Reads a tariff from its TOML document, in the words of the README.

What the document says is read here, value by value; `checks` then looks at what must fit
together. After that nothing in a tariff can surprise a sale.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from tariffs.checks import EVERYTHING, check_dates, check_version
from tariffs.errors import TariffInvalid
from tariffs.table import Table, is_name, quoted
from tariffs.tariff import (
    ENERGY,
    Block,
    ChannelFee,
    Charge,
    DebtRule,
    Direction,
    Every,
    FreeUnits,
    Levy,
    Limits,
    PerUnit,
    Remainder,
    Rounding,
    Step,
    Tariff,
    Tax,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_Made = TypeVar("_Made")

_STEPS: Final = tuple(Decimal(step) for step in ("1", "0.1", "0.01", "0.001", "0.0001", "0.00001"))
_UNIT_DECIMALS: Final = 5
_LONGEST_SOURCE: Final = 300
_LONGEST_TAX_NAME: Final = 10  # what a vend answer has room for
_LONGEST_UNIT: Final = 10
_CURRENCY_LETTERS: Final = 3
_HUNDRED: Final = Decimal(100)
_MOST_LEVY_PERCENT: Final = Decimal(1000)
_ZERO: Final = Decimal(0)
_LONGEST_CLASS: Final = 64


def load_tariff(path: Path) -> Tariff:
    """Return the tariff of a TOML file; raises TariffInvalid, also if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TariffInvalid(str(path), "document", f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TariffInvalid(str(path), "document", "it is not UTF-8 text") from None
    return parse_tariff(text, document=str(path))


def parse_tariff(text: str, *, document: str) -> Tariff:
    """Return the tariff that a TOML text describes; `document` names it in errors.

    Raises TariffInvalid for the first fault, with its key and what would be right.
    """
    table = Table(document, "", _toml(text, document))
    table.only(
        *("name", "unit", "price_currency", "payment_currency", "time_zone", "source", "version")
    )
    name = table.text("name")
    unit = table.text("unit", _LONGEST_UNIT)
    price_currency = _currency(table, "price_currency")
    paid_in = "payment_currency" if "payment_currency" in table else "price_currency"
    tariff = Tariff(
        name=name,
        unit=unit,
        price_currency=price_currency,
        payment_currency=_currency(table, paid_in),
        time_zone=_time_zone(table),
        source=table.text("source", _LONGEST_SOURCE),
        versions=tuple(_version(one) for one in table.tables("version")),
    )
    check_dates(tariff.versions, table)
    return tariff


def _toml(text: str, document: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number of thousands of digits
        raise TariffInvalid(document, "document", f"it is not TOML: {error}") from None
    except RecursionError:
        raise TariffInvalid(document, "document", "it is nested too deeply") from None


def _currency(table: Table, key: str) -> str:
    code = table.text(key)
    if len(code) != _CURRENCY_LETTERS or not (code.isascii() and code.isalpha() and code.isupper()):
        raise table.wrong(key, 'write three capital letters, like "ZAR"')
    return code


def _time_zone(table: Table) -> str:
    """Return the IANA name; without a slash only UTC, as "localtime" is another in each place."""
    name = table.text("time_zone")
    try:
        ZoneInfo(name)
        is_known = "/" in name or name == "UTC"
    except (LookupError, ValueError, OSError):  # not there; not a name; a folder of names
        is_known = False
    if not is_known:
        raise table.wrong(
            "time_zone", 'it is unknown; write an IANA name, like "Africa/Johannesburg"'
        )
    return name


def _version(table: Table) -> Version:
    table.only(
        *("valid_from", "tax_inclusive", "order", "energy", "channel_fee", "charge", "per_unit"),
        *("levy", "tax", "debt", "free_units", "rounding", "limits"),
    )
    valid_from = table.day("valid_from")
    charges = tuple(_charge(one) for one in table.tables_if_any("charge"))
    per_unit = tuple(_per_unit(one) for one in table.tables_if_any("per_unit"))
    beside = sum((one.rate for one in per_unit), start=_ZERO)
    parts = (ENERGY, *(one.name for one in charges), *(one.name for one in per_unit))
    levies = tuple(_levy(one, parts) for one in table.tables_if_any("levy"))
    taxable = parts + tuple(one.name for one in levies)

    def inner(read: Callable[[Table], _Made]) -> Callable[[str], _Made]:
        return lambda key: read(table.table(key))

    version = Version(
        valid_from=valid_from,
        blocks=_energy(table.table("energy"), beside),
        charges=charges,
        per_unit=per_unit,
        levies=levies,
        taxes=tuple(_tax(one, taxable) for one in table.tables_if_any("tax")),
        **table.given(
            tax_inclusive=table.truth,
            order=partial(_order, table),
            channel_fee=inner(_channel_fee),
            debt=inner(_debt),
            free_units=inner(_free_units),
            rounding=inner(_rounding),
            limits=inner(_limits),
        ),
    )
    check_version(version, table)
    return version


def _order(table: Table, key: str) -> tuple[Step, ...]:
    words = table.texts(key)
    if sorted(words) != sorted(Step) or words[-1] != Step.ENERGY:
        raise table.wrong(key, f"write each of {', '.join(Step)} once, with energy last")
    return tuple(Step(word) for word in words)


def _energy(table: Table, beside: Decimal) -> Mapping[str, tuple[Block, ...]]:
    """Return the blocks of each class; `beside` is what a unit costs beside its energy."""
    table.only("rate", "blocks", "classes")
    if table.one_of("rate", "blocks", "classes") != "classes":
        return {"": _blocks(table, beside)}
    classes = table.table("classes")
    prices = {}
    for name in classes:
        if not is_name(name, _LONGEST_CLASS):
            raise classes.wrong(
                quoted(name), f"name a class in 1 to {_LONGEST_CLASS} printable characters"
            )
        one = classes.table(name)
        one.only("rate", "blocks")
        prices[name] = _blocks(one, beside)
    if not prices:
        raise table.wrong("classes", "it is empty; write a table for each class")
    return prices


def _blocks(table: Table, beside: Decimal) -> tuple[Block, ...]:
    if table.one_of("rate", "blocks") == "rate":
        return (Block(rate=_rate(table, beside)),)
    *bounded, last = table.tables("blocks")
    blocks = []
    below = _ZERO
    for one in bounded:
        one.only("up_to", "rate")
        if "up_to" not in one:
            raise one.wrong("up_to", "it is missing; only the last block has no end")
        below = one.decimal("up_to", above=below, decimals=_UNIT_DECIMALS)
        blocks.append(Block(rate=_rate(one, beside), up_to=below))
    last.only("up_to", "rate")
    if "up_to" in last:
        raise last.wrong("up_to", "leave it out: the last block has all the rest")
    return (*blocks, Block(rate=_rate(last, beside)))


def _rate(table: Table, beside: Decimal) -> Decimal:
    rate = table.decimal("rate")
    if rate + beside == 0:
        raise table.wrong("rate", "a unit must cost something; free units have their own table")
    return rate


def _charge(table: Table) -> Charge:
    table.only(
        *("name", "every", "amount_minor", "share_percent", "accrues", "exempt_customers_pay")
    )
    every = table.choice("every", Every)
    if every is Every.DAY and "accrues" in table:
        raise table.wrong("accrues", "leave it out: a daily charge counts every day")
    usual = {"accrues": every is not Every.FIRST_PURCHASE}
    return Charge(
        name=table.text("name"),
        every=every,
        amount_minor=table.decimal("amount_minor"),
        **usual
        | table.given(
            share_percent=partial(table.decimal, above=_ZERO, most=_HUNDRED),
            accrues=table.truth,
            exempt_customers_pay=table.truth,
        ),
    )


def _per_unit(table: Table) -> PerUnit:
    table.only("name", "rate")
    return PerUnit(name=table.text("name"), rate=table.decimal("rate"))


def _levy(table: Table, everything: tuple[str, ...]) -> Levy:
    table.only("name", "percent", "on")
    return Levy(
        name=table.text("name"),
        percent=table.decimal("percent", most=_MOST_LEVY_PERCENT),
        on=_on(table, everything),
    )


def _tax(table: Table, everything: tuple[str, ...]) -> Tax:
    table.only("name", "percent", "on", "exempt_customers_pay")
    return Tax(
        name=table.text("name", _LONGEST_TAX_NAME),
        percent=table.decimal("percent", most=_HUNDRED),
        on=_on(table, everything),
        **table.given(exempt_customers_pay=table.truth),
    )


def _on(table: Table, everything: tuple[str, ...]) -> tuple[str, ...]:
    return everything if table.is_text("on", EVERYTHING) else table.texts("on")


def _channel_fee(table: Table) -> ChannelFee:
    table.only("name", "flat_minor", "percent", "minimum_minor", "maximum_minor")
    if "flat_minor" not in table and "percent" not in table:
        raise table.wrong("", "give flat_minor, percent or both")
    least = table.minor("minimum_minor") if "minimum_minor" in table else 0
    return ChannelFee(
        name=table.text("name"),
        **table.given(
            flat_minor=table.minor,
            percent=partial(table.decimal, most=_HUNDRED),
            minimum_minor=table.minor,
            maximum_minor=partial(table.minor, least=least),
        ),
    )


def _debt(table: Table) -> DebtRule:
    table.only("share_percent", "fixed_minor")
    if "share_percent" not in table and "fixed_minor" not in table:
        raise table.wrong("", "give share_percent, fixed_minor or both")
    return DebtRule(
        **table.given(
            share_percent=partial(table.decimal, above=_ZERO, most=_HUNDRED),
            fixed_minor=partial(table.minor, least=1),
        )
    )


def _free_units(table: Table) -> FreeUnits:
    table.only("units", "counts_towards_blocks")
    return FreeUnits(
        units=table.decimal("units", above=_ZERO, decimals=_UNIT_DECIMALS),
        counts_towards_blocks=table.truth("counts_towards_blocks"),
    )


def _rounding(table: Table) -> Rounding:
    table.only("step", "direction", "remainder")
    return Rounding(
        **table.given(
            step=partial(_step, table),
            direction=partial(table.choice, kinds=Direction),
            remainder=partial(table.choice, kinds=Remainder),
        )
    )


def _step(table: Table, key: str) -> Decimal:
    step = table.decimal(key)
    if step not in _STEPS:
        raise table.wrong(key, f"write one of {', '.join(f'{one:f}' for one in _STEPS)}")
    return step


def _limits(table: Table) -> Limits:
    table.only("minimum_minor", "maximum_minor", "month_maximum_minor")
    least = table.minor("minimum_minor") if "minimum_minor" in table else 0
    maximum = partial(table.minor, least=max(1, least))
    return Limits(
        **table.given(minimum_minor=table.minor, maximum_minor=maximum, month_maximum_minor=maximum)
    )
