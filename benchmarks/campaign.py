"""How many meters a second a campaign records, alone and beside sales, and what it leaves to those.

    python benchmarks/campaign.py [--meters N] [--beside N] [--database postgresql] [--runners N]

Every meter gets the two tokens of a key change. Some of the meters are changed while nothing is
sold, the others while points of sale buy at half of the rate at which they were answered before.
Afterwards all records must agree, and each meter must have its tokens once; if not, the exit code
is 1.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import servers, shop
from benchmarks.agreement import differences_of
from benchmarks.databases import opened
from benchmarks.load import Driven, Driver
from benchmarks.opening import open_database
from vending_api.domain.campaigns.tables import CAMPAIGN_METER
from vending_api.domain.issuing.tables import TOKEN

if TYPE_CHECKING:
    from benchmarks.servers import Server
    from benchmarks.shop import Shop

_SOLD_TO: Final = 5_000
"""Other meters, which points of sale buy for."""
_ROUND_SECONDS: Final = 4
_TOKENS: Final = 2
"""Of a meter with EA07."""
_ALONE, _BESIDE = "alone", "beside sales"


@dataclass
class Run:
    """What was measured."""

    alone: int
    """Meters that were changed while nothing was sold."""
    beside_sales: int
    """Meters that were changed while something was."""
    seconds: dict[str, float] = field(default_factory=dict)
    full: Driven | None = None
    beside: list[Driven] = field(default_factory=list)
    agrees: bool = False

    def figures(self) -> dict[str, Any]:
        """Return the figures under their stable names."""
        assert self.full is not None
        sold = sum(one.answered for one in self.beside) / sum(one.seconds for one in self.beside)
        return {
            "meters_alone": self.alone,
            "meters_beside": self.beside_sales,
            "alone_per_s": round(self.alone / self.seconds[_ALONE], 1),
            "beside_per_s": round(self.beside_sales / self.seconds[_BESIDE], 1),
            "beside_minutes": round(self.seconds[_BESIDE] / 60, 2),
            "sales_full_per_s": round(self.full.rate, 1),
            "sales_beside_per_s": round(sold, 1),
            "sales_ratio": round(sold / max(self.full.rate, 1), 3),
            "sales_beside_p99_ms": round(max(one.p99_ms for one in self.beside), 1),
            "sales_errors": self.full.errors + sum(one.errors for one in self.beside),
            "million_minutes": round(self.seconds[_BESIDE] / self.beside_sales * 1e6 / 60, 1),
            "agrees": self.agrees,
            "load_average": round(os.getloadavg()[0], 1),
        }


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="vending-benchmark-") as name:
        folder = Path(name)
        with opened(options.database, folder, folder) as databases:
            url = databases.filled_url
            moving = options.meters + options.beside
            prepared = shop.prepare(folder, url, meters=_SOLD_TO + moving, moving=moving)
            databases.settle()
            run = _measure(options, folder, prepared)
    figures = run.figures()
    _print(figures, options)
    if options.json:
        print(json.dumps(figures))
    sys.exit(0 if run.agrees and not figures["sales_errors"] else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure a campaign beside sales.")
    parser.add_argument("--meters", type=int, default=10_000, help="alone (%(default)s)")
    parser.add_argument("--beside", type=int, default=10_000, help="beside sales (%(default)s)")
    parser.add_argument("--share", type=float, default=0.5, help="of full sales (%(default)s)")
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql"), default="postgresql", help="(%(default)s)"
    )
    parser.add_argument("--runners", type=int, default=1, help="at once (%(default)s)")
    parser.add_argument("--rate", type=float, help="meters a second of each runner, at most")
    parser.add_argument("--seconds", type=float, default=8, help="of sales alone (%(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="that buy (%(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


def _measure(options: argparse.Namespace, folder: Path, prepared: Shop) -> Run:
    moving = prepared.moving_meters
    run = Run(options.meters, options.beside)
    for name, meters in ((_ALONE, moving[: run.alone]), (_BESIDE, moving[run.alone :])):
        _approve(prepared, folder, name, meters)
    run.seconds[_ALONE] = _run(prepared, folder, _ALONE, options)
    sold_to = replace(prepared, meters=prepared.meters[: -len(moving)])
    with servers.vending(sold_to, folder) as server:
        driver = Driver(sold_to, folder, options.connections)
        driver.drive(server, 1)
        run.full = driver.drive(server, options.seconds)
        is_over = threading.Event()
        rate = run.full.rate * options.share
        buying = threading.Thread(target=_buy, args=(driver, server, rate, run.beside, is_over))
        buying.start()
        run.seconds[_BESIDE] = _run(prepared, folder, _BESIDE, options)
        is_over.set()
        buying.join()
    run.agrees = _agrees(prepared)
    return run


def _buy(
    driver: Driver, server: Server, rate: float, sold: list[Driven], is_over: threading.Event
) -> None:
    while not is_over.is_set():
        sold.append(driver.drive(server, _ROUND_SECONDS, rate=rate))


def _approve(prepared: Shop, folder: Path, name: str, meters: tuple[str, ...]) -> None:
    file = folder / "meters.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["meter_number"], *[[one] for one in meters]])
    why = ("--reason", "benchmark", "--by", "proposer")
    _vending(prepared, folder, "campaign", "key-change", name, "--file", str(file), *why).wait()
    _vending(prepared, folder, "campaign", "approve", name, "--by", "approver").wait()


def _run(prepared: Shop, folder: Path, name: str, options: argparse.Namespace) -> float:
    """Run a campaign to its end, and return the seconds that it took, starts included."""
    rate = () if options.rate is None else ("--rate", str(options.rate))
    began = time.monotonic()
    runners = [
        _vending(
            *(prepared, folder, "campaign", "run", name, "--by", "runner"),
            *("--slot", str(slot), *rate),
        )
        for slot in range(1, options.runners + 1)
    ]
    for runner in runners:
        if runner.wait() != 0:
            raise servers.ServerFailed((folder / "campaign.log").read_text()[-2000:])
    return time.monotonic() - began


def _vending(prepared: Shop, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    inherited = {name: one for name, one in os.environ.items() if not name.startswith("VENDING_")}
    environment = {
        "VENDING_DATABASE_URL": prepared.database_url,
        "VENDING_KEYS_FILE": str(prepared.sealed_keys_file),
        "VENDING_KEYS_PASSPHRASE_FILE": str(prepared.passphrase_file),
        "VENDING_DATA_KEYS_FILE": str(prepared.data_keys_file),
    }
    with (folder / "campaign.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 (our own commands)
            [sys.executable, "-c", "from vending_api.cli import main; main()", *arguments],
            cwd=servers.ROOT,
            env=inherited | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _agrees(prepared: Shop) -> bool:
    """Return whether all records agree, and each meter has its tokens once."""
    engine = open_database(prepared.database_url, connections=1)
    each = (
        select(func.count().label("tokens"))
        .select_from(CAMPAIGN_METER)
        .join(TOKEN, TOKEN.c.sale_key == CAMPAIGN_METER.c.sale_key)
        .group_by(CAMPAIGN_METER.c.meter_key)
    )
    with engine.connect() as connection:
        counts = [row.tokens for row in connection.execute(each)]
    engine.dispose()
    found = differences_of(prepared)
    for one in found[:10]:
        print(one)
    return not found and counts == [_TOKENS] * len(prepared.moving_meters)


def _print(figures: dict[str, Any], options: argparse.Namespace) -> None:
    python = platform.python_version()
    print(f"{options.database}, {options.runners} runner(s), key changes; Python {python}")
    table = Table("", "", show_header=False)
    table.columns[1].justify = "right"
    for name, value in figures.items():
        table.add_row(
            name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value)
        )
    Console().print(table)


if __name__ == "__main__":
    main()
