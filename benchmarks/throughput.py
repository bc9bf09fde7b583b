"""How many complete sales a second the service makes, as in production, and how fast.

    python benchmarks/throughput.py [--database URL] [--seconds S] [--connections N] [--json]

The service runs in processes of its own, with keys of its own, on a new database; the load
generator runs beside it on the same machine. Each sale is complete: credentials, model, tariff with
five blocks, VAT and a monthly charge, token with read-back, receipt and invoice numbers, credit of
a prepaid client, token log, answer with all fields. Before and after it, in the same run, the
"echo" measures what the web framework alone does with the same requests.

Afterwards everything is compared: the answers, the database, the credit, and virtual meters that
the tokens are entered into. What does not agree is printed, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks import servers, shop
from benchmarks.agreement import Found, Witness, compare, sales_of
from benchmarks.load import Driven, Driver, DriverFailed
from benchmarks.servers import ServerFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN: Final = 10


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run came to."""

    driver: str
    sold: Driven
    echoed: list[Driven]
    """Before and after the sales."""
    ready_s: float
    rss_mb: float
    processor_seconds: float
    """What the service had of the processors while it sold."""
    load_average: float
    """How busy the machine was before."""
    found: Found

    def figures(self) -> dict[str, Any]:
        """Return the figures under their stable names."""
        sales_per_s, echo_per_s = self.sold.rate, mean(one.rate for one in self.echoed)
        return {
            "sales_per_s": round(sales_per_s, 1),
            "echo_per_s": round(echo_per_s, 1),
            "ratio": round(sales_per_s / echo_per_s, 3) if echo_per_s else 0,
            "p50_ms": round(self.sold.p50_ms, 2),
            "p95_ms": round(self.sold.p95_ms, 2),
            "p99_ms": round(self.sold.p99_ms, 2),
            "worst_ms": round(self.sold.worst_ms, 2),
            "rss_mb": round(self.rss_mb, 1),
            "ready_s": round(self.ready_s, 2),
            "processor_ms": round(self.processor_seconds * 1e3 / max(self.found.sales, 1), 3),
            "load_average": round(self.load_average, 2),
            "errors": self.sold.errors,
            "sales": self.found.sales,
            "driver": self.driver,
            "agrees": not self.found.problems,
        }


def main() -> None:
    """Measure, compare and print; exit code 1 when something does not agree."""
    options = _options()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="throughput-") as folder,
            _database(options.database, Path(folder)) as url,
        ):
            run = _measure(options, Path(folder), url)
    except (ServerFailed, DriverFailed) as error:
        sys.exit(f"throughput: {error}")
    _print(run, options)
    for problem in run.found.problems[:_SHOWN]:
        print(f"does not agree: {problem}", file=sys.stderr)
    if options.json:
        print(json.dumps(run.figures()))
    sys.exit(1 if run.found.problems else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure complete sales a second.")
    parser.add_argument(
        "--database",
        default="sqlite",
        metavar="URL",
        help="`sqlite`: a new file; `postgresql`: a new server; or an address for SQLAlchemy of a "
        "database that is empty or was used here before (%(default)s)",
    )
    parser.add_argument("--seconds", type=float, default=8, help="of sales (%(default)s)")
    parser.add_argument(
        "--connections", type=int, default=32, help="of the load generator (%(default)s)"
    )
    parser.add_argument("--meters", type=int, default=5_000, help="registered (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of the service (%(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    return parser.parse_args()


@contextmanager
def _database(named: str, folder: Path) -> Iterator[str]:
    """Give the address of the database, and of what was started for it until the end."""
    if named == "sqlite":
        yield f"sqlite:///{folder / 'vending.db'}"
    elif named == "postgresql":
        try:
            from tests.support.postgres import PostgresServer  # noqa: PLC0415 (only if asked for)
        except ImportError as error:
            sys.exit(f"throughput: {error}; pip install '.[test]', or give --database an address")
        with PostgresServer(durable=True) as server:
            yield server.create_database("vending")
    else:
        yield named


def _measure(options: argparse.Namespace, folder: Path, url: str) -> Run:
    load_average = os.getloadavg()[0]
    prepared = shop.prepare(folder, url, meters=options.meters)
    sales_before = sales_of(prepared)
    driver = Driver(prepared, folder, options.connections)
    with servers.echo(folder) as echo:
        echoed = [driver.drive(echo, options.seconds / 4)]
    with servers.vending(prepared, folder, workers=options.workers) as server:
        with Witness(server, prepared) as witness:
            processor = server.processor_seconds()
            sold = driver.drive(server, options.seconds)
            processor = server.processor_seconds() - processor
        rss_mb = server.largest_worker_mib()
    with servers.echo(folder) as echo:
        echoed.append(driver.drive(echo, options.seconds / 4))
    found = compare(
        prepared,
        witness,
        sales_before=sales_before,
        answered=sold.answered,
        unanswered=(options.connections if driver.wrk else 0) + sold.broken + sold.late,
    )
    return Run(
        driver=driver.name,
        sold=sold,
        echoed=echoed,
        ready_s=server.ready_seconds,
        rss_mb=rss_mb,
        processor_seconds=processor,
        load_average=load_average,
        found=found,
    )


def _print(run: Run, options: argparse.Namespace) -> None:
    figures = run.figures()
    kind = options.database.split(":")[0]
    title = (
        f"{kind}, {options.workers} worker(s), {options.meters:,} meters, "
        f"{options.connections} connections\n{run.driver}; Python {platform.python_version()}"
    )
    print(title)
    table = Table("", "", show_header=False)
    table.columns[1].justify = "right"
    rows = {
        "sales/s": f"{figures['sales_per_s']:,.0f}",
        "p50, ms": f"{figures['p50_ms']:.1f}",
        "p95, ms": f"{figures['p95_ms']:.1f}",
        "p99, ms": f"{figures['p99_ms']:.1f}",
        "echo/s": f"{figures['echo_per_s']:,.0f}",
        "ratio": f"{figures['ratio']:.3f}",
        "rss of the worker, MB": f"{figures['rss_mb']:.0f}",
        "ready after, s": f"{figures['ready_s']:.2f}",
        "processor time of a sale, ms": f"{figures['processor_ms']:.2f}",
        "load average before": f"{figures['load_average']:.1f}",
        "errors": str(figures["errors"]),
        "sales in the database": f"{run.found.sales:,}",
        "on the way at the end": str(run.found.on_the_way),
        "tokens entered into meters": f"{run.found.tokens_entered:,}",
        "answers, database, meters": "agree" if figures["agrees"] else "DO NOT AGREE",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table)


if __name__ == "__main__":
    main()
