"""`vending watch`: the sums of a day, and what in it is out of the ordinary."""

# Annotations are read at run time here, so there is no `from __future__ import annotations`.

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vending_api.cli.station import reading
from vending_api.cli.tables import JsonOption, print_json, print_table, say
from vending_api.domain.watching.service import alerts, day_sums
from vending_api.domain.watching.types import Alert, DaySum
from vending_api.kit.currencies import letters_of, plain_money

_FAILED: Final = 1
_WIDEST: Final = 1_000
_SUMS: Final = (
    *("Sales", "Sold", "Billed", "For tokens", "On tokens", "Tokens", "Logged"),
    *("From credit", "Online"),
)


def watch(
    *,
    day: Annotated[
        datetime | None,
        typer.Option(
            "--date",
            metavar="ISO-DATE",
            formats=["%Y-%m-%d"],
            help="The day, by each utility's clock; without it today, in UTC.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add up what was sold on a day, and print what is out of the ordinary.

    For each client: what was sold, what the bills and the tokens say was paid,
    how many tokens there are and how many the log knows, what was taken from
    prepaid credit, and what was paid online.

    Alerts are sums that differ, meters that got far more units than ever before,
    many reprints, sales at night, one person who approves all that another
    proposes, and token identifiers ahead of the clock; the last two as of now.
    `vending worker` and `vending serve` look every 15 minutes by themselves.

    Exit code 1 says that there is an alert. For single records that do not agree
    see `vending reconcile`. Nothing is changed.

    Example: `vending watch --date 2026-11-20`
    """
    now = datetime.now(UTC)
    of_day = (day or now).date()
    with reading() as connection, Console(stderr=True).status("Adding up the day"):
        sums = day_sums(connection, of_day)
        found = alerts(connection, now, day=of_day)
    if as_json:
        print_json(
            {
                "date": of_day.isoformat(),
                "sums": [asdict(one) for one in sums],
                "alerts": [_plain(one) for one in found],
            }
        )
    else:
        _print(sums, found)
    if found:
        raise typer.Exit(_FAILED)


def _plain(alert: Alert) -> dict[str, Any]:
    return {
        "kind": alert.kind.value,
        "subject": alert.subject,
        "detail": alert.detail,
        "count": alert.count,
    }


def _print(sums: Sequence[DaySum], found: Sequence[Alert]) -> None:
    if sums:
        _print_sums(sums)
    else:
        say("Nothing was sold.")
    if found:
        typer.echo()
        rows = [(one.kind.value, one.subject, one.detail) for one in found]
        print_table(("Alert", "About", "What"), rows)
    else:
        say("Nothing is out of the ordinary.")


def _print_sums(sums: Sequence[DaySum]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("Client", no_wrap=True)
    for heading in _SUMS:
        table.add_column(heading, justify="right", no_wrap=True)
    for one in sums:
        table.add_row(*map(Text, _row(one)))
    out = Console(highlight=False)
    # Sums are not cut: in a terminal that is narrower, lines run on.
    out.width = max(Console(width=_WIDEST).measure(table).maximum, out.width)
    out.print(table)


def _row(one: DaySum) -> tuple[str, ...]:
    return (
        one.client or "?",
        f"{one.sales:,}",
        f"{_money(one.sold_minor, one)} {letters_of(one.currency)}".rstrip(),
        _money(one.billed_minor, one),
        _money(one.for_tokens_minor, one),
        _money(one.charged_minor, one),
        f"{one.tokens:,}",
        f"{one.logged:,}",
        _money(one.drawn_minor, one) if one.drawn_minor or one.due_minor is not None else "",
        "" if one.paid_minor is None else _money(one.paid_minor, one),
    )


def _money(amount_minor: int, of: DaySum) -> str:
    return plain_money(amount_minor, of.currency)
