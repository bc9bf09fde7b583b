"""How fast money becomes units: one process, one core.

    python benchmarks/tariffs.py [--seconds S] [--json]

What counts is the first row: a purchase under a tariff with five blocks, two fixed charges
and two taxes, which reaches into every block. Each purchase is another sum. Each figure is
the median of several rounds, in processor time, so that whatever else keeps the machine
busy does not count; on an idle machine it is what a clock shows.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks.five_blocks import FIVE_BLOCKS
from tariffs.account import Account, Debt
from tariffs.document import parse_tariff
from tariffs.quote import quote, quote_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from tariffs.tariff import Tariff

MIN_ROUNDS: Final = 5
SECONDS_A_ROW: Final = 1.2
PURCHASES: Final = 500
PARSES: Final = 10
AT: Final = datetime(2026, 3, 17, 10, 30, tzinfo=UTC)
NEW: Final = Account()
REGULAR: Final = Account(
    last_purchase_on=date(2026, 3, 3),
    units_this_month=Decimal("130.7"),
    paid_this_month_minor=45_000,
    debts=(Debt(name="old meter", balance_minor=250_000),),
)

DOCUMENT: Final = f"""{FIVE_BLOCKS}
[[version.charge]]
name = "service charge"
every = "month"
amount_minor = "7000"
share_percent = "20"

[[version.tax]]
name = "green tax"
percent = "2.5"
on = ["energy"]

[version.debt]
share_percent = "20"
"""


def buying(tariff: Tariff, account: Account) -> Callable[[], object]:
    """Return what quotes PURCHASES different sums, from R1,500 to R2,498."""
    sums = [150_000 + 200 * number for number in range(PURCHASES)]
    return lambda: [quote(tariff, account, amount_minor, AT) for amount_minor in sums]


def pricing(tariff: Tariff) -> Callable[[], object]:
    """Return what finds the money for a tenth of PURCHASES different numbers of units."""
    units = [Decimal(500 + number) for number in range(PURCHASES // 10)]
    return lambda: [quote_units(tariff, NEW, one, AT) for one in units]


def parsing() -> Callable[[], object]:
    """Return what reads the document PARSES times."""
    return lambda: [parse_tariff(DOCUMENT, document="benchmark") for _ in range(PARSES)]


def microseconds(run: Callable[[], object], repeats: int, seconds: float) -> float:
    """Return the median time of one of `repeats` over rounds that take `seconds` together."""
    run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < MIN_ROUNDS or time.perf_counter() < end:
        start = time.process_time()
        run()
        times.append((time.process_time() - start) * 1e6 / repeats)
    return median(times)


def check(tariff: Tariff) -> None:
    """Make sure that the first row does what it says: all blocks, charges and taxes."""
    bought = quote(tariff, NEW, 250_000, AT)
    assert [line.kind.value for line in bought.lines].count("energy") == 5
    assert [line.kind.value for line in bought.lines].count("charge") == 2
    assert len(bought.taxes) == 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the tariff engine on one core.")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS_A_ROW, help="time for each row (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    tariff = parse_tariff(DOCUMENT, document="benchmark")
    check(tariff)
    rows = {
        "quote, first purchase of a month": (buying(tariff, NEW), PURCHASES),
        "quote, a later one, with a debt": (buying(tariff, REGULAR), PURCHASES),
        "quote_units": (pricing(tariff), PURCHASES // 10),
        "parse the document": (parsing(), PARSES),
    }
    figures = {
        name: microseconds(run, repeats, options.seconds) for name, (run, repeats) in rows.items()
    }
    title = f"Five blocks, two charges, two taxes; Python {platform.python_version()}, one core"
    table = Table("", "each", title=title)
    table.columns[1].justify = "right"
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,.1f} us")
    Console().print(table)
    if options.json:
        print(json.dumps({"quote_us": round(next(iter(figures.values())), 1)}))


if __name__ == "__main__":
    main()
