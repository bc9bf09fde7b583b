"""What a machine could do at most, whatever the service does with it.

    python benchmarks/limits.py [--rounds N] [--seconds S] [--json]

- echo: the web framework alone reads a purchase and sends it back (`echo.py`).
- bare sale: the same, but stored durably before it is answered, and nothing else (`bare.py`).
- commits: transactions of SQLite alone, one row each, with synchronous=FULL.
- two to one: what two processes that only compute do together, to what one does alone. Two
  processors that are two threads of one core come to 1.2 or 1.3, two cores to nearly 2.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import servers, shop
from benchmarks.bare import durable
from benchmarks.load import Driver, DriverFailed
from benchmarks.servers import ServerFailed

_METERS: Final = 1_000
_ECHO_CONNECTIONS: Final = 16
_SALE_CONNECTIONS: Final = 32
_STEPS: Final = 1_500_000
_PROCESSES: Final = 2
_WHERE_AIMS_WERE_SET: Final = {"echo/s": 6_049, "bare sales/s": 3_089, "commits/s": 5_700}
"""On the machine of two cores whose rates the aims for sales were taken from."""


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="limits-") as folder:
        prepared = shop.prepare(Path(folder), f"sqlite:///{folder}/shop.db", meters=_METERS)
        try:
            rounds = [
                _round(prepared, Path(folder), options.seconds)
                for _ in track(range(options.rounds), "rounds", console=Console(stderr=True))
            ]
        except (ServerFailed, DriverFailed) as error:
            sys.exit(f"limits: {error}")
    _print(rounds)
    if options.json:
        print(json.dumps({name: median(one[name] for one in rounds) for name in rounds[0]}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what this machine could do at most.")
    parser.add_argument("--rounds", type=int, default=5, help="of each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of each round (%(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds takes 1 or more, --seconds more than 0")
    return options


def _round(prepared: shop.Shop, folder: Path, seconds: float) -> dict[str, float]:
    with servers.echo(folder) as echo:
        echo_per_s = Driver(prepared, folder, _ECHO_CONNECTIONS).drive(echo, seconds).rate
    with servers.bare(folder) as bare:
        bare_per_s = Driver(prepared, folder, _SALE_CONNECTIONS).drive(bare, seconds).rate
    return {
        "echo/s": round(echo_per_s, 1),
        "bare sales/s": round(bare_per_s, 1),
        "commits/s": round(_commits(folder, seconds), 1),
        "two to one": round(_two_to_one(), 2),
    }


def _commits(folder: Path, seconds: float) -> float:
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        durable(f"{place}/commits.db") as database,
    ):
        database.execute("CREATE TABLE sale (amount INTEGER)")
        began, count = time.perf_counter(), 0
        while time.perf_counter() < began + seconds:
            database.execute("INSERT INTO sale VALUES (1)")
            count += 1
        return count / (time.perf_counter() - began)


def _two_to_one() -> float:
    with get_context("spawn").Pool(_PROCESSES) as pool:
        pool.map(_compute, [1] * _PROCESSES, chunksize=1)  # until both have begun
        alone = pool.apply(_compute, (_STEPS,))
        together = max(pool.map(_compute, [_STEPS] * _PROCESSES, chunksize=1))
    return _PROCESSES * alone / together


def _compute(steps: int) -> float:
    """Return the seconds that so many steps take."""
    began, number = time.perf_counter(), 0
    seen: dict[int, int] = {}
    for step in range(steps):
        number = (number * 31 + step) & 0xFFFF
        seen[number] = step
    return time.perf_counter() - began


def _print(rounds: list[dict[str, float]]) -> None:
    table = Table("this machine", "lowest", "median", "highest", "where the aims were set")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in rounds[0]:
        values = sorted(one[name] for one in rounds)
        digits = ",.2f" if name == "two to one" else ",.0f"
        aim = _WHERE_AIMS_WERE_SET.get(name)
        table.add_row(
            name,
            *(f"{one:{digits}}" for one in (values[0], median(values), values[-1])),
            "" if aim is None else f"{aim:,}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
