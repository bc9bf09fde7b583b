"""One run over a file: read it in parts, have them worked on, put the output together."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from sts.batch.files.formats import count_rows, format_of, read_parts, schema_of, writer
from sts.batch.files.parts import Parts, plan_of, write_part
from sts.batch.source import ModuleSource, run, schema_after
from sts.errors import InvalidField, WorkerLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROWS_A_PART: Final = 131_072
"""Some 40 MB while it is worked on, and what a crash costs at most, times the processes."""
_PLAN_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Job:
    """What to do to which file, and where the result goes.

    Raises InvalidField for less than one process or row.
    """

    operation: str
    source: ModuleSource
    input: Path
    output: Path
    jobs: int = 1
    """How many processes work; with one it is this process."""
    rows_a_part: int = ROWS_A_PART

    def __post_init__(self) -> None:
        for name, value in (("jobs", self.jobs), ("rows a part", self.rows_a_part)):
            if value < 1:
                raise InvalidField(name, f"{value} is none", "1 or more")


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the rows of a file."""

    rows: int
    resumed_rows: int
    """How many of them an earlier run had finished."""
    errors: dict[str, int] = field(default_factory=dict)
    """How many rows ended with each error code, the most frequent first."""


def run_job(job: Job, progress: Callable[[str, int, int], None]) -> Summary:
    """Turn a file of rows into a file of results, which appears when it is complete.

    Whatever stops it, the same call goes on where it ended. `progress` is told what is done (rows
    "made", then "written"), how many rows of how many.

    Raises FileInvalid, ColumnsInvalid, KeyFileInvalid, StaTablesInvalid, WorkerLost, OSError.
    """
    format_of(job.output)
    schema = schema_of(job.input)
    # The parent asks first: wrong columns are told before any work, and the kernels are compiled
    # once and not in every process.
    after = schema_after(job.source.module(), job.operation, schema)
    parts = Parts(job.output)
    plan = plan_of(
        job.input,
        format=_PLAN_FORMAT,
        operation=job.operation,
        keys=job.source.fingerprint(),
        rows_a_part=job.rows_a_part,
    )
    is_resumed = parts.begin(plan)
    total = count_rows(job.input)
    made = resumed = count = 0
    for rows, was_there in _work(job, schema, parts, is_resumed=is_resumed):
        made += rows
        resumed += rows * was_there
        count += 1
        progress("made", made, max(total, made))
    errors = _complete(job, parts, count, after, lambda rows: progress("written", rows, made))
    return Summary(made, resumed, dict(errors.most_common()))


def _work(job: Job, schema: Any, parts: Parts, *, is_resumed: bool) -> Iterator[tuple[int, bool]]:
    """Have every part worked on; yield the rows of each, and whether it was there before."""
    numbered = enumerate(read_parts(job.input, schema, job.rows_a_part))
    if job.jobs == 1:
        for number, table in numbered:
            there = is_resumed and parts.is_finished(number)
            if not there:
                _work_on(job.source, job.operation, table, parts.path(number))
            yield len(table), there
        return
    pool = ProcessPoolExecutor(job.jobs, get_context("spawn"), _begin_worker)
    running: dict[Future[None], int] = {}
    try:
        for number, table in numbered:
            if is_resumed and parts.is_finished(number):
                yield len(table), True
                continue
            octets = _octets_of(table)
            future = pool.submit(
                _work_on_octets, job.source, job.operation, octets, parts.path(number)
            )
            running[future] = len(table)
            while len(running) > job.jobs:  # one more than can run, so that none of them waits
                yield _first_done(running), False
        while running:
            yield _first_done(running), False
    except BrokenProcessPool:
        raise WorkerLost from None
    finally:
        pool.shutdown(cancel_futures=True)


def _first_done(running: dict[Future[None], int]) -> int:
    """Wait for a part, take it out of those that run, return its rows; raises what it raised."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    future = next(iter(done))
    future.result()
    return running.pop(future)


def _work_on(source: ModuleSource, operation: str, table: Any, path: Path) -> None:
    write_part(path, run(source.module(), operation, table))


def _octets_of(table: Any) -> bytes:
    """Return a table as octets; pickle would take more of a sliced one than its rows."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    octets: bytes = sink.getvalue().to_pybytes()
    return octets


def _work_on_octets(source: ModuleSource, operation: str, octets: bytes, path: Path) -> None:
    _work_on(source, operation, pa.ipc.open_stream(octets).read_all(), path)


def _begin_worker() -> None:
    """Leave interrupts to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=[parent_process()], daemon=True).start()


def _end_with(parent: Any) -> None:
    """Wait for the end of the parent, then leave at once; a worker would wait for work for ever."""
    parent.join()
    os._exit(1)


def _complete(
    job: Job, parts: Parts, count: int, schema: Any, progress: Callable[[int], None]
) -> Counter[str]:
    """Put the parts together, let the output appear, and count the error codes in it."""
    errors: Counter[str] = Counter()
    unfinished = parts.folder / "output"
    rows = 0
    with writer(unfinished, job.output, schema) as write:
        for number in range(count):
            table = parts.read(number)
            for entry in table["error"].drop_null().value_counts().to_pylist():
                errors[entry["values"]] += entry["counts"]
            write(table)
            rows += len(table)
            progress(rows)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    unfinished.replace(job.output)
    parts.remove()
    return errors
