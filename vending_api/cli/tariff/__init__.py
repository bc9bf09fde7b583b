"""`vending tariff`: check a tariff, quote a purchase, plot what money buys."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Callable
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Annotated, Final

import typer

from sts.units import CurrencyAmount, TransferAmount
from tariffs.account import Account
from tariffs.document import load_tariff
from tariffs.quote import quote as quote_money
from tariffs.quote import quote_units
from tariffs.tariff import Version
from vending_api.cli.tariff.curve import Buyer
from vending_api.cli.tariff.options import (
    AmountOption,
    AtOption,
    BoughtOption,
    ClassOption,
    Customer,
    DebtOption,
    ExemptOption,
    FileArgument,
    FreeUnitsOption,
    JsonOption,
    LastPurchaseOption,
    OwedOption,
    RateOption,
    UnitsOption,
    class_in,
    moment,
    positive_minor,
    rate_for,
)
from vending_api.cli.tariff.output import json_of
from vending_api.cli.tariff.plot import PICTURES, draw
from vending_api.cli.tariff.slip import print_quote, quote_json
from vending_api.cli.tariff.words import print_tariff

_UNIT_STEP: Final = Decimal("0.1")
_CURRENCY_STEP: Final = Decimal("0.00001")

OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.png|.svg",
        dir_okay=False,
        help="Where to write the picture; FILE.png in this folder if not given.",
    ),
]
ToOption = Annotated[
    int | None,
    typer.Option(
        metavar="MINOR",
        parser=positive_minor,
        help="The largest sum to show, in cents; beyond the last block if not given.",
    ),
]

tariff_app = typer.Typer(
    name="tariff", help="Check a tariff, quote a purchase, plot what money buys."
)


@tariff_app.command()
def check(file: FileArgument, *, as_json: JsonOption = False) -> None:
    """Say what a tariff says, or what is wrong with it.

    Example: `vending tariff check tshwane-2022.toml`
    """
    tariff = load_tariff(file)
    if as_json:
        typer.echo(json_of(tariff))
    else:
        print_tariff(tariff)


@tariff_app.command()
def quote(  # noqa: PLR0913 (an argument for each option)
    file: FileArgument,
    *,
    amount: AmountOption = None,
    units: UnitsOption = None,
    at: AtOption = None,
    fx: RateOption = None,
    bought: BoughtOption = None,
    last_purchase: LastPurchaseOption = None,
    debt: DebtOption = None,
    owed: OwedOption = None,
    exempt: ExemptOption = False,
    free_units: FreeUnitsOption = False,
    customer_class: ClassOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many units money buys, or what units cost, and where every cent goes.

    Nothing is sold.

    Example: `vending tariff quote tshwane-2022.toml --amount 24116 --at 2022-07-15`
    """
    if (amount is None) == (units is None):
        raise typer.BadParameter("give one of them", param_hint="--amount or --units")
    tariff = load_tariff(file)
    when, rate = moment(tariff, at), rate_for(tariff, fx)
    today = tariff.local_date(when)
    version = tariff.version_on(today)
    account = Customer(
        bought=bought,
        last_purchase=last_purchase,
        debt_minor=debt,
        owed_minor=owed,
        is_exempt=exempt,
        gets_free_units=free_units,
        customer_class=customer_class,
    ).account(version, today)
    carried = as_carried(version)
    if units is not None:
        answer = quote_units(tariff, account, carried(units), when, rate_of_the_day=rate)
    else:
        answer = quote_money(
            tariff, account, amount or 0, when, rate_of_the_day=rate, as_carried=carried
        )
    if as_json:
        typer.echo(quote_json(tariff, answer, when))
    else:
        print_quote(tariff, answer, when)


@tariff_app.command()
def plot(
    file: FileArgument,
    *,
    out: OutOption = None,
    to: ToOption = None,
    at: AtOption = None,
    fx: RateOption = None,
    customer_class: ClassOption = None,
) -> None:
    """Draw how many units money buys, and what one more unit costs (PNG or SVG).

    For the first purchase of a month, with nothing owed. Needs matplotlib: the extra `plot`.

    Example: `vending tariff plot tshwane-2022.toml --out blocks.svg`
    """
    picture = Path(file.with_suffix(PICTURES[0]).name) if out is None else out
    if picture.suffix.lower() not in PICTURES:
        raise typer.BadParameter(
            f"{picture} ends in none of {', '.join(PICTURES)}", param_hint="--out"
        )
    tariff = load_tariff(file)
    when, rate = moment(tariff, at), rate_for(tariff, fx)
    version = tariff.version_on(tariff.local_date(when))
    account = Account(customer_class=class_in(version, customer_class))
    draw(Buyer(tariff, account, when, rate), to, picture)
    typer.echo(f"Wrote {picture}", err=True)


def as_carried(version: Version) -> Callable[[Decimal], Decimal]:
    """Return what turns units of a version into the next that an STS token can carry.

    Steps in which no STS token counts are left as they are.
    """
    step = version.rounding.step
    if step == _CURRENCY_STEP:
        return lambda units: CurrencyAmount.covering(ceil(units / step)).hundred_thousandths * step
    if step < _UNIT_STEP:
        return lambda units: units
    return lambda units: TransferAmount.covering(ceil(units / _UNIT_STEP)).tenths * _UNIT_STEP
