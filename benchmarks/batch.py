"""How fast columns become tokens: from an Arrow table to 20 digits, every meter another.

    python benchmarks/batch.py [--seconds S] [--json]
    python benchmarks/batch.py --file 10000000 [--jobs 2]

Each row derives the meter's key, makes a token, reads it back from its digits and works out the
key's check value; the columns come and go as text and numbers. Figures of one core are the
median of several rounds in processor time, like those of `engine.py`, which stand beside them.

`--file` writes a Parquet file of meters, changes the key of each, and says how long that took
by the clock.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # runs without being installed

from benchmarks.engine import Fleet, per_second
from sts.batch.files import Job, run_job
from sts.batch.source import ModuleSource, run
from sts.key_data import EncryptionAlgorithm
from sts.meter_number import MeterPan

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[1]
ROWS: Final = 200_000
MIN_ROUNDS: Final = 3
SECONDS_A_ROW: Final = 1.0
SOURCE: Final = ModuleSource(ROOT / "keys.example")
_DOUBLED: Final = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], np.uint8)


@dataclass(frozen=True)
class Pair:
    """A pair of algorithms, with a supply group of keys.example that has them."""

    name: str
    group: str
    algorithm: EncryptionAlgorithm


PAIRS: Final = (
    Pair("DKGA02 + EA07", "123456", EncryptionAlgorithm.EA07),
    Pair("DKGA04 + EA11", "123457", EncryptionAlgorithm.EA11),
)


def pans(count: int) -> Any:
    """Return a column of distinct meter numbers."""
    digits = np.zeros((count, 18), np.uint8)
    digits[:, :8] = [6, 0, 0, 7, 2, 7, 0, 7]
    serials = np.arange(count, dtype=np.int64) * 7919 % 10**8
    for place in range(8):
        digits[:, 15 - place] = serials // 10**place % 10
    digits[:, 16] = _luhn(digits[:, 6:16])
    digits[:, 17] = _luhn(digits[:, :17])
    offsets = np.arange(0, 18 * count + 1, 18, dtype=np.int32)
    octets = (digits + 48).tobytes()
    column = pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(octets)]
    )
    MeterPan.parse(column[count - 1].as_py())
    return column


def _luhn(digits: Any) -> Any:
    backwards = digits[:, ::-1]
    doubled = _DOUBLED[backwards[:, 0::2]].sum(axis=1, dtype=np.int16)
    return -(doubled + backwards[:, 1::2].sum(axis=1, dtype=np.int16)) % 10


def meters(pair: Pair, count: int) -> Any:
    """Return a table of meters under revision 1 of a supply group."""

    def everywhere(value: str) -> Any:
        indexes = pa.array(np.zeros(count, np.int8))
        return pa.DictionaryArray.from_arrays(indexes, [value]).dictionary_decode()

    return pa.table(
        {
            "pan": pans(count),
            "supply_group_code": everywhere(pair.group),
            "key_revision_number": np.ones(count, np.int64),
            "tariff_index": everywhere("01"),
            "encryption_algorithm": everywhere(pair.algorithm.value),
            "new_tariff_index": everywhere("02"),
        }
    )


def sales(pair: Pair, count: int = ROWS) -> Any:
    """Return a table of credit for as many meters."""
    numbers = np.arange(count, dtype=np.int64)
    return (
        meters(pair, count)
        .append_column("token_identifier_minutes", pa.array(5_871_715 + numbers))
        .append_column("random", pa.array(numbers % 16))
        .append_column("amount_tenths", pa.array(100 + numbers % 20_000))
    )


def rate(work: Callable[[], Any], seconds: float, rows: int = ROWS) -> int:
    """Return the median rate over rounds that take `seconds` together, in processor time."""
    answer = work()
    assert answer["error"].null_count == rows
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < MIN_ROUNDS or time.perf_counter() < end:
        start = time.process_time()
        work()
        rates.append(rows / (time.process_time() - start))
    return round(median(rates))


def _rate_beside(pair: Pair, start: float, seconds: float) -> int:
    """Return the rate of issuing from a moment on; runs in a process of its own."""
    table, module = sales(pair), SOURCE.module()
    module.issue(table)
    while time.time() < start:
        time.sleep(0.01)
    return rate(partial(module.issue, table), seconds)


def together(pair: Pair, processes: int, seconds: float) -> int:
    """Return the rate of several processes at once, each by its own processor time.

    What they take from each other, caches and memory, counts; what other programs take does not.
    """
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        start = time.time() + 4  # by then all of them have loaded
        runs = [pool.submit(_rate_beside, pair, start, seconds) for _ in range(processes)]
        return sum(run.result() for run in runs)


def change_keys_of_a_file(pair: Pair, rows: int, jobs: int) -> None:
    """Write a file of meters, change their keys into another, print how long it took."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "meters.parquet"), Path(folder, "changes.parquet")
        pq.write_table(meters(pair, rows), source)
        start = time.perf_counter()
        job = Job("change_key", SOURCE, source, target, jobs)
        summary = run_job(job, lambda *_: None)
        seconds = time.perf_counter() - start
        assert not summary.errors
        assert summary.rows == rows
        size = target.stat().st_size / 1e6
    print(
        f"{pair.name}: {rows:,} key changes from Parquet to Parquet ({size:,.0f} MB) with {jobs} "
        f"processes: {seconds:.1f} s, {rows / seconds:,.0f} a second"
    )


def show(seconds: float) -> None:
    """Measure everything and print the table."""
    table = Table("", *(pair.name for pair in PAIRS), title="Rows a second")
    for column in table.columns[1:]:
        column.justify = "right"
    module = SOURCE.module()
    issued = {pair: sales(pair) for pair in PAIRS}
    tokens = {pair: module.issue(issued[pair]) for pair in PAIRS}
    for name, operation, tables in (
        ("issue, read back", "issue", issued),
        ("decode and verify", "verify", tokens),
        ("key change (2 or 4 tokens)", "change_key", issued),
        ("derive", "derive", issued),
    ):
        rates = [rate(partial(run, module, operation, tables[pair]), seconds) for pair in PAIRS]
        table.add_row(name, *(f"{value:,}" for value in rates))
    fleets = [Fleet.of(pair.name, pair.group, pair.algorithm) for pair in PAIRS]
    scalar = [f"{per_second(fleet.issue, seconds):,.0f}" for fleet in fleets]
    table.add_row("scalar engine: issue, read back", *scalar)
    one, two = ([together(pair, count, seconds) for pair in PAIRS] for count in (1, 2))
    table.add_row("issue, two processes together", *(f"{value:,}" for value in two))
    scaling = (f"{both / alone:.2f}" for alone, both in zip(one, two, strict=True))
    table.add_row("two processes to one", *scaling)
    Console().print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure columns of tokens.")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS_A_ROW, help="time for each figure (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="issue on one core, one line of JSON")
    parser.add_argument("--file", type=int, metavar="ROWS", help="change the keys of a whole file")
    parser.add_argument("--jobs", type=int, default=2, help="processes for --file (%(default)s)")
    options = parser.parse_args()
    if options.file:
        for pair in PAIRS:
            change_keys_of_a_file(pair, options.file, options.jobs)
        return
    if options.json:
        names = ("dkga02_ea07_per_s", "dkga04_ea11_per_s")
        module = SOURCE.module()
        figures = {
            name: rate(partial(run, module, "issue", sales(pair)), options.seconds)
            for name, pair in zip(names, PAIRS, strict=True)
        }
        print(json.dumps(figures))
        return
    show(options.seconds)


if __name__ == "__main__":
    main()
