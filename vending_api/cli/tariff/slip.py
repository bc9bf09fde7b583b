"""A quote as a customer reads it, and as a program does."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from tariffs.lines import LineKind
from vending_api.cli.tariff.output import console, json_of, money, plain, rate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tariffs.lines import Line
    from tariffs.quote import Quote
    from tariffs.tariff import Tariff

_WIDTH: Final = 80
_EXACT: Final = Decimal("1e-10")
_SHOWN: Final = Decimal("1e-4")
_WIDE: Final = Context(prec=60)


def print_quote(tariff: Tariff, bought: Quote, at: datetime) -> None:
    """Print what is bought, where the money goes and what stays owed."""
    out = console()
    currency = tariff.payment_currency
    version = bought.version.valid_from
    out.print(Text(tariff.name, "bold"))
    out.print(f"Sale of {at:%Y-%m-%d %H:%M}, prices from {version}\n", style="dim")
    out.print(_table(tariff, bought))
    out.print(
        Text.assemble(
            "\n",
            (f"{currency} {money(bought.amount_minor, currency)}", "bold"),
            " buys ",
            (f"{_carried(bought):,f} {tariff.unit}", "bold"),
            (_before_rounding(bought), "dim"),
        )
    )
    for note in _notes(tariff, bought):
        out.print(Text(note))


def quote_json(tariff: Tariff, bought: Quote, at: datetime) -> str:
    """Return a quote as JSON; money in minor units, units as exact numbers."""
    account = bought.account
    return json_of(
        {
            "tariff": tariff.name,
            "version": bought.version.valid_from,
            "at": at.isoformat(),
            "currency": tariff.payment_currency,
            "unit": tariff.unit,
            "amount_minor": bought.amount_minor,
            "units": _carried(bought),
            "units_exact": _exact(bought),
            "free_units": bought.free_units,
            "tax_minor": bought.tax_minor,
            "taxes": bought.taxes,
            "energy_tax_percent": bought.energy_tax_percent,
            "lines": bought.lines,
            "change_minor": bought.change_minor,
            "carried_minor": account.carried_minor,
            "owed_minor": sum(one.amount_minor for one in account.owed),
            "owed": account.owed,
            "debts": account.debts,
            "units_this_month": account.units_this_month,
        }
    )


def _table(tariff: Tariff, bought: Quote) -> Table:
    currency, unit = tariff.payment_currency, tariff.unit
    total = money(bought.amount_minor - bought.tax_minor, currency)
    headings = [(f"Quantity\n{unit}", ""), (f"Rate\n{currency}/{unit}", "")]
    headings.append((f"Amount\n{currency}", total))
    if bought.taxes:
        headings.append((f"Tax\n{currency}", money(bought.tax_minor, currency)))
    table = Table(
        box=box.SIMPLE,
        show_footer=True,
        pad_edge=False,
        show_edge=False,
        width=min(_WIDTH, console().width),
    )
    table.add_column("What, and why", "Together", ratio=1, vertical="bottom")
    for heading, footer in headings:
        table.add_column(Text(heading), footer, justify="right", vertical="bottom", no_wrap=True)
    for line in bought.lines:
        if line.amount_minor or line.tax_minor:
            table.add_row(*_cells(line, currency)[: len(table.columns)])
    return table


def _cells(line: Line, currency: str) -> tuple[Text | str, ...]:
    return (
        Text.assemble(line.name, (f", {line.reason}", "dim")),
        "" if line.quantity is None else plain(line.quantity),
        "" if line.rate is None else rate(line.rate, currency),
        money(line.amount_minor, currency),
        money(line.tax_minor, currency) if line.tax_minor else "",
    )


def _notes(tariff: Tariff, bought: Quote) -> Iterator[str]:
    currency = tariff.payment_currency
    for tax in bought.taxes:
        amount = money(tax.amount_minor, currency)
        yield f"{tax.name} {plain(tax.percent)} %: {currency} {amount}"
    if bought.free_units:
        yield f"{plain(bought.free_units)} {tariff.unit} are free, on a token of their own"
    for line in bought.lines:
        if line.kind in {LineKind.CHARGE, LineKind.DEBT} and line.balance_minor:
            yield f"Still owed: {currency} {money(line.balance_minor, currency)} {line.name}"
    if carried := bought.account.carried_minor:
        what = "For the next purchase" if carried > 0 else "The next purchase pays"
        yield f"{what}: {currency} {money(abs(carried), currency)}"


def _carried(bought: Quote) -> Decimal:
    """Return the units with the decimals of the step, or with more if the token has them."""
    in_steps = bought.units.quantize(bought.version.rounding.step, context=_WIDE)
    return in_steps if in_steps == bought.units else bought.units


def _before_rounding(bought: Quote) -> str:
    if bought.units == bought.units_exact:
        return ""
    shown = bought.units_exact.quantize(_SHOWN, ROUND_HALF_EVEN, _WIDE)
    return f" ({shown:,f} before rounding)"


def _exact(bought: Quote) -> Decimal:
    shown = bought.units_exact.quantize(_EXACT, ROUND_HALF_EVEN, _WIDE)
    return Decimal(plain(shown).replace(",", ""))
