"""`vending payments check`: Paystack's transactions of a day against orders against tokens."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

import asyncio
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

import typer
from rich.console import Console

from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.payment_checks.service import check_day
from vending_api.domain.payment_checks.types import DayCheck, DayTotals
from vending_api.domain.payments.types import Payment
from vending_api.gateways.paystack.client import PaystackGateway
from vending_api.kit.currencies import plain_money
from vending_api.settings import Settings, SettingsInvalid, read_settings

_FAILED: Final = 1
_AROUND: Final = timedelta(days=1)
"""What one clock calls the day before midnight, another calls the day after."""


def check(
    *,
    day: Annotated[
        datetime,
        typer.Option("--date", metavar="ISO-DATE", formats=["%Y-%m-%d"], help="The day, in UTC."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Compare a day's transactions at Paystack with orders, and these with tokens.

    Prints every difference, and where the money of the day went:
    in = vended + charges + fees passed on + refunded + open. Nothing is changed.

    Exit code 1 says that there is a difference, among them money that is neither vended for nor
    given back yet; 2 that VENDING_PAYSTACK_SECRET_KEY is not set.

    Example: `vending payments check --date 2026-11-20`
    """
    begin = day.replace(tzinfo=UTC)
    settings = read_settings()
    with Console(stderr=True).status("Asking Paystack"):
        payments = asyncio.run(_payments(settings, begin))
    with reading() as connection:
        found = check_day(connection, begin.date(), payments)
    if as_json:
        print_json(
            {
                "date": _iso(found.day),
                "differences": [asdict(one) for one in found.differences],
                "totals": {name: asdict(one) for name, one in found.totals.items()},
            }
        )
    else:
        _print(found)
    if found.differences:
        raise typer.Exit(_FAILED)


def open_gateway(settings: Settings) -> PaystackGateway:
    """Return the gateway to Paystack; raises SettingsInvalid without a key."""
    if settings.paystack_secret_key is None:
        raise SettingsInvalid(
            "VENDING_PAYSTACK_SECRET_KEY: it is not set, and Paystack cannot be asked without it"
        )
    return PaystackGateway(
        secret_key=settings.paystack_secret_key,
        url=settings.paystack_url,
        on_call=lambda _call, _outcome, _seconds: None,
        seconds=time.monotonic,
    )


async def _payments(settings: Settings, begin: datetime) -> list[Payment]:
    """Return the payments that were created on a day, and on those around it."""
    gateway = open_gateway(settings)
    try:
        return await gateway.payments(begin - _AROUND, begin + 2 * _AROUND)
    finally:
        await gateway.aclose()


def _print(found: DayCheck) -> None:
    if found.differences:
        print_table(
            ("Difference", "At", "Problem"),
            [(one.check, one.reference, one.problem) for one in found.differences],
        )
        typer.echo()
    print_table(
        ("Currency", "In", "Vended", "Charges", "Fees passed on", "Refunded", "Open"),
        [(name, *_sums(name, totals)) for name, totals in found.totals.items()],
    )
    if not found.totals:
        say(f"No money came on {_iso(found.day)}.")
    if not found.differences:
        say("Paystack, orders and tokens agree.")


def _sums(currency: str, totals: DayTotals) -> Iterator[str]:
    for amount_minor in (
        *(totals.paid_minor, totals.vended_minor, totals.charges_minor),
        *(totals.passed_on_minor, totals.refunded_minor, totals.open_minor),
    ):
        yield plain_money(amount_minor, currency)


def _iso(day: date) -> str:
    return day.isoformat()
