"""Whether sales stay as fast on a grown database as on an empty one, and when a month begins.

    python benchmarks/growth.py [--database sqlite] [--meters N] [--sales N] [--keep FOLDER]

It fills a database with meters and months of sales (see `history.py`), and then measures, in turns:
the service on a new database of few meters, on the filled one with meters that have bought this
month, and on the filled one with meters whose first purchase of the month it is. A month's change
does nothing by itself: what an account says of a month is void once a purchase falls in another.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import databases, history, servers, shop
from benchmarks.agreement import differences_of, sales_of
from benchmarks.load import Driven, Driver, DriverFailed
from benchmarks.servers import ServerFailed

if TYPE_CHECKING:
    from benchmarks.databases import Databases
    from benchmarks.shop import Shop

_FEW_METERS: Final = 5_000
_SOLD_FIRST_SECONDS: Final = 3
"""Of real sales, from which the history is made."""
_WARM_SECONDS: Final = 2
_SLOWEST: Final = 0.85
"""Of the rate on an empty database."""
_NEW, _LATER, _FIRST = "empty", "later", "first"
_WORDS: Final = {
    _NEW: "empty",
    _LATER: "filled, a later purchase of the month",
    _FIRST: "filled, the first of the month",
}
_NOTE: Final = "filled.json"
_SHOWN: Final = 10


@dataclass
class Growth:
    """What was measured of each state of the database, round by round."""

    meters: int
    sales: int
    fill_seconds: float
    """0 when it was filled before."""
    bytes_on_disk: int
    rounds: dict[str, list[Driven]] = field(default_factory=lambda: {one: [] for one in _WORDS})

    def rate(self, state: str) -> float:
        """Return the median of sales a second."""
        return median(one.rate for one in self.rounds[state])

    def ratio(self, state: str) -> float:
        """Return the median of what a round sold, to what it sold on an empty database."""
        pairs = zip(self.rounds[state], self.rounds[_NEW], strict=True)
        return median(one.rate / max(empty.rate, 1) for one, empty in pairs)

    def errors(self, state: str) -> int:
        """Return how many requests were not sold."""
        return sum(one.errors for one in self.rounds[state])

    def figures(self) -> dict[str, Any]:
        """Return the figures under their stable names."""
        found: dict[str, Any] = {
            "meters": self.meters,
            "sales": self.sales,
            "fill_s": round(self.fill_seconds, 1),
            "disk_mb": self.bytes_on_disk >> 20,
        }
        for state in _WORDS:
            found |= {
                f"{state}_per_s": round(self.rate(state), 1),
                f"{state}_ratio": round(self.ratio(state), 3),
                f"{state}_p50_ms": round(median(one.p50_ms for one in self.rounds[state]), 2),
                f"{state}_p99_ms": round(median(one.p99_ms for one in self.rounds[state]), 2),
                f"{state}_errors": self.errors(state),
            }
        return found


def main() -> None:
    """Fill, measure and print; exit code 1 when something was not sold or does not agree."""
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-")))
        kept = folder if options.keep is None else options.keep
        try:
            opened = stack.enter_context(databases.opened(options.database, kept, folder))
            filled, seconds = _filled(options, opened, kept, folder)
            growth = Growth(
                meters=options.meters,
                sales=sales_of(filled),
                fill_seconds=seconds,
                bytes_on_disk=opened.size(),
            )
            _measure(growth, options, opened, filled, folder)
            problems = differences_of(filled) if options.reconcile else []
        except (ServerFailed, DriverFailed) as error:
            sys.exit(f"growth: {error}")
    _print(growth, options)
    for problem in problems[:_SHOWN]:
        print(f"does not agree: {problem}", file=sys.stderr)
    if options.json:
        print(json.dumps({"database": options.database} | growth.figures()))
    sys.exit(1 if problems or any(map(growth.errors, _WORDS)) else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure sales on a grown database.")
    parser.add_argument("--database", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--meters", type=int, default=1_000_000, help="registered (%(default)s)")
    parser.add_argument("--sales", type=int, default=5_000_000, help="stored (%(default)s)")
    parser.add_argument("--seconds", type=float, default=8, help="of each turn (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of three turns (%(default)s)")
    parser.add_argument(
        "--connections", type=int, default=32, help="of the load generator (%(default)s)"
    )
    parser.add_argument("--workers", type=int, default=1, help="of the service (%(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="of the filled file, to use it again; SQLite"
    )
    parser.add_argument("--reconcile", action="store_true", help="compare all records afterwards")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    if options.sales < options.meters:
        parser.error("--sales: each meter has bought before, so it takes as many as --meters")
    if options.keep is not None and options.database != "sqlite":
        parser.error("--keep: only a file can be kept; the PostgreSQL server ends with this")
    return options


def _filled(
    options: argparse.Namespace, opened: Databases, kept: Path, folder: Path
) -> tuple[Shop, float]:
    """Return the filled database, and the seconds that it took to fill it now."""
    kept.mkdir(parents=True, exist_ok=True)
    note = kept / _NOTE
    # In another month, all its meters would be in their first purchase.
    wanted = [options.meters, options.sales, f"{datetime.now(UTC):%Y-%m}"]
    if note.exists():
        if json.loads(note.read_text(encoding="utf-8")) != wanted:
            sys.exit(f"growth: {kept} was filled otherwise, or in another month; remove it")
        return shop.prepare(kept, opened.filled_url, meters=options.meters), 0
    if options.database == "sqlite" and list(kept.glob("vending.db*")):
        sys.exit(f"growth: {kept} has a database that was not filled to the end; remove it")
    source = _sold(opened, folder, options.connections)
    started = time.monotonic()
    with Console(stderr=True).status(f"Registering {options.meters:,} meters"):
        filled = shop.prepare(kept, opened.filled_url, meters=options.meters)
    with Progress(
        TextColumn("Filling"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        bar = progress.add_task("", total=options.sales)
        history.fill(
            opened.filled_url,
            source.database_url,
            sales=options.sales,
            told=lambda done: progress.update(bar, completed=done),
        )
    opened.settle()
    note.write_text(json.dumps(wanted), encoding="utf-8")
    return filled, time.monotonic() - started


def _sold(opened: Databases, folder: Path, connections: int) -> Shop:
    """Return a database that some seconds of sales were made in."""
    prepared, place = _new_shop(opened, folder, "source")
    with servers.vending(prepared, place) as server:
        driven = Driver(prepared, place, connections).drive(server, _SOLD_FIRST_SECONDS)
    if not driven.answered:
        raise ServerFailed("it sells nothing")
    return prepared


def _new_shop(opened: Databases, folder: Path, name: str) -> tuple[Shop, Path]:
    """Return a database with few meters that has sold nothing, and a folder for its service."""
    place = folder / name
    place.mkdir()
    return shop.prepare(place, opened.new(name), meters=_FEW_METERS), place


def _measure(
    growth: Growth,
    options: argparse.Namespace,
    opened: Databases,
    filled: Shop,
    folder: Path,
) -> None:
    later = replace(filled, meters=history.later_meters(filled.meters))
    first = replace(filled, meters=history.first_meters(filled.meters))
    for number in range(options.rounds):
        turns = list(_WORDS)
        # Each state comes first in some round, so that no slow drift of the machine counts.
        shift = number % len(turns)
        for state in turns[shift:] + turns[:shift]:
            place = folder / f"{state}-{number}"
            if state == _NEW:
                used, place = _new_shop(opened, folder, place.name)
            else:
                used = later if state == _LATER else first
                place.mkdir()
            driver = Driver(used, place, options.connections)
            with servers.vending(used, place, workers=options.workers) as server:
                driver.drive(server, _WARM_SECONDS)
                driven = driver.drive(server, options.seconds)
            growth.rounds[state].append(driven)
            print(f"round {number + 1}, {_WORDS[state]}: {driven.rate:,.0f}/s", file=sys.stderr)


def _print(growth: Growth, options: argparse.Namespace) -> None:
    figures = growth.figures()
    print(
        f"{options.database}, {options.meters:,} meters, {growth.sales:,} sales stored, "
        f"{figures['disk_mb']:,} MB; filled in {figures['fill_s']:,.0f} s\n"
        f"{options.rounds} rounds of {options.seconds:g} s, {options.workers} worker(s), "
        f"{options.connections} connections; Python {platform.python_version()}"
    )
    table = Table("", "sales/s", "ratio", "p50, ms", "p99, ms", "errors")
    for column in table.columns[1:]:
        column.justify = "right"
    for state, words in _WORDS.items():
        table.add_row(
            words,
            f"{figures[f'{state}_per_s']:,.0f}",
            f"{figures[f'{state}_ratio']:.3f}",
            f"{figures[f'{state}_p50_ms']:.1f}",
            f"{figures[f'{state}_p99_ms']:.1f}",
            str(figures[f"{state}_errors"]),
        )
    Console().print(table)
    is_flat = min(growth.ratio(_LATER), growth.ratio(_FIRST)) >= _SLOWEST
    print(f"within 15 % of the empty database: {'yes' if is_flat else 'NO'}")


if __name__ == "__main__":
    main()
