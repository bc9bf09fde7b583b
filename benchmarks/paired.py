"""Whether this checkout sells faster than another one: both serve at once, and are driven in turns.

    python benchmarks/paired.py OTHER [--turns N] [--seconds S] [--database postgresql] [--json]

On a machine that does other things too, one run says little of the next. Here each turn of one
checkout is next to a turn of the other, each first as often as the other, and what counts is the
median of their ratios. OTHER is a folder with another commit of this project, as `git worktree
add` makes one; both run with the libraries of this Python.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE: Final = Path(__file__).resolve().parents[1]
_METERS: Final = 5_000
_CONNECTIONS: Final = 32
_WARM_UP_SECONDS: Final = 2
_FIGURES: Final = {
    "sales_per_s": "sales/s",
    "p99_ms": "p99, ms",
    "processor_us": "processor time of a sale, us",
}


@dataclass(frozen=True)
class Side:
    """A checkout that serves, in processes of its own."""

    process: subprocess.Popen[str]

    def turn(self, seconds: float) -> dict[str, float]:
        """Return what some seconds of load brought; raises RuntimeError where it ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        figures: dict[str, float] = json.loads(self.line())
        return figures

    def line(self) -> str:
        """Return what it says next; raises RuntimeError where it has ended."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said:
            raise RuntimeError("a side has ended; what it said stands above")
        return said


def main() -> None:
    """Measure both and print how they compare."""
    options = _options()
    if options.serve:
        _serve(options.other, options.database)
        return
    with _side(options.other, options.database) as other, _side(_HERE, options.database) as here:
        turns = [_pair(number, other, here, options.seconds) for number in range(options.turns)]
    table = Table("", "other", "here", "ratio", "half of the ratios")
    ratios = {}
    for name, words in _FIGURES.items():
        each = sorted(one[name] / before[name] for before, one in turns)
        low, ratios[name], high = quantiles(each, n=4)
        of_other, of_here = (median(pair[side][name] for pair in turns) for side in (0, 1))
        table.add_row(
            words,
            f"{of_other:,.0f}",
            f"{of_here:,.0f}",
            f"{ratios[name]:.3f}",
            f"{low:.3f} to {high:.3f}",
        )
    Console().print(table)
    if options.json:
        print(json.dumps({name: round(ratio, 3) for name, ratio in ratios.items()}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare sales with those of another checkout.")
    parser.add_argument("other", type=Path, metavar="OTHER", help="a folder with another commit")
    parser.add_argument("--turns", type=int, default=10, help="of each (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2, help="of a turn (%(default)s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true", help="end with the ratios as JSON")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.turns < 2:
        parser.error("--turns: take 2 or more")
    return options


def _pair(
    number: int, other: Side, here: Side, seconds: float
) -> tuple[dict[str, float], dict[str, float]]:
    if number % 2:
        of_here = here.turn(seconds)
        return other.turn(seconds), of_here
    return other.turn(seconds), here.turn(seconds)


@contextmanager
def _side(checkout: Path, database: str) -> Iterator[Side]:
    """Have a checkout serve until the end of the block."""
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, __file__, str(checkout), "--serve", "--database", database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
    )
    try:
        side = Side(process)
        side.line()  # it is ready
        yield side
    finally:
        process.communicate()


def _serve(checkout: Path, database: str) -> None:
    """Serve as one side: drive for the seconds of each line that is read, and say what came."""
    sys.path.insert(0, str(checkout.resolve()))
    from benchmarks import servers, shop  # noqa: PLC0415 (those of the other checkout)
    from benchmarks.load import Driver  # noqa: PLC0415 (likewise)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paired-")))
        url = f"sqlite:///{folder / 'vending.db'}"
        if database == "postgresql":
            from tests.support.postgres import PostgresServer  # noqa: PLC0415 (only if asked for)

            server = stack.enter_context(PostgresServer(durable=True))
            url = server.create_database("vending")
        prepared = shop.prepare(folder, url, meters=_METERS)
        driver = Driver(prepared, folder, _CONNECTIONS)
        service = stack.enter_context(servers.vending(prepared, folder))
        driver.drive(service, _WARM_UP_SECONDS)
        print("ready", flush=True)
        for line in sys.stdin:
            before = service.processor_seconds()
            sold = driver.drive(service, float(line))
            took = service.processor_seconds() - before
            figures = {
                "sales_per_s": sold.rate,
                "p99_ms": sold.p99_ms,
                "processor_us": took / max(sold.answered, 1) * 1e6,
            }
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
